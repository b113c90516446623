//! Models: one writer and one reader, few records, since a fold has some sixty accesses. A block is of 2 records here,
//! a chunk of 2 powers of two, and a wait-free reading is tried once.
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

/// A model at a preemption bound of 1: three folds and a cut that asks have some seven hundred accesses. Of 2 with
/// `ATOMWORKS_DEEP` set: only then is the cut disturbed where it has asked, too.
fn shallow(name: &'static str, floor: usize) -> Model {
    let deep = Model::new(name, floor);
    if std::env::var_os("ATOMWORKS_DEEP").is_some() { deep } else { deep.preemptions(1) }
}

/// Values of which each beginning has a sum of its own; in a histogram here they fall into two buckets by turns, the
/// first into the higher one.
const VALUES: [f64; 6] = [0.03125, 0.0625, 0.125, 0.25, 0.5, 1.0];

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

/// Which of [`VALUES`] a snapshot has: the first ones, in their buckets.
fn first_ones_spread(seen: &HistogramSnapshot) -> usize {
    let count = first_ones(seen.summary());
    let counts = [count / 2, count.div_ceil(2)].into_iter().filter(|count| *count > 0);
    assert!(seen.buckets().map(|bucket| bucket.count as usize).eq(counts), "torn");
    count
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
    Model::new("snapshots_are_beginnings_and_grow", 1000).check(|| {
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
    Model::new("a_disturbed_summary_stays_between_the_extremes", 180).check(|| {
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

/// Takes turns, each of which sees what was done in those before.
struct Turns(AtomicUsize);

impl Turns {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
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

/// A value that is counted is in the log.
#[test]
fn record_shows_the_values_of_the_log() {
    Model::new("record_shows_the_values_of_the_log", 27).check(|| {
        let own = Arc::new(Aggregator::new());
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || own.record(VALUES[0])
        });
        first_ones(&own.snapshot());
        writer.join().unwrap();
        assert_eq!(first_ones(&own.summary()), 1);
    });
}

/// The first value of the next block is not taken for one of this.
#[test]
fn rewrite_of_the_log_is_noticed() {
    Model::new("rewrite_of_the_log_is_noticed", 180).check(|| {
        let own = Arc::new(Aggregator::new());
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || VALUES[..3].iter().for_each(|value| own.record(*value))
        });
        first_ones(&own.summary());
        writer.join().unwrap();
        assert_eq!(first_ones(&own.snapshot()), 3);
    });
}

/// A cut asks for another phase where a fold comes in its way: then it has two banks, each as of one moment.
#[test]
fn phase_carries_that_the_idle_bank_was_read() {
    shallow("phase_carries_that_the_idle_bank_was_read", 45).check(|| {
        let own = Arc::new(Histogram::with_precision(0));
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || {
                let (first, rest) = VALUES.split_at(2);
                for value in first {
                    own.record(*value);
                }
                // Of itself: what is left of the bound is for the cut, when it has asked.
                thread::yield_now();
                for value in rest {
                    own.record(*value);
                }
            }
        });
        first_ones_spread(&own.snapshot());
        writer.join().unwrap();
        assert_eq!(first_ones_spread(&own.snapshot()), VALUES.len());
    });
}

/// Extremes are those of an interval where what was reported is known when its block ends.
#[test]
fn extremes_start_again_with_what_was_reported() {
    Model::new("extremes_start_again_with_what_was_reported", 490).check(|| {
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

/// The values of a block that were counted before it was published are taken back from their own buckets.
#[test]
fn values_counted_early_are_taken_back() {
    Model::new("values_counted_early_are_taken_back", 560).check(|| {
        let own = Arc::new(Histogram::with_precision(0));
        let writer = thread::spawn({
            let own = Arc::clone(&own);
            move || VALUES[..2].iter().for_each(|value| own.record(*value))
        });
        first_ones_spread(&own.snapshot());
        writer.join().unwrap();
        assert_eq!(first_ones_spread(&own.snapshot()), 2);
    });
}

/// A chunk that comes with a block that is not published yet.
#[test]
fn chunk_is_seen_initialized() {
    Model::new("chunk_is_seen_initialized", 800).check(|| {
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
    Model::new("interval_readers_do_not_disturb_each_other", 5600).check(|| {
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
    Model::new("threads_without_a_slot_record_in_leased_shards", 170).check(|| {
        let own = Arc::new(Aggregator::new());
        record_deeper(&own, 0);
        assert_eq!(own.snapshot().count, slots::CAPACITY as u64 + 1);
    });
}
