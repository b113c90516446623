//! Models: one writer and one reader, few records, since each has some twenty accesses. A block is of 2 records
//! here, a chunk of 2 powers of two, and a wait-free reading is tried once.
#![cfg(loom)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unreadable_literal,
    reason = "small whole numbers, exact as floats, are compared exactly"
)]

use core::time::Duration;
use std::sync::Arc;

use atomic_metrics::{Aggregator, Histogram, HistogramSnapshot, RollingAverage, Snapshot};
use lockfree_core::{
    clock::ManualClock,
    slots,
    sync::{
        AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use testkit::model::{Model, must_fail, thread};

/// A model at a preemption bound of 1: two records and two cuts have some two hundred accesses. Of 2 with
/// `ATOMWORKS_DEEP` set.
fn shallow(name: &'static str, floor: usize) -> Model {
    let deep = Model::new(name, floor);
    if std::env::var_os("ATOMWORKS_DEEP").is_some() { deep } else { deep.preemptions(1) }
}

/// Values of which each beginning has a sum of its own.
const VALUES: [f64; 4] = [1.0, 2.0, 4.0, 8.0];

/// Which of [`VALUES`] a snapshot has: the first ones, and nothing of another.
fn first_ones(seen: &Snapshot) -> usize {
    let count = usize::try_from(seen.count).unwrap();
    let values = &VALUES[..count];
    let exact: Snapshot = values.iter().copied().collect();
    assert_eq!((seen.sum, seen.min, seen.max), (exact.sum, exact.min, exact.max), "torn");
    assert!(count == 0 || (seen.variance() - exact.variance()).abs() < 1e-9, "torn");
    count
}

/// The buckets of a snapshot add up to its count.
fn adds_up(seen: &HistogramSnapshot) {
    assert_eq!(seen.buckets().map(|bucket| bucket.count).sum::<u64>(), seen.count, "torn");
}

fn rolling() -> Arc<RollingAverage<ManualClock>> {
    Arc::new(RollingAverage::with_clock(Duration::from_secs(1), ManualClock::new()))
}

/// A thread records the first `count` values; a reader sees averages of their beginnings.
fn averages(count: usize) {
    let own = rolling();
    let writer = thread::spawn({
        let own = Arc::clone(&own);
        move || VALUES[..count].iter().for_each(|value| own.record(*value))
    });
    let average = own.average();
    let begin = |n: usize| VALUES[..n].iter().sum::<f64>() / n as f64;
    let fits = average.is_nan() || (1..=count).any(|n| begin(n) == average);
    assert!(fits, "torn: {average}");
    writer.join().unwrap();
    assert_eq!(own.average(), begin(count));
}

#[test]
fn publish_shows_all_words_of_a_version() {
    Model::new("publish_shows_all_words_of_a_version", 39).check(|| averages(1));
}

#[test]
fn overwrite_is_noticed() {
    Model::new("overwrite_is_noticed", 1100).check(|| averages(3));
}

/// The same with a version that is published before its words.
#[test]
fn twin_words_published_too_early() {
    must_fail("twin_words_published_too_early", "torn", || {
        let words = Arc::new([0, 1].map(|_| AtomicU64::new(0)));
        let version = Arc::new(AtomicU64::new(0));
        let writer = thread::spawn({
            let (words, version) = (Arc::clone(&words), Arc::clone(&version));
            move || {
                version.store(1, Release);
                words.iter().for_each(|word| word.store(1, Relaxed));
            }
        });
        let seen = version.load(Acquire);
        let sum: u64 = words.iter().map(|word| word.load(Relaxed)).sum();
        assert_eq!(sum, 2 * seen, "torn");
        writer.join().unwrap();
    });
}

/// Two snapshots while a thread records: each is a beginning, and the second has all of the first.
#[test]
fn snapshots_are_beginnings_and_grow() {
    shallow("snapshots_are_beginnings_and_grow", 1190).check(|| {
        let own = Arc::new(Aggregator::new());
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || VALUES[..2].iter().for_each(|value| own.record(*value))
        });
        let first = first_ones(&own.snapshot());
        assert!(first <= first_ones(&own.snapshot()));
        writer.join().unwrap();
        assert_eq!(first_ones(&own.snapshot()), 2);
    });
}

/// A summary is between the extremes, whatever it was disturbed by.
#[test]
fn a_disturbed_summary_stays_between_the_extremes() {
    Model::new("a_disturbed_summary_stays_between_the_extremes", 890).check(|| {
        let own = Arc::new(Aggregator::new());
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || [3.0, -1.0, 2.0].iter().for_each(|value| own.record(*value))
        });
        let seen = own.summary();
        assert!(
            seen.count == 0 || (seen.min <= seen.mean() && seen.mean() <= seen.max),
            "{seen:?}"
        );
        assert!(seen.count <= 3);
        writer.join().unwrap();
        assert_eq!(own.summary().count, 3);
    });
}

/// Takes turns without any order but that of time: so that it is the structure that carries what is carried. Or,
/// where that would allow too much, with one.
struct Turns(AtomicUsize);

impl Turns {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
    }

    fn wait_for(&self, turn: usize) {
        while self.0.load(Relaxed) != turn {
            thread::yield_now();
        }
    }

    fn next(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Relaxed);
    }

    fn wait_and_see(&self, turn: usize) {
        while self.0.load(Acquire) != turn {
            thread::yield_now();
        }
    }

    fn next_and_show(&self) {
        self.0.store(self.0.load(Relaxed) + 1, Release);
    }
}

