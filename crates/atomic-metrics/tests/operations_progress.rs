//! A thread stopped anywhere in what the other tests of progress leave out.
#![cfg(stepped)]

use core::time::Duration;
use std::sync::Arc;

use atomic_metrics::{Aggregator, Histogram, Registry, RollingAverage};
use lockfree_core::clock::ManualClock;
use testkit::progress::stop_anywhere;

#[test]
fn a_thread_stopped_in_a_series_blocks_nobody() {
    let accesses = stop_anywhere(
        "Counter, Gauge, Distribution, all that they do",
        || {
            let registry = Registry::new();
            let own = Arc::new((
                registry.counter("count", []).unwrap(),
                registry.gauge("level", []).unwrap(),
                registry.histogram("spread", []).unwrap(),
            ));
            (Arc::clone(&own), own)
        },
        |own| {
            let (counter, gauge, spread) = &*own;
            counter.increment();
            counter.add(2);
            counter.add_with(1, &[("id", "1")]);
            counter.raise(3);
            gauge.set(1.0);
            gauge.add(1.0);
            let _ = (counter.value(), gauge.value());
            spread.record_with(1.0, &[("id", "1")]);
        },
        |own| {
            for _ in 0..50 {
                own.0.increment();
                own.1.add(1.0);
            }
            own.2.record_with(1.0, &[]);
            assert!(own.0.value() >= 50);
        },
    );
    assert!(accesses >= 10);
}

#[test]
fn a_thread_stopped_in_a_batch_or_a_look_blocks_nobody() {
    stop_anywhere(
        "extend, snapshot, summary, HistogramIntervals::take",
        || {
            let own = Arc::new((Aggregator::new(), Histogram::with_precision(0)));
            own.0.record(1.0);
            own.1.record(1.0);
            (Arc::clone(&own), own)
        },
        |own| {
            let (sums, spread) = &*own;
            let _ = (sums.intervals().take(), spread.intervals().take());
            let _ = (spread.snapshot(), spread.summary());
            let (mut sums, mut spread) = (sums, spread);
            sums.extend([1.0]);
            spread.extend([1.0]);
        },
        |own| {
            for round in 1..=20 {
                own.0.record(1.0);
                own.1.record(1.0);
                assert!(own.0.snapshot().count > round && own.1.snapshot().count > round);
            }
        },
    );
}

#[test]
fn a_thread_stopped_in_an_average_blocks_nobody() {
    stop_anywhere(
        "RollingAverage::average_over",
        || {
            let own = RollingAverage::with_clock(Duration::from_secs(30), ManualClock::new());
            own.record(1.0);
            let own = Arc::new(own);
            (Arc::clone(&own), own)
        },
        |own| {
            let _ = (own.average_over(Duration::from_secs(3)), own.average());
        },
        |own| (0..50).for_each(|_| own.record(1.0)),
    );
}
