//! Threads stopped anywhere, and steps. A thread that was stopped goes on in the end: a shard is kept for each
//! thread that is there.
#![cfg(stepped)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unreadable_literal,
    reason = "small whole numbers, exact as floats, are compared exactly"
)]

use core::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use std::sync::{Arc, Barrier};

use atomic_metrics::{Aggregator, Counter, Gauge, Histogram, Registry, RollingAverage};
use lockfree_core::{clock::ManualClock, slots};
use testkit::progress::{assert_steps, pause_anywhere, steps};

/// How many times the companions do their work while the victim is stopped.
const ROUNDS: u64 = 50;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

/// What a victim records, so that it is stopped in a fold, too: a block and some more.
const VICTIM: u64 = 130;

/// A stopped writer delays neither cuts nor summaries nor intervals, and what it had completed is in them.
#[test]
fn a_writer_stopped_in_a_histogram_blocks_nobody() {
    let accesses = pause_anywhere(
        "Histogram::record",
        || {
            let own = Arc::new(Histogram::with_precision(1));
            own.record(1.0);
            (Arc::clone(&own), own)
        },
        |own| {
            for i in 0..VICTIM {
                own.record([2.0, 2.5, f64::NAN, 1e30][i as usize % 4]);
            }
        },
        |own| {
            let (mut intervals, mut count) = (own.intervals(), 0);
            for round in 1..=3 {
                own.record(1.0);
                let seen = own.snapshot();
                assert!((1 + round..=1 + round + VICTIM).contains(&seen.count), "{seen:?}");
                assert_eq!(seen.buckets().map(|bucket| bucket.count).sum::<u64>(), seen.count);
                // In the order in which they were recorded, as many of the one as of the other.
                let [two, more, much] = [2.0, 2.5, 1e30].map(|value| seen.at_most(value));
                let [two, more, much] = [two - (1 + round), more - two, much - more];
                assert!(two - more <= 1 && more - much <= 1, "{two} {more} {much}");
                assert!(seen.min <= seen.mean() && seen.mean() <= seen.max);
                let summary = own.summary();
                assert_eq!(
                    (summary.count, summary.min, summary.max),
                    (seen.count, seen.min, seen.max)
                );
                count += intervals.take().count;
                assert_eq!(count, seen.count);
            }
        },
    );
    assert!(accesses >= VICTIM as usize * 4 + 3 * 96, "{accesses}");
}

#[test]
fn a_thread_stopped_in_an_aggregator_blocks_nobody() {
    pause_anywhere(
        "Aggregator: snapshot, summary, record",
        || {
            let own = Arc::new(Aggregator::new());
            own.record(1.0);
            (Arc::clone(&own), own)
        },
        // Cuts come first: with the victim's own shard there are ever more to read.
        |own| {
            let _ = own.snapshot();
            let _ = own.summary();
            own.record(3.0);
            own.record(-1.0);
        },
        |own| {
            for round in 1..=ROUNDS {
                own.record(1.0);
                let seen = own.snapshot();
                assert!((1 + round..=1 + round + 2).contains(&seen.count), "{seen:?}");
                assert!((seen.sum - (seen.count as f64)).abs() <= 2.0);
                assert!(own.summary().count >= round);
            }
        },
    );
}

/// A reader that is stopped in a cut holds up nobody: other readers' intervals still add up.
#[test]
fn a_reader_stopped_in_a_cut_blocks_nobody() {
    pause_anywhere(
        "Intervals::take",
        || {
            let own = Arc::new(Histogram::with_precision(0));
            own.record(1.0);
            (Arc::clone(&own), own)
        },
        |own| {
            let _ = own.intervals().take();
        },
        |own| {
            let (mut intervals, mut taken) = (own.intervals(), 0);
            for round in 1..=ROUNDS {
                own.record(1.0);
                let seen = own.snapshot();
                assert_eq!(seen.count, round + 1);
                assert_eq!(own.summary().count, seen.count);
                let interval = intervals.take();
                assert!(interval.min <= interval.mean() && interval.mean() <= interval.max);
                taken += interval.count;
                assert_eq!(taken, seen.count);
            }
            // Another reader comes and goes.
            assert_eq!(own.intervals().take().count, ROUNDS + 1);
        },
    );
}

#[test]
fn a_thread_stopped_in_a_rolling_average_blocks_nobody() {
    pause_anywhere(
        "RollingAverage",
        || {
            let clock = Arc::new(ManualClock::new());
            let own = RollingAverage::with_clock(Duration::from_secs(30), Arc::clone(&clock));
            own.record(1.0);
            let own = Arc::new((own, clock));
            (Arc::clone(&own), own)
        },
        |own| {
            let _ = own.0.average();
            own.0.record(1.0);
            own.0.record(1.0);
        },
        |own| {
            for _ in 0..ROUNDS {
                own.0.record(1.0);
                assert_eq!(own.0.average(), 1.0);
                own.1.advance(Duration::from_millis(100));
            }
        },
    );
}

