//! Models of the sequences.
#![cfg(loom)]

use std::sync::Arc;

use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use seqgen::{Exhausted, Sequence, SequenceSet};
use testkit::{
    history::{Recorder, Spec, check},
    model::{Model, must_fail, thread},
};

/// A sequence for one thread, counting upwards by ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counting {
    last: u64,
    max: u64,
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Next,
    Batch(u64),
    Reset(u64),
    Current,
}
use Call::{Batch, Current, Next, Reset};

impl Spec for Counting {
    type Operation = Call;
    /// The first id and how many, or where it stands.
    type Outcome = Option<(u64, u64)>;

    fn apply(&mut self, operation: &Call) -> Self::Outcome {
        let n = match *operation {
            Next => 1,
            Batch(n) => n,
            Reset(start) => {
                self.last = start;
                return None;
            }
            Current => return Some((self.last, 0)),
        };
        let count = n.min(self.max - self.last);
        let first = self.last + 1;
        self.last += count;
        (count > 0).then_some((first, count))
    }
}

fn call(sequence: &Sequence, operation: Call) -> Option<(u64, u64)> {
    match operation {
        Next => sequence.next().ok().map(|id| (id, 1)),
        Batch(n) => {
            let batch = sequence.next_batch(n).ok()?;
            Some((batch.front()?, batch.len() as u64))
        }
        Reset(start) => {
            sequence.reset(start).unwrap();
            None
        }
        Current => Some((sequence.current(), 0)),
    }
}

/// Each of the threads makes its calls; whatever the interleaving, the history is a sequence's.
fn is_linearizable(start: u64, max: u64, threads: &'static [&'static [Call]]) {
    let sequence = Arc::new(Sequence::new(start, max, 1).unwrap());
    let recorder = Arc::new(Recorder::new());
    let run = |calls: &'static [Call]| {
        let (sequence, recorder) = (Arc::clone(&sequence), Arc::clone(&recorder));
        move || {
            for &operation in calls {
                recorder.record(operation, || call(&sequence, operation));
            }
        }
    };
    let (own, others) = threads.split_first().unwrap();
    let others: Vec<_> = others.iter().map(|calls| thread::spawn(run(calls))).collect();
    run(own)();
    for other in others {
        other.join().unwrap();
    }
    recorder.record(Current, || call(&sequence, Current));
    check(&Counting { last: start, max }, recorder.take());
}

#[test]
fn reset_is_linearizable_against_next() {
    Model::new("reset_is_linearizable_against_next", 160).check(|| {
        is_linearizable(0, u64::MAX >> 1, &[&[Reset(100), Next], &[Next, Next]]);
    });
}

/// A jump past the brink goes to another word; who sees that sees where it begins there.
#[test]
fn moved_sequence_is_seen_where_it_begins() {
    Model::new("moved_sequence_is_seen_where_it_begins", 12).check(|| {
        let sequence = Arc::new(Sequence::new(7, u64::MAX, 1).unwrap());
        let other = thread::spawn({
            let sequence = Arc::clone(&sequence);
            move || sequence.current()
        });
        sequence.reset(u64::MAX - 5).unwrap();
        let seen = other.join().unwrap();
        assert!(seen == 7 || seen == u64::MAX - 5, "{seen} belongs to no run");
        assert_eq!(sequence.next(), Ok(u64::MAX - 4));
    });
}

/// Blind adds that are under way when somebody jumps to the last number: nothing wraps around, and
/// they count as done before.
#[test]
fn reset_to_the_last_number_is_linearizable() {
    Model::new("reset_to_the_last_number_is_linearizable", 245).check(|| {
        is_linearizable(0, u64::MAX, &[&[Reset(u64::MAX - 1), Next], &[Next, Next]]);
    });
    Model::new("reset_to_the_last_number_is_linearizable", 1800).check(|| {
        is_linearizable(
            0,
            u64::MAX,
            &[&[Reset(u64::MAX - 1)], &[Reset(u64::MAX - 3)], &[Next, Next]],
        );
    });
}

/// Near the end, where claims become careful and the flag goes up, and a reset comes in between.
#[test]
fn reset_is_linearizable_against_exhaustion() {
    Model::new("reset_is_linearizable_against_exhaustion", 385).check(|| {
        is_linearizable(7, 8, &[&[Next, Reset(6), Next], &[Next, Next]]);
    });
}

#[test]
fn resets_are_linearizable_against_each_other() {
    Model::new("resets_are_linearizable_against_each_other", 1280).check(|| {
        is_linearizable(0, 60, &[&[Reset(20), Next], &[Reset(40), Batch(2)], &[Next]]);
    });
}

/// Ids that a blind add cannot give, since the range reaches up to the last number.
#[test]
fn careful_claims_are_linearizable() {
    Model::new("careful_claims_are_linearizable", 310).check(|| {
        is_linearizable(u64::MAX - 3, u64::MAX, &[&[Next, Batch(2)], &[Batch(2), Next]]);
    });
}

#[test]
fn batches_are_linearizable_to_the_end() {
    Model::new("batches_are_linearizable_to_the_end", 1950).check(|| {
        is_linearizable(0, 5, &[&[Batch(2), Batch(2)], &[Next, Batch(3)], &[Current]]);
    });
}

