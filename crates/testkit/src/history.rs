//! Histories of concurrent operations, and whether they are linearizable.
//!
//! A [`Recorder`] stamps the call and the return of each operation; [`check`] looks for an order of
//! the operations that respects those stamps and that a sequential [`Spec`] could have given the same
//! results in. The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with
//! Lowe's memory of states seen ("Testing for linearizability", 2017): it takes time exponential in
//! how many operations overlap, so histories of three to four threads and some dozens of operations
//! each are its limit.
//!
//! The stamps are acquired and released: an operation that was called after another had returned
//! *happens after* it, under the models too.

use core::{fmt::Debug, hash::Hash};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Barrier, Mutex, PoisonError},
    thread,
};

use lockfree_core::sync::{AtomicUsize, Ordering::AcqRel};

/// What operations do when there is one thread.
pub trait Spec: Clone + Eq + Hash {
    /// An operation with its arguments.
    type Operation: Clone + Debug;
    /// What it returns.
    type Outcome: Clone + Debug + PartialEq;

    /// Does the operation and tells what it returns.
    fn apply(&mut self, operation: &Self::Operation) -> Self::Outcome;

    /// Does the operation as it was done, unless that cannot be. For operations that may return one
    /// thing or another.
    fn admits(&mut self, operation: &Self::Operation, outcome: &Self::Outcome) -> bool {
        self.apply(operation) == *outcome
    }
}

/// One operation of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<O, R> {
    /// What was called.
    pub operation: O,
    /// What was returned.
    pub outcome: R,
    called: usize,
    returned: usize,
}

/// Collects a history from any number of threads.
#[derive(Debug)]
pub struct Recorder<O, R> {
    clock: AtomicUsize,
    events: Mutex<Vec<Event<O, R>>>,
}

impl<O, R> Recorder<O, R> {
    /// An empty history.
    pub fn new() -> Self {
        Self { clock: AtomicUsize::new(0), events: Mutex::new(Vec::new()) }
    }

    /// Runs `call`, records it as `operation` and returns what it returned.
    pub fn record(&self, operation: O, call: impl FnOnce() -> R) -> R
    where
        R: Clone,
    {
        // AcqRel [real-time]: what returned before this is called happened before it.
        let called = self.clock.fetch_add(1, AcqRel);
        let outcome = call();
        // AcqRel [real-time]: pairs with the stamp of each later call.
        let returned = self.clock.fetch_add(1, AcqRel);
        let event = Event { operation, outcome: outcome.clone(), called, returned };
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        outcome
    }