/// Series are recorded without the registry's lock, which is not an access that a thread can be stopped at.
#[test]
fn a_thread_stopped_in_a_series_blocks_nobody() {
    pause_anywhere(
        "Counter, Gauge, Distribution",
        shared(|| {
            let registry = Registry::new();
            let counter = registry.counter("count", []).unwrap();
            let gauge = registry.gauge("level", []).unwrap();
            (registry, counter, gauge)
        }),
        |own| {
            own.1.increment();
            own.1.raise(1);
            own.2.add(1.0);
            own.2.set(own.2.value());
            own.0.histogram("spread", []).unwrap().record_with(1.0, &[("id", "1")]);
            assert!(own.1.value() >= 1);
        },
        |own| {
            for _ in 0..ROUNDS {
                own.1.add(1);
                own.2.add(1.0);
            }
            own.0.histogram("spread", []).unwrap().record(1.0);
            assert!(own.0.openmetrics().ends_with("# EOF\n"));
            assert!(own.1.value() >= ROUNDS);
        },
    );
}

/// The most steps of an operation, which others disturb.
fn most(operation: impl Fn(), disturbance: impl Fn() + Sync) -> usize {
    operation();
    let (ended, begun) = (AtomicBool::new(false), Barrier::new(3));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                disturbance();
                begun.wait();
                while !ended.load(Relaxed) {
                    disturbance();
                }
            });
        }
        begun.wait();
        let most = (0..1000).map(|_| steps(&operation).1).max();
        ended.store(true, Relaxed);
        most.unwrap()
    })
}

/// A table has fewer than two shards for each slot that was ever in use, in 12 levels, and the leased ones in
/// 8. The threads that other tests have stopped keep theirs.
fn shards() -> usize {
    2 * slots::high_water()
}

/// The steps of each of many records, growing.
fn each(record: impl Fn()) -> Vec<usize> {
    record();
    // Ten blocks, of which the first may allocate buckets.
    let mut all: Vec<_> = (0..1280).map(|_| steps(&record).1).collect();
    all.sort_unstable();
    all
}

#[test]
fn wait_free_operations_keep_their_bounds() {
    let own = Aggregator::new();
    let all = each(|| own.record(2.0));
    // One in 128 folds.
    assert_steps("Aggregator::record, but one in 128", all[1269], 4);
    assert_steps("Aggregator::record", all[1279], 315);
    let cuts = || _ = own.snapshot();
    assert_steps("Aggregator::record, cut all along", most(|| own.record(2.0), cuts), 315);
    assert_steps("Aggregator::record, not finite", most(|| own.record(f64::NAN), cuts), 315);
    let bound = || 20 + shards() * 575;
    assert_steps("Aggregator::summary", most(|| _ = own.summary(), || own.record(1.0)), bound());

    let own = Histogram::new();
    let all = each(|| own.record(2.0));
    assert_steps("Histogram::record, but one in 128", all[1269], 4);
    assert_steps("Histogram::record, with an allocation", all[1279], 701);
    let cuts = || _ = own.snapshot();
    assert_steps("Histogram::record, cut all along", most(|| own.record(2.0), cuts), 699);
    assert_steps("Histogram::summary", most(|| _ = own.summary(), || own.record(1.0)), bound());

    let clock = ManualClock::new();
    let own = RollingAverage::with_clock(Duration::from_secs(1), &clock);
    let average = || _ = own.average();
    assert_steps("RollingAverage::record", most(|| own.record(1.0), average), 11);

    let (counter, gauge) = (Counter::default(), Gauge::default());
    assert_steps("Counter::increment", most(|| counter.increment(), || counter.add(2)), 3);
    assert_steps("Gauge::set", most(|| gauge.set(1.0), || gauge.add(1.0)), 1);
}

/// A cut of threads that record all along ends: each record in its way is its thread's last one there.
#[test]
fn cuts_end_while_threads_record() {
    let own = Histogram::with_precision(0);
    let taken = most(|| _ = own.snapshot(), || own.record(1.0));
    // Of each shard a fold, a log and two banks of at most two chunks, each read some times.
    let reading = 30 + 2 * 130 + 2 * 2 * (256 + 64);
    assert_steps("Histogram::snapshot under fire", taken, 40 + shards() * 8 * reading);
}
