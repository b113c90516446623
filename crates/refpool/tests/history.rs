//! What real threads saw is what one thread could have seen.
#![cfg(all(not(loom), feature = "std"))]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use refpool::{Pool, RefCount};
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, together},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;

/// A count that one thread changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Count(usize);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    TryRetain,
    Release,
    Count,
}

impl Spec for Count {
    type Operation = Call;
    /// A count, or 1 for true and 0 for false.
    type Outcome = usize;

    fn apply(&mut self, call: &Call) -> usize {
        match call {
            Call::TryRetain if self.0 == 0 => 0,
            Call::TryRetain => {
                self.0 += 1;
                1
            }
            Call::Release => {
                self.0 -= 1;
                usize::from(self.0 == 0)
            }
            Call::Count => self.0,
        }
    }
}

#[test]
fn the_count_is_linearizable() {
    for round in 0..scaled(300) {
        let count = RefCount::new();
        (1..THREADS).for_each(|_| count.retain());
        let steps = [(); THREADS].map(|()| {
            let (count, mut held) = (&count, 1_usize);
            move |recorder: &Recorder<Call, usize>, random: u64| match random % 5 {
                0 | 1 => held += recorder.record(Call::TryRetain, || count.try_retain().into()),
                2 | 3 if held > 0 => {
                    held -= 1;
                    recorder.record(Call::Release, || count.release().into());
                }
                _ => _ = recorder.record(Call::Count, || count.count()),
            }
        });
        check(&Count(THREADS), together(steps, round, OPERATIONS));
    }
}

/// Resources of which some are out. An empty hand says that each was seen out at some moment, but not
/// that all were at one; so one of them must have been.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Resources {
    out: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Use {
    Acquire,
    GiveBack(u32),
}

impl Spec for Resources {
    type Operation = Use;
    /// Which one was acquired.
    type Outcome = Option<u32>;

    fn apply(&mut self, _: &Use) -> Option<u32> {
        unreachable!("which resource is acquired is the pool's choice")
    }

    fn admits(&mut self, call: &Use, outcome: &Option<u32>) -> bool {
        match (*call, *outcome) {
            (Use::Acquire, None) => !self.out.is_empty(),
            (Use::Acquire, Some(one)) if self.out.contains(&one) => false,
            (Use::Acquire, Some(one)) => {
                self.out.push(one);
                self.out.sort_unstable();
                true
            }
            (Use::GiveBack(one), _) => {
                self.out.retain(|&other| other != one);
                true
            }
        }
    }
}

#[test]
fn a_resource_has_one_holder_at_a_time() {
    for round in 0..scaled(300) {
        let made = AtomicU32::new(0);
        let pool = Pool::builder(2, move || made.fetch_add(1, Relaxed)).extras(0).build();
        // What a thread still has when it ends is given back when all have ended: nobody recorded it.
        let mut hands = [const { Vec::new() }; THREADS];
        let steps = hands.each_mut().map(|held| {
            let pool = &pool;
            move |recorder: &Recorder<Use, Option<u32>>, random: u64| {
                if random.is_multiple_of(2) || held.is_empty() {
                    recorder.record(Use::Acquire, || {
                        let handle = pool.try_acquire().ok()?;
                        let which = *handle;
                        held.push(handle);
                        Some(which)
                    });
                } else if let Some(handle) = held.pop() {
                    recorder.record(Use::GiveBack(*handle), || {
                        drop(handle);
                        None
                    });
                }
            }
        });
        check(&Resources::default(), together(steps, round, OPERATIONS));
    }
}

/// The oracle is worth what it refuses: two holders, two that are last.
#[test]
fn the_checker_refuses_two_holders_and_two_last() {
    let recorder = Recorder::new();
    (0..2).for_each(|_| _ = recorder.record(Use::Acquire, || Some(7)));
    assert!(!is_linearizable(&Resources::default(), &recorder.take()));
    let recorder = Recorder::new();
    (0..2).for_each(|_| _ = recorder.record(Call::Release, || 1));
    assert!(!is_linearizable(&Count(2), &recorder.take()));
}
