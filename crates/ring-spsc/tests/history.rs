//! What the two ends saw is what one thread could have seen.
#![cfg(all(not(loom), feature = "alloc"))]

use std::collections::VecDeque;

use ring_spsc::{Full, contiguous};
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, together},
    stress::scaled,
};

const CAPACITY: usize = 2;
const OPERATIONS: usize = 24;

/// A bounded queue with a length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Queue(VecDeque<u64>);

#[derive(Clone, Copy, Debug)]
enum Call {
    /// Returns the value if there is no room.
    Push(u64),
    Pop,
    Len,
}
use Call::{Len, Pop, Push};

impl Spec for Queue {
    type Operation = Call;
    type Outcome = Option<u64>;

    fn apply(&mut self, call: &Call) -> Option<u64> {
        match *call {
            Push(value) if self.0.len() == CAPACITY => Some(value),
            Push(value) => {
                self.0.push_back(value);
                None
            }
            Pop => self.0.pop_front(),
            Len => Some(self.0.len() as u64),
        }
    }
}

/// What the end of a thread does.
type End = Box<dyn FnMut(Call) -> Option<u64> + Send>;

/// What a thread does with a random number.
type Step = Box<dyn FnMut(&Recorder<Call, Option<u64>>, u64) + Send>;

/// Histories of what `ends` makes: the end that pushes, and the other.
fn histories(ends: impl Fn() -> [End; 2]) {
    for round in 0..scaled(300) {
        let mut pushed = 0;
        let [mut producer, mut consumer] = ends();
        let produce = move |recorder: &Recorder<Call, Option<u64>>, random| {
            pushed += 1;
            let call = if random % 4 == 0 { Len } else { Push(pushed) };
            recorder.record(call, || producer(call));
        };
        let consume = move |recorder: &Recorder<Call, Option<u64>>, random| {
            let call = if random % 4 == 0 { Len } else { Pop };
            recorder.record(call, || consumer(call));
        };
        let steps: [Step; 2] = [Box::new(produce), Box::new(consume)];
        check(&Queue::default(), together(steps, round, OPERATIONS));
    }
}

/// Both ends of what `$ring` makes.
macro_rules! ends {
    ($ring:path) => {
        || {
            let (mut producer, mut consumer) = $ring(CAPACITY);
            [
                Box::new(move |call| match call {
                    Push(value) => producer.push(value).err().map(Full::into_inner),
                    _ => Some(producer.len() as u64),
                }),
                Box::new(move |call| match call {
                    Pop => consumer.pop(),
                    _ => Some(consumer.len() as u64),
                }),
            ]
        }
    };
}

#[test]
fn the_ring_is_linearizable() {
    histories(ends!(ring_spsc::ring));
}

#[test]
fn the_contiguous_ring_is_linearizable() {
    histories(ends!(contiguous::ring));
}

/// The oracle is worth what it refuses: a ring whose consumer reads a slot that is not published yet.
#[test]
fn the_checker_refuses_a_value_that_comes_twice() {
    let recorder = Recorder::new();
    for (call, outcome) in [(Push(1), None), (Pop, Some(1)), (Pop, Some(1))] {
        recorder.record(call, || outcome);
    }
    assert!(!is_linearizable(&Queue::default(), &recorder.take()));
}
