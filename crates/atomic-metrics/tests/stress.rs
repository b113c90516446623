//! Real threads, with readers all along.
#![cfg(all(not(loom), feature = "std"))]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unreadable_literal,
    reason = "small whole numbers, exact as floats, are compared exactly"
)]

#[path = "fixtures/mod.rs"]
mod fixtures;

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::thread;

use atomic_metrics::{Aggregator, Histogram, RollingAverage, Snapshot};
use fixtures::Reference;
use testkit::stress::scaled;

const WRITERS: u64 = 2;

/// Runs `record` on some threads until each has done so much, and `read` meanwhile, and once after it. Returns
/// how often it read.
fn race(each: u64, record: impl Fn(u64) + Sync, mut read: impl FnMut()) -> u64 {
    let ended = AtomicBool::new(false);
    let mut reads = 1;
    thread::scope(|scope| {
        let writers: Vec<_> =
            (0..WRITERS).map(|_| scope.spawn(|| (0..each).for_each(&record))).collect();
        let watcher = scope.spawn(|| {
            for writer in writers {
                writer.join().unwrap();
            }
            ended.store(true, Relaxed);
        });
        while !ended.load(Relaxed) {
            read();
            reads += 1;
        }
        watcher.join().unwrap();
        read();
    });
    reads
}

/// Values of which each thread records 3 and then -1, again and again: after any number of records of a thread
/// the sum is its number, plus 2 where that is odd.
fn pair(i: u64) -> f64 {
    if i.is_multiple_of(2) { 3.0 } else { -1.0 }
}

fn agrees(seen: &Snapshot) -> bool {
    let odd = seen.sum - seen.count as f64;
    (0.0..=2.0 * WRITERS as f64).contains(&odd)
        && odd % 2.0 == 0.0
        && (seen.count == 0 || (seen.min <= seen.mean() && seen.mean() <= seen.max))
        && (seen.count <= WRITERS || (seen.min, seen.max) == (-1.0, 3.0))
}

/// Lets the writers go on if their reader fails.
struct LetsGo<'a>(&'a AtomicU64);

impl Drop for LetsGo<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(u64::MAX, Relaxed);
        }
    }
}

/// With `ATOMWORKS_STRESS=250`: 10,000 cuts while 100 million records go in. A writer that gets ahead of its share
/// of cuts waits, so that no scheduler lets them go by each other.
#[test]
fn cuts_are_never_torn_and_intervals_add_up() {
    const STRIDE: u64 = 5_000;
    let each = scaled(200_000);
    let cuts = AtomicU64::new(0);
    let own = Histogram::new();
    let (mut intervals, mut sums) = (own.intervals(), (0, 0.0, 0));
    let (mut other, mut others, mut last) = (own.intervals(), 0, 0);
    let reads = race(
        each,
        |i| {
            while i % STRIDE == 0 && cuts.load(Relaxed) < i / STRIDE {
                thread::yield_now();
            }
            own.record(pair(i));
        },
        || {
            let _lets_go = LetsGo(&cuts);
            cuts.fetch_add(3, Relaxed);
            let interval = intervals.take();
            let counted: u64 = interval.buckets().map(|bucket| bucket.count).sum();
            assert_eq!(counted, interval.count);
            sums = (sums.0 + interval.count, sums.1 + interval.sum, sums.2 + counted);
            assert!(agrees(intervals.taken()), "{:?}", intervals.taken());
            assert!(
                interval.count == 0
                    || (interval.min <= interval.mean() && interval.mean() <= interval.max)
            );
            let seen = own.snapshot();
            assert_eq!(seen.buckets().map(|bucket| bucket.count).sum::<u64>(), seen.count);
            assert!(agrees(&seen) && seen.count >= last, "{seen:?}");
            last = seen.count;
            // As many of the one as of the other, but for one a thread.
            let positive = seen.count - seen.at_most(0.0);
            assert!(
                (0..=WRITERS).contains(&(2 * positive - seen.count)),
                "{positive} of {}",
                seen.count
            );
            others += other.take().count;
        },
    );
    println!("{} records, {} cuts, none torn, none lost", WRITERS * each, 3 * reads);
    assert!(3 * reads >= scaled(40));
    assert_eq!((sums.0, sums.2, others), (WRITERS * each, WRITERS * each, WRITERS * each));
    assert_eq!(sums.1, (WRITERS * each) as f64);
}

#[test]
fn summaries_stay_between_the_extremes() {
    let each = scaled(200_000);
    let own = Aggregator::new();
    let mut exact = 0_u64;
    let reads = race(
        each,
        |i| own.record(pair(i)),
        || {
            let seen = own.summary();
            assert!(
                seen.count == 0 || (seen.min <= seen.mean() && seen.mean() <= seen.max),
                "{seen:?}"
            );
            exact += u64::from(agrees(&seen));
        },
    );
    println!("{exact} of {reads} summaries were of one moment for each thread");
    assert!(agrees(&own.summary()) && own.summary().count == WRITERS * each);
}

/// The same two values in the aggregator of the reference program: its parts do not agree.
#[test]
fn the_reference_is_torn() {
    let own = Reference::new();
    let torn = AtomicBool::new(false);
    for _ in 0..1000 {
        race(
            20_000,
            |i| own.record(pair(i)),
            || {
                let seen = own.read();
                let odd = seen.sum - seen.count as f64;
                if !(0.0..=2.0 * WRITERS as f64).contains(&odd) || odd % 2.0 != 0.0 {
                    torn.store(true, Relaxed);
                }
            },
        );
        if torn.load(Relaxed) {
            return;
        }
    }
    panic!("the reference was never seen torn: this test's reader shows nothing");
}

#[test]
fn readers_at_once_all_read_the_same_total() {
    let each = scaled(100_000);
    let own = Aggregator::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..each).for_each(|i| own.record(pair(i))));
            scope.spawn(|| {
                let (mut intervals, mut sum) = (own.intervals(), 0);
                while sum < 2 * each {
                    let interval = intervals.take();
                    sum += interval.count;
                    assert!(agrees(intervals.taken()) && agrees(&own.snapshot()));
                    thread::sleep(Duration::from_micros(50));
                }
                assert_eq!(sum, 2 * each);
            });
        }
    });
    assert_eq!(own.snapshot().count, 2 * each);
}

#[test]
fn threads_come_and_go_while_cuts_are_made() {
    let each = scaled(1_000);
    let own = Histogram::new();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut intervals, mut count) = (own.intervals(), 0);
            while !ended.load(Relaxed) {
                count += intervals.take().count;
            }
            count + intervals.take().count
        });
        for _ in 0..25 {
            let wave: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..each).for_each(|i| own.record(pair(i)))))
                .collect();
            for thread in wave {
                thread.join().unwrap();
            }
        }
        ended.store(true, Relaxed);
        assert_eq!(reader.join().unwrap(), 100 * each);
    });
    assert_eq!(own.snapshot().sum, (100 * each) as f64);
}

#[test]
fn a_rolling_average_is_never_torn() {
    let each = scaled(50_000);
    let own = RollingAverage::new(Duration::from_hours(1));
    race(
        each,
        |i| own.record(pair(i)),
        || {
            let average = own.average();
            assert!(average.is_nan() || (1.0..=3.0).contains(&average), "{average}");
        },
    );
    assert_eq!(own.average(), 1.0);
}
