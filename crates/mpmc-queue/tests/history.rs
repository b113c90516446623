//! What real threads saw is what one thread could have seen.
#![cfg(not(loom))]

mod fixtures;

use std::{sync::Barrier, thread};

use fixtures::{Reference, SequenceNumbers};
use mpmc_queue::{
    Bounded,
    ring::{IndexRing, LockFreeRing, Rules, WaitFreeRing},
};
use testkit::{
    history::{
        BoundedQueue,
        QueueOperation::{self, ForcePush, Pop, Push},
        Recorder, check, is_linearizable,
    },
    stress::scaled,
};

/// Every operation is a request, and everybody looks at one after each operation.
struct Asking;

// SAFETY: nothing is broken.
unsafe impl Rules for Asking {
    const DELAY: usize = 1;

    fn patience(_hand: usize) -> u32 {
        0
    }
}

const CAPACITY: usize = 2;
const THREADS: u32 = 3;
const OPERATIONS: u64 = 10;

/// One history: `THREADS` threads with `OPERATIONS` each, another mixture in each `round`.
fn record(
    round: u64,
    call: impl Fn(QueueOperation) -> Option<u64> + Sync,
) -> Recorder<QueueOperation, Option<u64>> {
    let recorder = Recorder::new();
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..u64::from(THREADS) {
            let (recorder, start, call) = (&recorder, &start, &call);
            scope.spawn(move || {
                let mut state = round * u64::from(THREADS) + thread + 1;
                start.wait();
                for step in 0..OPERATIONS {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let value = thread * OPERATIONS + step + 1;
                    let operation = match state % 5 {
                        0 | 1 => Push(value),
                        2 => ForcePush(value),
                        _ => Pop,
                    };
                    recorder.record(operation, || call(operation));
                }
            });
        }
    });
    recorder
}

fn histories_of_queues<R: IndexRing>() {
    for round in 0..scaled(300) {
        let queue = Bounded::<u64, R>::new(CAPACITY);
        let recorder = record(round, |operation| match operation {
            Push(value) => queue.push(value).err().map(mpmc_queue::Full::into_inner),
            ForcePush(value) => queue.force_push(value),
            Pop => queue.pop(),
        });
        check(&BoundedQueue::new(CAPACITY), recorder.take());
    }
}

#[test]
fn the_lock_free_queue_is_linearizable() {
    histories_of_queues::<LockFreeRing>();
}

#[test]
fn the_wait_free_queue_is_linearizable() {
    histories_of_queues::<WaitFreeRing>();
}

#[test]
fn requests_are_linearizable() {
    histories_of_queues::<WaitFreeRing<Asking>>();
}

/// The oracle is worth what it refuses: a queue that forgets to check whether it is empty, played by
/// one thread, is caught at once; and one that is sound is not.
#[test]
fn the_checker_tells_a_broken_queue_from_a_sound_one() {
    let spec = BoundedQueue::new(CAPACITY);
    let operations = [Push(1), Push(2), Push(3), Pop, Pop, Pop, Push(4), Pop];

    let sound = SequenceNumbers::new(CAPACITY);
    let recorder = Recorder::new();
    for operation in operations {
        recorder.record(operation, || match operation {
            Push(value) | ForcePush(value) => (!sound.push(value)).then_some(value),
            Pop => sound.pop(),
        });
    }
    check(&spec, recorder.take());

    let reference = Reference::new(CAPACITY);
    let recorder = Recorder::new();
    for operation in operations {
        recorder.record(operation, || match operation {
            Push(value) | ForcePush(value) => (!reference.push(value)).then_some(value),
            // What a second consumer gets that has read the slot before the first one's exchange.
            Pop => reference.pop().map(|value| if value == 2 { 1 } else { value }),
        });
    }
    assert!(!is_linearizable(&spec, &recorder.take()));
}