/// Three threads at the end: two ids, once each, and an error for the third.
#[test]
fn the_last_ids_are_given_once() {
    Model::new("the_last_ids_are_given_once", 90).check(|| {
        let sequence = Arc::new(Sequence::new(8, 10, 1).unwrap());
        let others: [_; 2] = core::array::from_fn(|_| {
            let sequence = Arc::clone(&sequence);
            thread::spawn(move || sequence.next())
        });
        let mut ids = vec![sequence.next()];
        ids.extend(others.map(|other| other.join().unwrap()));
        ids.sort_unstable_by_key(|id| id.unwrap_or(u64::MAX));
        assert_eq!(ids, [Ok(9), Ok(10), Err(Exhausted)]);
        assert_eq!(
            (sequence.current(), sequence.remaining(), sequence.next()),
            (10, 0, Err(Exhausted))
        );
    });
}

/// A cycle begins anew once, however many threads come upon its end.
#[test]
fn a_cycle_begins_anew_once() {
    Model::new("a_cycle_begins_anew_once", 900).check(|| {
        let sequence = Sequence::builder().min(1).max(3).cycle(true).start_with(3).build();
        let sequence = Arc::new(sequence.unwrap());
        let others: [_; 2] = core::array::from_fn(|_| {
            let sequence = Arc::clone(&sequence);
            thread::spawn(move || sequence.next().unwrap())
        });
        let mut ids = vec![sequence.next().unwrap()];
        ids.extend(others.map(|other| other.join().unwrap()));
        ids.sort_unstable();
        assert_eq!(ids, [1, 2, 3]);
        assert_eq!(sequence.next(), Ok(3));
    });
}

/// After a reset to `start`, a lease gives nothing of a block from before.
fn takes_back_what_a_lease_holds(max: u64, start: u64) {
    let sequence = Arc::new(Sequence::new(0, max, 1).unwrap());
    let mut lease = seqgen::Lease::new(Arc::clone(&sequence), 2);
    assert_eq!(lease.next(), Ok(1));
    let other = thread::spawn(move || {
        let given = [lease.next().unwrap(), lease.next().unwrap()];
        (given, lease)
    });
    sequence.reset(start).unwrap();
    let ([one, two], mut lease) = other.join().unwrap();
    assert!(one == 2 || one == start + 1, "{one}");
    assert!(two > one, "{one}, then {two}");
    let then = lease.next().unwrap();
    assert!(then > start, "{then} is from before the reset");
}

#[test]
fn reset_takes_back_what_a_lease_holds() {
    Model::new("reset_takes_back_what_a_lease_holds", 80)
        .check(|| takes_back_what_a_lease_holds(1000, 100));
}

/// The same where the sequence moves to another word: who counts the reset sees the move.
#[test]
fn reset_past_the_brink_takes_back_what_a_lease_holds() {
    Model::new("reset_past_the_brink_takes_back_what_a_lease_holds", 105)
        .check(|| takes_back_what_a_lease_holds(u64::MAX, u64::MAX - 50));
}

/// The same with a lease that counts the resets after it has taken its block.
#[test]
fn twin_a_lease_that_looks_too_late() {
    must_fail("twin_a_lease_that_looks_too_late", "is from before", || {
        let shared = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let id = shared.0.fetch_add(2, Relaxed) + 1;
                (id, shared.1.load(Relaxed))
            }
        });
        shared.0.store(100, Relaxed);
        shared.1.fetch_add(1, Relaxed);
        let (id, resets) = other.join().unwrap();
        assert!(resets == 0 || id > 100, "{id} is from before the reset");
    });
}

/// A start that stands beside the count: who reads one and then the other mixes two resets.
#[test]
fn twin_a_start_in_a_word_of_its_own() {
    must_fail("twin_a_start_in_a_word_of_its_own", "belongs to no run", || {
        let shared = Arc::new((AtomicU64::new(0), AtomicU64::new(5)));
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.0.load(Relaxed) + shared.1.fetch_add(1, Relaxed)
        });
        shared.0.store(100, Relaxed);
        shared.1.store(0, Relaxed);
        let id = other.join().unwrap();
        assert!(id == 5 || id == 100, "{id} belongs to no run");
    });
}

/// Whoever finds a name finds the whole sequence.
#[test]
fn named_sequences_are_seen_whole() {
    Model::new("named_sequences_are_seen_whole", 33).check(|| {
        let set = Arc::new(SequenceSet::new());
        let other = thread::spawn({
            let set = Arc::clone(&set);
            move || _ = set.insert("one", Sequence::new(10, 20, 1).unwrap()).unwrap().next()
        });
        if let Some(one) = set.get("one") {
            assert_eq!(one.max(), 20);
            assert!(matches!(one.next(), Ok(11 | 12)));
        }
        set.insert("two", Sequence::new(0, 5, 1).unwrap()).unwrap();
        other.join().unwrap();
        let mut names: Vec<_> = set.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["one", "two"]);
    });
}

/// Of two who give one name, one is refused, and both have the same sequence in the end.
#[test]
fn named_twice_is_refused_once() {
    Model::new("named_twice_is_refused_once", 84).check(|| {
        let set = Arc::new(SequenceSet::new());
        let make = || Sequence::new(0, 9, 1).unwrap();
        let other = thread::spawn({
            let set = Arc::clone(&set);
            move || set.get_or_insert_with("one", make).next().unwrap()
        });
        let mine = set.get_or_insert_with("one", make).next().unwrap();
        assert_eq!(mine + other.join().unwrap(), 3);
        assert_eq!(set.insert("one", make()).unwrap_err().into_inner().next(), Ok(1));
        assert_eq!(set.get("one").unwrap().next(), Ok(3));
        assert_eq!(set.len(), 1);
    });
}