/// A record in each of two phases: a cut that has the second has the first.
#[test]
fn entered_phase_shows_all_of_the_earlier_ones() {
    shallow("entered_phase_shows_all_of_the_earlier_ones", 900).check(|| {
        let (own, turns) = (Arc::new(Aggregator::new()), Turns::new());
        let writer = thread::spawn({
            let (own, turns) = (Arc::clone(&own), Arc::clone(&turns));
            move || {
                own.record(VALUES[0]);
                turns.next();
                turns.wait_for(2);
                own.record(VALUES[1]);
            }
        });
        turns.wait_for(1);
        let first = first_ones(&own.snapshot());
        turns.next();
        assert!(first <= first_ones(&own.snapshot()));
        writer.join().unwrap();
    });
}

/// What was reported of a bank is known to who enters it again: its extremes start anew. In turns that are seen:
/// who does not know of the new phase yet may go on in the old one.
#[test]
fn phase_carries_what_was_reported() {
    shallow("phase_carries_what_was_reported", 27).check(|| {
        let (own, turns) = (Arc::new(Aggregator::new()), Turns::new());
        let writer = thread::spawn({
            let (own, turns) = (Arc::clone(&own), Arc::clone(&turns));
            move || {
                for (turn, values) in [&[9.0][..], &[1.0], &[2.0, 3.0]].into_iter().enumerate() {
                    turns.wait_and_see(2 * turn);
                    for value in values {
                        own.record(*value);
                    }
                    turns.next_and_show();
                }
            }
        });
        let mut intervals = own.intervals();
        let taken: [Snapshot; 3] = core::array::from_fn(|turn| {
            turns.wait_and_see(2 * turn + 1);
            let interval = intervals.take();
            turns.next_and_show();
            interval
        });
        let extremes = taken.map(|interval| (interval.count, interval.min, interval.max));
        assert_eq!(extremes, [(1, 9.0, 9.0), (1, 1.0, 1.0), (2, 2.0, 3.0)]);
        writer.join().unwrap();
    });
}

/// A value that is counted and not yet published is taken back from its own bucket.
#[test]
fn pending_value_is_taken_back() {
    shallow("pending_value_is_taken_back", 330).check(|| {
        let own = Arc::new(Histogram::with_precision(0));
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || VALUES[..2].iter().for_each(|value| own.record(*value))
        });
        let early = own.snapshot();
        adds_up(&early);
        writer.join().unwrap();
        let late = own.snapshot();
        adds_up(&late);
        // Each value is alone in its bucket, and the first is in the lower one.
        assert_eq!((late.count, late.buckets().count()), (2, 2));
        assert!(early.buckets().eq(late.buckets().take(early.buckets().count())), "torn");
    });
}

/// A chunk that comes with a value that is not published yet.
#[test]
fn chunk_is_seen_initialized() {
    shallow("chunk_is_seen_initialized", 330).check(|| {
        let own = Arc::new(Histogram::with_precision(0));
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || {
                own.record(1.0);
                own.record(1e30);
            }
        });
        adds_up(&own.snapshot());
        writer.join().unwrap();
        let seen = own.snapshot();
        adds_up(&seen);
        assert_eq!(seen.count, 2);
    });
}

/// Two readers at once: the intervals of each have everything once.
#[test]
fn interval_readers_do_not_disturb_each_other() {
    shallow("interval_readers_do_not_disturb_each_other", 24).check(|| {
        let own = Arc::new(Aggregator::new());
        own.record(VALUES[0]);
        let reader = thread::spawn({
            let own = Arc::clone(&own);
            move || {
                let mut intervals = own.intervals();
                let first = intervals.take();
                first_ones(&first);
                first.count
            }
        });
        let mut intervals = own.intervals();
        own.record(VALUES[1]);
        let first = intervals.take().count + intervals.take().count;
        assert_eq!(first, 2);
        assert!((1..=2).contains(&reader.join().unwrap()));
    });
}

/// The next owner of a slot goes on with the shard of the last one.
#[test]
fn shards_pass_to_the_next_thread_of_a_slot() {
    Model::new("shards_pass_to_the_next_thread_of_a_slot", 170).check(|| {
        let own = Arc::new(Aggregator::new());
        let threads: [_; 2] = core::array::from_fn(|_| {
            let own = Arc::clone(&own);
            thread::spawn(move || own.record(1.0))
        });
        for thread in threads {
            thread.join().unwrap();
        }
        let seen = own.snapshot();
        assert_eq!((seen.count, seen.sum), (2, 2.0));
    });
}

/// Records on this thread, and beside it on ever more, the last of which has no slot.
fn record_deeper(own: &Arc<Aggregator>, depth: usize) {
    let has_slot = slots::with(|slot| slot.is_some());
    assert_eq!(has_slot, depth < slots::CAPACITY);
    let deeper = has_slot.then(|| {
        let own = Arc::clone(own);
        thread::spawn(move || record_deeper(&own, depth + 1))
    });
    own.record(1.0);
    if let Some(deeper) = deeper {
        deeper.join().unwrap();
    }
}

#[test]
fn threads_without_a_slot_record_in_leased_shards() {
    shallow("threads_without_a_slot_record_in_leased_shards", 22).check(|| {
        let own = Arc::new(Aggregator::new());
        record_deeper(&own, 0);
        assert_eq!(own.snapshot().count, slots::CAPACITY as u64 + 1);
    });
}