    /// The history so far.
    pub fn take(&self) -> Vec<Event<O, R>> {
        core::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<O, R> Default for Recorder<O, R> {
    fn default() -> Self {
        Self::new()
    }
}

/// A history of `THREADS` threads that begin together and do `operations` operations each, which
/// `choose` makes of random numbers. Another `round` has other numbers.
pub fn on_threads<const THREADS: usize, O, R>(
    round: u64,
    operations: usize,
    choose: impl Fn(u64) -> O + Sync,
    call: impl Fn(&O) -> R + Sync,
) -> Vec<Event<O, R>>
where
    O: Clone + Send,
    R: Clone + Send,
{
    let (choose, call) = (&choose, &call);
    let step = |recorder: &Recorder<O, R>, random| {
        let operation = choose(random);
        recorder.record(operation.clone(), || call(&operation));
    };
    together([(); THREADS].map(|()| step), round, operations)
}

/// As [`on_threads`], where each thread has a step of its own, which records what it does: for those
/// who have an end of their own, or must give back what they took.
pub fn together<const THREADS: usize, O, R, S>(
    steps: [S; THREADS],
    round: u64,
    operations: usize,
) -> Vec<Event<O, R>>
where
    O: Send,
    R: Send,
    S: FnMut(&Recorder<O, R>, u64) + Send,
{
    let (recorder, start) = (Recorder::new(), Barrier::new(THREADS));
    thread::scope(|scope| {
        for (thread, mut step) in steps.into_iter().enumerate() {
            let (recorder, start) = (&recorder, &start);
            scope.spawn(move || {
                let mut random = Random(round * THREADS as u64 + thread as u64);
                start.wait();
                for _ in 0..operations {
                    step(recorder, random.next());
                }
            });
        }
    });
    recorder.take()
}

/// Numbers that look random: Steele, Lea and Flood's `SplitMix64` (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// Whether the history is one of `spec`'s. No operation of it may still be under way.
///
/// # Panics
/// It has more than 128 operations.
pub fn is_linearizable<S: Spec>(spec: &S, history: &[Event<S::Operation, S::Outcome>]) -> bool {
    /// Whether the operations that `done` does not tell can follow, from this state.
    fn search<S: Spec>(
        spec: &S,
        done: u128,
        history: &[Event<S::Operation, S::Outcome>],
        seen: &mut HashSet<(u128, S)>,
    ) -> bool {
        let rest = || (0..history.len()).filter(|&index| done & 1 << index == 0);
        // The next operation was called before any other of the rest returned.
        let Some(deadline) = rest().map(|index| history[index].returned).min() else {
            return true;
        };
        rest().filter(|&index| history[index].called < deadline).any(|index| {
            let event = &history[index];
            let (mut spec, done) = (spec.clone(), done | 1 << index);
            spec.admits(&event.operation, &event.outcome)
                && seen.insert((done, spec.clone()))
                && search(&spec, done, history, seen)
        })
    }
    assert!(history.len() <= 128, "a history of {} operations is too long", history.len());
    search(spec, 0, history, &mut HashSet::new())
}

/// Asserts that the history is one of `spec`'s.
///
/// # Panics
/// It is not, and is printed.
#[track_caller]
pub fn check<S: Spec>(spec: &S, mut history: Vec<Event<S::Operation, S::Outcome>>) {
    if !is_linearizable(spec, &history) {
        history.sort_unstable_by_key(|event| event.called);
        for Event { operation, outcome, called, returned } in &history {
            eprintln!("{called:>4} to {returned:>4}: {operation:?} gave {outcome:?}");
        }
        panic!("this history is not linearizable");
    }
}

/// A bounded queue of numbers, for one thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundedQueue {
    capacity: usize,
    values: VecDeque<u64>,
}

/// What is asked of a [`BoundedQueue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueOperation {
    /// Returns the value if the queue is full, else nothing.
    Push(u64),
    /// Returns the oldest value, if there is one.
    Pop,
    /// Adds a value and returns the oldest if there was no room.
    ForcePush(u64),
}

impl BoundedQueue {
    /// An empty queue for `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, values: VecDeque::new() }
    }
}

impl Spec for BoundedQueue {
    type Operation = QueueOperation;
    type Outcome = Option<u64>;

    fn apply(&mut self, operation: &QueueOperation) -> Option<u64> {
        let is_full = self.values.len() == self.capacity;
        match *operation {
            QueueOperation::Push(value) if is_full => Some(value),
            QueueOperation::Push(value) => {
                self.values.push_back(value);
                None
            }
            QueueOperation::Pop => self.values.pop_front(),
            QueueOperation::ForcePush(value) => {
                let displaced = if is_full { self.values.pop_front() } else { None };
                self.values.push_back(value);
                displaced
            }
        }
    }
}

/// A bounded stack of numbers, for one thread.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BoundedStack {
    capacity: usize,
    values: Vec<u32>,
}

/// What is asked of a [`BoundedStack`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackOperation {
    /// Adds all of them, the last on top, or returns all of them, the last first, if there is no room.
    Push(Vec<u32>),
    /// Returns the value on top, if there is one.
    Pop,
    /// Returns as many values from the top, or all there are.
    PopMany(usize),
    /// Returns all values, from the top.
    TakeAll,
    /// Returns how many values there are.
    Len,
}

