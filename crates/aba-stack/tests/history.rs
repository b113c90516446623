//! What real threads saw is what one thread could have seen.
#![cfg(all(not(loom), feature = "alloc"))]

mod fixtures;

use std::{sync::Barrier, thread};

use aba_stack::{
    Full, Stack,
    rules::{Rules, Sound},
};
use fixtures::{NoMagazine, ShortTags};
use testkit::{
    history::{
        BoundedStack, Recorder,
        StackOperation::{self, Len, Pop, PopMany, Push, TakeAll},
        check, is_linearizable,
    },
    stress::scaled,
};

const CAPACITY: usize = 3;
const THREADS: u32 = 3;
const OPERATIONS: u32 = 8;

fn call<R: Rules>(stack: &Stack<u32, R>, operation: &StackOperation) -> Vec<u32> {
    match operation {
        Push(values) if values.len() == 1 => {
            stack.try_push(values[0]).err().map(Full::into_inner).into_iter().collect()
        }
        Push(values) => {
            let refused = stack.try_push_many(values.iter().copied());
            refused.err().into_iter().flat_map(Full::into_inner).collect()
        }
        Pop => stack.pop().into_iter().collect(),
        PopMany(most) => stack.pop_many(*most).collect(),
        TakeAll => stack.take_all().collect(),
        Len => stack.len().map(|len| u32::try_from(len).unwrap()).into_iter().collect(),
    }
}

/// `THREADS` threads with `OPERATIONS` each, another mixture in each round.
fn histories<R: Rules>() {
    for round in 0..u32::try_from(scaled(200)).unwrap() {
        let stack = Stack::<u32, R>::bounded_with_rules(CAPACITY);
        let (recorder, start) = (Recorder::new(), Barrier::new(THREADS as usize));
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let (recorder, start, stack) = (&recorder, &start, &stack);
                scope.spawn(move || {
                    let mut state = round * THREADS + thread + 1;
                    start.wait();
                    for step in 0..OPERATIONS {
                        state ^= state << 13;
                        state ^= state >> 17;
                        state ^= state << 5;
                        let value = 2 * (thread * OPERATIONS + step);
                        let operation = match state % 9 {
                            0..=2 => Push(vec![value]),
                            3 => Push(vec![value, value + 1]),
                            4 | 5 => Pop,
                            6 => PopMany(2),
                            7 => Len,
                            _ => TakeAll,
                        };
                        recorder.record(operation.clone(), || call(stack, &operation));
                    }
                });
            }
        });
        check(&BoundedStack::new(CAPACITY), recorder.take());
    }
}

#[test]
fn the_stack_is_linearizable() {
    histories::<Sound>();
}

#[test]
fn the_stack_without_magazines_is_linearizable() {
    histories::<NoMagazine>();
}

#[test]
fn the_stack_whose_tags_end_is_linearizable() {
    histories::<ShortTags>();
}

/// The oracle is worth what it refuses: a queue is no stack.
#[test]
fn the_checker_tells_a_queue_from_a_stack() {
    let recorder = Recorder::new();
    for (operation, outcome) in [(Push(vec![1]), vec![]), (Push(vec![2]), vec![]), (Pop, vec![1])] {
        recorder.record(operation, || outcome);
    }
    assert!(!is_linearizable(&BoundedStack::new(CAPACITY), &recorder.take()));
}
