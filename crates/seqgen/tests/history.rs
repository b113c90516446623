//! What real threads saw is what one thread could have seen.
#![cfg(all(not(loom), feature = "std"))]

use seqgen::Sequence;
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, on_threads},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;

/// The ids behind `last`, one `step` apart, up to `max`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Ids {
    last: u64,
    max: u64,
    step: u64,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Next,
    Batch(u64),
    Reset(u64),
    Current,
    Remaining,
}
use Call::{Batch, Current, Next, Remaining, Reset};

impl Ids {
    fn left(&self) -> u64 {
        (self.max - self.last) / self.step
    }
}

impl Spec for Ids {
    type Operation = Call;
    type Outcome = Vec<u64>;

    fn apply(&mut self, call: &Call) -> Vec<u64> {
        let wanted = match *call {
            Next => 1,
            Batch(n) => n,
            Reset(start) => {
                self.last = start;
                return Vec::new();
            }
            Current => return vec![self.last],
            Remaining => return vec![self.left()],
        };
        let ids: Vec<_> =
            (1..=wanted.min(self.left())).map(|n| self.last + n * self.step).collect();
        self.last = ids.last().copied().unwrap_or(self.last);
        ids
    }
}

/// Histories of the ids behind `start`.
fn histories(start: u64, max: u64, step: u64) {
    let choose = |random: u64| match random % 12 {
        0..=4 => Next,
        5 | 6 => Batch(1 + (random >> 32) % 3),
        7 => Reset(start + step * ((random >> 32) % 3)),
        8 | 9 => Current,
        _ => Remaining,
    };
    for round in 0..scaled(100) {
        let ids = Sequence::new(start, max, step).unwrap();
        let history = on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |call| match *call {
            Next => ids.next().into_iter().collect(),
            Batch(n) => ids.next_batch(n).into_iter().flatten().collect(),
            Reset(start) => {
                ids.reset(start).unwrap();
                Vec::new()
            }
            Current => vec![ids.current()],
            Remaining => vec![ids.remaining()],
        });
        check(&Ids { last: start, max, step }, history);
    }
}

#[test]
fn a_sequence_with_room_is_linearizable() {
    histories(0, 1_000_000, 3);
}

#[test]
fn a_sequence_that_ends_is_linearizable() {
    histories(0, 40, 3);
}

#[test]
fn a_sequence_at_the_end_of_all_numbers_is_linearizable() {
    histories(u64::MAX - 40, u64::MAX, 3);
}

#[test]
fn a_sequence_with_giant_steps_is_linearizable() {
    histories(0, u64::MAX, 1 << 60);
}

/// The oracle is worth what it refuses: an id from before a reset that has returned.
#[test]
fn the_checker_refuses_an_id_from_before_a_reset() {
    let recorder = Recorder::new();
    for (call, outcome) in [(Next, vec![1]), (Reset(10), vec![]), (Next, vec![2])] {
        recorder.record(call, || outcome);
    }
    assert!(!is_linearizable(&Ids { last: 0, max: 99, step: 1 }, &recorder.take()));
}