impl BoundedStack {
    /// An empty stack for `capacity` values.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, values: Vec::new() }
    }

    fn take(&mut self, most: usize) -> Vec<u32> {
        let left = self.values.len().saturating_sub(most);
        self.values.drain(left..).rev().collect()
    }
}

impl Spec for BoundedStack {
    type Operation = StackOperation;
    type Outcome = Vec<u32>;

    fn apply(&mut self, operation: &StackOperation) -> Vec<u32> {
        match operation {
            StackOperation::Push(values) if values.len() > self.capacity - self.values.len() => {
                values.iter().rev().copied().collect()
            }
            StackOperation::Push(values) => {
                self.values.extend(values);
                Vec::new()
            }
            StackOperation::Pop => self.take(1),
            StackOperation::PopMany(most) => self.take(*most),
            StackOperation::TakeAll => self.take(usize::MAX),
            StackOperation::Len => vec![u32::try_from(self.values.len()).unwrap_or(u32::MAX)],
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{
        BoundedQueue, BoundedStack, Event,
        QueueOperation::{self, ForcePush, Pop, Push},
        Spec as _, StackOperation, is_linearizable,
    };

    #[test]
    fn a_stack_gives_the_last_first() {
        let mut stack = BoundedStack::new(3);
        assert_eq!(stack.apply(&StackOperation::Push(vec![1, 2])), []);
        assert_eq!(stack.apply(&StackOperation::Push(vec![3, 4])), [4, 3]);
        assert_eq!(stack.apply(&StackOperation::Push(vec![5])), []);
        assert_eq!(stack.apply(&StackOperation::Len), [3]);
        assert_eq!(stack.apply(&StackOperation::Pop), [5]);
        assert_eq!(stack.apply(&StackOperation::PopMany(1)), [2]);
        assert_eq!(stack.apply(&StackOperation::TakeAll), [1]);
        assert_eq!(stack.apply(&StackOperation::Pop), []);
    }

    fn holds(capacity: usize, history: &[(QueueOperation, Option<u64>, usize, usize)]) -> bool {
        let history: Vec<_> = history
            .iter()
            .map(|&(operation, outcome, called, returned)| Event {
                operation,
                outcome,
                called,
                returned,
            })
            .collect();
        is_linearizable(&BoundedQueue::new(capacity), &history)
    }

    #[test]
    fn operations_one_after_the_other_are_as_the_spec_has_them() {
        assert!(holds(1, &[(Push(1), None, 0, 1), (Push(2), Some(2), 2, 3), (Pop, Some(1), 4, 5)]));
        assert!(holds(1, &[(Push(1), None, 0, 1), (ForcePush(2), Some(1), 2, 3)]));
        assert!(!holds(1, &[(Push(1), None, 0, 1), (Pop, None, 2, 3)]));
        assert!(!holds(2, &[(Push(1), None, 0, 1), (Push(2), Some(2), 2, 3)]));
        assert!(!holds(1, &[(Pop, Some(7), 0, 1)]));
    }

    #[test]
    fn operations_that_overlap_may_be_in_either_order() {
        assert!(holds(1, &[(Push(1), None, 0, 3), (Pop, None, 1, 2)]));
        assert!(holds(1, &[(Push(1), None, 0, 3), (Pop, Some(1), 1, 2)]));
        assert!(holds(2, &[(Push(1), None, 0, 3), (Push(2), None, 1, 2), (Pop, Some(2), 4, 5)]));
        assert!(!holds(2, &[(Push(1), None, 0, 1), (Push(2), None, 2, 3), (Pop, Some(2), 4, 5)]));
    }

    #[test]
    fn a_value_that_is_doubled_or_reordered_is_found() {
        let pushed = [(Push(1), None, 0, 2), (Push(2), None, 1, 3)];
        let twice = [(Pop, Some(1), 4, 6), (Pop, Some(1), 5, 7)];
        assert!(!holds(4, &[pushed, twice].concat()));
        let both = [(Pop, Some(1), 4, 6), (Pop, Some(2), 5, 7)];
        assert!(holds(4, &[pushed, both].concat()));
    }
}
