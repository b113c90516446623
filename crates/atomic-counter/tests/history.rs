//! What real threads saw is what one thread could have seen.
#![cfg(all(not(loom), feature = "std"))]

use atomic_counter::{Counter, ShardedCounter};
use testkit::{
    history::{Event, Recorder, Spec, check, is_linearizable, on_threads},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;

/// A number that one thread changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Number(u64);

#[derive(Clone, Copy, Debug)]
enum Call {
    Increment,
    Decrement,
    CheckedSub(u64),
    SaturatingSub(u64),
    Store(u64),
    Take,
    Load,
}
use Call::{CheckedSub, Decrement, Increment, Load, SaturatingSub, Store, Take};

impl Spec for Number {
    type Operation = Call;
    /// The value before; none for what tells none or is refused.
    type Outcome = Option<u64>;

    fn apply(&mut self, call: &Call) -> Option<u64> {
        let before = self.0;
        self.0 = match *call {
            Increment => before.wrapping_add(1),
            Decrement => before.wrapping_sub(1),
            CheckedSub(n) => before.checked_sub(n)?,
            SaturatingSub(n) => before.saturating_sub(n),
            Store(value) => value,
            Take => 0,
            Load => before,
        };
        (!matches!(call, Store(_))).then_some(before)
    }
}

fn some_call(random: u64) -> Call {
    let n = random >> 32 & 7;
    match random % 10 {
        0..=2 => Increment,
        3 => Decrement,
        4 => CheckedSub(n),
        5 => SaturatingSub(n),
        6 => Store(n),
        7 => Take,
        _ => Load,
    }
}

#[test]
fn the_counter_is_linearizable() {
    for round in 0..scaled(300) {
        let counter = Counter::new(0);
        let history =
            on_threads::<THREADS, _, _>(round, OPERATIONS, some_call, |call| match *call {
                Increment => Some(counter.increment()),
                Decrement => Some(counter.decrement()),
                CheckedSub(n) => counter.checked_sub(n).ok(),
                SaturatingSub(n) => Some(counter.saturating_sub(n)),
                Store(value) => {
                    counter.store(value);
                    None
                }
                Take => Some(counter.take()),
                Load => Some(counter.load()),
            });
        check(&Number::default(), history);
    }
}

/// Its increments tell nothing, and its sum is the value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Sum(u64);

impl Spec for Sum {
    type Operation = Call;
    type Outcome = Option<u64>;

    fn apply(&mut self, call: &Call) -> Option<u64> {
        if let Load = call {
            return Some(self.0);
        }
        self.0 += 1;
        None
    }
}

#[test]
fn a_sum_of_ones_is_linearizable() {
    for round in 0..scaled(300) {
        let counter = ShardedCounter::new();
        let choose = |random| if random % 3 == 0 { Load } else { Increment };
        let history = on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |call| {
            if let Load = call {
                return Some(counter.sum());
            }
            counter.increment();
            None
        });
        check(&Sum::default(), history);
    }
}

/// The oracle is worth what it refuses: an increment that reads and then writes loses another's.
#[test]
fn the_checker_refuses_a_lost_increment() {
    let recorder = Recorder::new();
    for outcome in [0, 0] {
        recorder.record(Increment, || Some(outcome));
    }
    let history: Vec<Event<Call, Option<u64>>> = recorder.take();
    assert!(!is_linearizable(&Number::default(), &history));
}
