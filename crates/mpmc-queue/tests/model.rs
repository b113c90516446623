//! Both queues against `VecDeque`, over random sequences of operations.
#![cfg(not(loom))]

use std::collections::VecDeque;

use mpmc_queue::{
    Bounded, Full,
    ring::{IndexRing, LockFreeRing, Rules, WaitFreeRing},
};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};

struct Impatient;

// SAFETY: nothing is broken.
unsafe impl Rules for Impatient {
    const DELAY: usize = 1;

    fn patience(_hand: usize) -> u32 {
        0
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Push,
    Pop,
    ForcePush,
    PushMany(usize),
    PopMany(usize),
}

fn operations() -> impl Strategy<Value = Vec<(bool, Operation)>> {
    use Operation::*;
    let operation = prop_oneof![
        3 => Just(Push),
        3 => Just(Pop),
        1 => Just(ForcePush),
        1 => (0..12_usize).prop_map(PushMany),
        1 => (0..12_usize).prop_map(PopMany),
    ];
    vec((any::<bool>(), operation), 0..200)
}

fn is_a_bounded_deque<R: IndexRing>(
    capacity: usize,
    operations: Vec<(bool, Operation)>,
) -> TestCaseResult {
    let queue = Bounded::<usize, R>::new(capacity);
    let mut handle = queue.handle().unwrap();
    let (mut twin, mut next) = (VecDeque::new(), 0);
    for (by_handle, operation) in operations {
        match operation {
            Operation::Push => {
                let pushed = if by_handle { handle.push(next) } else { queue.push(next) };
                if twin.len() < capacity {
                    prop_assert_eq!(pushed, Ok(()));
                    twin.push_back(next);
                } else {
                    prop_assert_eq!(pushed, Err(Full(next)));
                }
                next += 1;
            }
            Operation::Pop => {
                let popped = if by_handle { handle.pop() } else { queue.pop() };
                prop_assert_eq!(popped, twin.pop_front());
            }
            Operation::ForcePush => {
                let displaced =
                    if by_handle { handle.force_push(next) } else { queue.force_push(next) };
                let full = twin.len() == capacity;
                prop_assert_eq!(displaced, full.then(|| twin.pop_front().unwrap()));
                twin.push_back(next);
                next += 1;
            }
            Operation::PushMany(count) => {
                let values = next..next + count;
                let result =
                    if by_handle { handle.push_many(values) } else { queue.push_many(values) };
                let rest: Vec<usize> =
                    result.err().into_iter().flat_map(Full::into_inner).collect();
                let fits = count.min(capacity - twin.len());
                prop_assert!(rest.into_iter().eq(next + fits..next + count));
                twin.extend(next..next + fits);
                next += count;
            }
            Operation::PopMany(count) => {
                let popped: Vec<usize> = if by_handle {
                    handle.pop_many(count).collect()
                } else {
                    queue.pop_many(count).collect()
                };
                let expected: Vec<usize> = twin.drain(..count.min(twin.len())).collect();
                prop_assert_eq!(popped, expected);
            }
        }
        prop_assert_eq!(queue.len(), twin.len());
        prop_assert_eq!(queue.is_empty(), twin.is_empty());
        prop_assert_eq!(queue.is_full(), twin.len() == capacity);
    }
    drop(handle);
    prop_assert!(queue.into_iter().eq(twin));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lock_free_queue(capacity in 1..40_usize, operations in operations()) {
        is_a_bounded_deque::<LockFreeRing>(capacity, operations)?;
    }

    #[test]
    fn the_wait_free_queue(capacity in 1..40_usize, operations in operations()) {
        is_a_bounded_deque::<WaitFreeRing>(capacity, operations)?;
    }

    #[test]
    fn the_wait_free_queue_by_requests_alone(capacity in 1..40_usize, operations in operations()) {
        is_a_bounded_deque::<WaitFreeRing<Impatient>>(capacity, operations)?;
    }
}
