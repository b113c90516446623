//! Both rings beside a `VecDeque`.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ring_spsc::contiguous;

#[derive(Arbitrary, Debug)]
enum Step {
    Push(u16),
    Pop,
    PushSlice(Vec<u16>),
    PushIter(Vec<u16>),
    PopSlice(u8),
    PopIter(u8),
    Chunk(u8, u8),
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (capacity, steps) = input;
    let capacity = usize::from(capacity).max(1);
    let (mut producer, mut consumer) = ring_spsc::ring::<u16>(capacity);
    let (mut writer, mut reader) = contiguous::ring::<u16>(capacity);
    // Which may be larger than was asked for.
    let (slots, places) = (producer.capacity(), writer.capacity());
    assert!(slots >= capacity && places >= capacity);
    let (mut slotted, mut plain) = (VecDeque::new(), VecDeque::new());
    for step in steps {
        match step {
            Step::Push(value) => {
                assert_eq!(producer.push(value).is_ok(), slotted.len() < slots);
                assert_eq!(writer.push(value).is_ok(), plain.len() < places);
                slotted.extend((slotted.len() < slots).then_some(value));
                plain.extend((plain.len() < places).then_some(value));
            }
            Step::Pop => {
                assert_eq!(consumer.peek(), slotted.front());
                assert_eq!(reader.peek(), plain.front());
                assert_eq!(consumer.pop(), slotted.pop_front());
                assert_eq!(reader.pop(), plain.pop_front());
            }
            Step::PushSlice(values) => {
                let (some, few) = (slots - slotted.len(), places - plain.len());
                assert_eq!(producer.push_slice(&values), some.min(values.len()));
                assert_eq!(writer.push_slice(&values), few.min(values.len()));
                slotted.extend(values.iter().take(some));
                plain.extend(values.iter().take(few));
            }
            Step::PushIter(values) => {
                let (some, few) = (slots - slotted.len(), places - plain.len());
                assert_eq!(producer.push_iter(values.iter().copied()), some.min(values.len()));
                assert_eq!(writer.push_iter(values.iter().copied()), few.min(values.len()));
                slotted.extend(values.iter().take(some));
                plain.extend(values.iter().take(few));
            }
            Step::PopSlice(n) => {
                let mut values = vec![0; n.into()];
                let got = consumer.pop_slice(&mut values);
                assert_eq!(got, slotted.len().min(n.into()));
                assert!(values[..got].iter().copied().eq(slotted.drain(..got)));
                let got = reader.pop_slice(&mut values);
                assert_eq!(got, plain.len().min(n.into()));
                assert!(values[..got].iter().copied().eq(plain.drain(..got)));
            }
            Step::PopIter(n) => {
                let got: Vec<_> = consumer.pop_iter().take(n.into()).collect();
                assert!(got.iter().copied().eq(slotted.drain(..got.len())));
                assert_eq!(got.len() < n.into(), slotted.is_empty() && got.len() < n.into());
            }
            Step::Chunk(most, taken) => {
                let chunk = reader.read_chunk(most.into());
                let (front, back) = chunk.as_slices();
                let seen: Vec<_> = front.iter().chain(back).copied().collect();
                assert!(seen.iter().eq(plain.iter().take(seen.len())));
                let taken = usize::from(taken).min(seen.len());
                chunk.commit(taken);
                plain.drain(..taken);
            }
        }
        assert_eq!((producer.len(), consumer.len()), (slotted.len(), slotted.len()));
        assert_eq!((writer.len(), reader.len()), (plain.len(), plain.len()));
    }
});
