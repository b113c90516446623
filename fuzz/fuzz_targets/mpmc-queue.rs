//! Both queues beside a `VecDeque`.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mpmc_queue::{Bounded, Queue, WaitFreeQueue, ring::IndexRing};

#[derive(Arbitrary, Debug)]
enum Step {
    Push(u16),
    Pop,
    ForcePush(u16),
    PushMany(Vec<u16>),
    PopMany(u8),
    Drain,
}

fn play<R: IndexRing>(queue: &Bounded<u16, R>, steps: &[Step]) {
    let capacity = queue.capacity();
    let mut twin = VecDeque::new();
    for step in steps {
        match step {
            Step::Push(value) => {
                assert_eq!(queue.push(*value).is_ok(), twin.len() < capacity);
                twin.extend((twin.len() < capacity).then_some(*value));
            }
            Step::Pop => assert_eq!(queue.pop(), twin.pop_front()),
            Step::ForcePush(value) => {
                let displaced = if twin.len() == capacity { twin.pop_front() } else { None };
                assert_eq!(queue.force_push(*value), displaced);
                twin.push_back(*value);
            }
            Step::PushMany(values) => {
                let room = capacity - twin.len();
                let fits = queue.push_many(values.iter().copied()).is_ok();
                assert_eq!(fits, values.len() <= room);
                twin.extend(values.iter().take(room));
            }
            Step::PopMany(n) => {
                let n = usize::from(*n).min(twin.len());
                assert!(queue.pop_many(n).eq(twin.drain(..n)));
            }
            Step::Drain => assert!(queue.drain().eq(twin.drain(..))),
        }
        assert_eq!(queue.len(), twin.len());
        assert_eq!((queue.is_empty(), queue.is_full()), (twin.is_empty(), twin.len() == capacity));
    }
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (capacity, steps) = input;
    let capacity = usize::from(capacity).max(1);
    play(&Queue::new(capacity), &steps);
    play(&WaitFreeQueue::new(capacity), &steps);
});
