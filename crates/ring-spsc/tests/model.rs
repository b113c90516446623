//! Both rings against `VecDeque`, over random sequences of operations.
#![cfg(not(loom))]

use std::collections::VecDeque;

use proptest::{collection::vec, prelude::*};
use ring_spsc::contiguous;

#[derive(Clone, Debug)]
enum Operation {
    Push,
    Pop,
    Peek,
    PushSlice(usize),
    PopSlice(usize),
    PushIter(usize),
    PopIter(usize),
    WriteChunk { lent: usize, filled: usize },
    ReadChunk { lent: usize, committed: usize },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let some = || 0..12_usize;
    let operation = prop_oneof![
        Just(Push),
        Just(Pop),
        Just(Peek),
        some().prop_map(PushSlice),
        some().prop_map(PopSlice),
        some().prop_map(PushIter),
        some().prop_map(PopIter),
        (some(), some()).prop_map(|(lent, filled)| WriteChunk { lent, filled }),
        (some(), some()).prop_map(|(lent, committed)| ReadChunk { lent, committed }),
    ];
    vec(operation, 0..200)
}

/// What is the same for both rings.
macro_rules! apply {
    ($operation:expr, $producer:ident, $consumer:ident, $twin:ident, $next:ident) => {
        match $operation {
            Operation::Push => {
                let fits = $twin.len() < $producer.capacity();
                prop_assert_eq!($producer.push($next).is_ok(), fits);
                if fits {
                    $twin.push_back($next);
                    $next += 1;
                }
            }
            Operation::Pop => prop_assert_eq!($consumer.pop(), $twin.pop_front()),
            Operation::Peek => prop_assert_eq!($consumer.peek(), $twin.front()),
            Operation::PushSlice(count) => {
                let values: Vec<usize> = ($next..).take(count).collect();
                let pushed = $producer.push_slice(&values);
                prop_assert_eq!(pushed, count.min($producer.capacity() - $twin.len()));
                $twin.extend(&values[..pushed]);
                $next += pushed;
            }
            Operation::PushIter(count) => {
                let mut values = ($next..).take(count);
                let pushed = $producer.push_iter(&mut values);
                prop_assert_eq!(pushed, count.min($producer.capacity() - $twin.len()));
                prop_assert_eq!(values.count(), count - pushed);
                $twin.extend(($next..).take(pushed));
                $next += pushed;
            }
            Operation::PopSlice(count) => {
                let mut values = vec![0; count];
                let popped = $consumer.pop_slice(&mut values);
                let expected: Vec<usize> = $twin.drain(..count.min($twin.len())).collect();
                prop_assert_eq!(&values[..popped], &expected[..]);
            }
            Operation::PopIter(count) => {
                let popped: Vec<usize> = $consumer.pop_iter().take(count).collect();
                let expected: Vec<usize> = $twin.drain(..count.min($twin.len())).collect();
                prop_assert_eq!(popped, expected);
            }
            Operation::WriteChunk { .. } | Operation::ReadChunk { .. } => {}
        }
        prop_assert_eq!(($producer.len(), $consumer.len()), ($twin.len(), $twin.len()));
    };
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_slotted_ring_is_a_bounded_deque(capacity in 1..20_usize, operations in operations()) {
        let (mut producer, mut consumer) = ring_spsc::ring(capacity);
        let (mut twin, mut next) = (VecDeque::new(), 0_usize);
        for operation in operations {
            apply!(operation, producer, consumer, twin, next);
        }
    }

    #[test]
    fn the_contiguous_ring_is_a_bounded_deque(capacity in 1..20_usize, operations in operations()) {
        let (mut producer, mut consumer) = contiguous::ring(capacity);
        let (mut twin, mut next) = (VecDeque::new(), 0_usize);
        for operation in operations {
            match operation {
                Operation::WriteChunk { lent, filled } => {
                    let chunk = producer.write_chunk(lent);
                    prop_assert_eq!(chunk.len(), lent.min(capacity - twin.len()));
                    let pushed = filled.min(chunk.len());
                    prop_assert_eq!(chunk.fill((next..).take(filled)), pushed);
                    twin.extend((next..).take(pushed));
                    next += pushed;
                }
                Operation::ReadChunk { lent, committed } => {
                    let chunk = consumer.read_chunk(lent);
                    let (first, second) = chunk.as_slices();
                    let seen: Vec<usize> = first.iter().chain(second).copied().collect();
                    let expected: Vec<usize> = twin.iter().take(lent).copied().collect();
                    prop_assert_eq!(&seen, &expected);
                    let committed = committed.min(chunk.len());
                    chunk.commit(committed);
                    twin.drain(..committed);
                }
                other => {
                    apply!(other, producer, consumer, twin, next);
                }
            }
        }
    }
}
