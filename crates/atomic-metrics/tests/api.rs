//! Sequential behaviour, threads that come and go, and the faults of the reference program.
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

use core::{cell::RefCell, time::Duration};
use std::{
    sync::{Arc, Barrier},
    thread,
};

use atomic_metrics::{Aggregator, Histogram, HistogramSnapshot, RollingAverage, Snapshot};
use fixtures::Reference;
use lockfree_core::{clock::ManualClock, slots};

#[test]
fn an_aggregator_tells_count_sum_extremes_mean_and_variance() {
    let own = Aggregator::new();
    assert_eq!(own.snapshot(), Snapshot::EMPTY);
    assert!(own.snapshot().mean().is_nan() && own.snapshot().variance().is_nan());
    for value in [4.0, 7.0, 13.0, 16.0] {
        own.record(value + 1e9);
    }
    let seen = own.snapshot();
    assert_eq!((seen.count, seen.min, seen.max), (4, 1e9 + 4.0, 1e9 + 16.0));
    assert_eq!((seen.mean(), seen.variance()), (1e9 + 10.0, 22.5));
    assert_eq!((seen.sample_variance(), seen.std_dev()), (30.0, 22.5_f64.sqrt()));
    assert_eq!(own.summary(), seen);
}

#[test]
fn a_constant_has_itself_as_mean_and_no_variance() {
    let own = Aggregator::new();
    for _ in 0..10_000 {
        own.record(0.1);
    }
    let seen = own.snapshot();
    assert_eq!((seen.mean(), seen.min, seen.max), (0.1, 0.1, 0.1));
    assert!(seen.variance() < 1e-30);
}

#[test]
fn sums_beyond_all_numbers_stay_between_the_extremes_in_the_mean() {
    let own = Aggregator::new();
    own.record(f64::MAX);
    own.record(f64::MAX);
    let seen = own.snapshot();
    assert_eq!((seen.sum, seen.mean(), seen.max), (f64::INFINITY, f64::MAX, f64::MAX));
    own.record(-f64::MAX);
    assert!(own.snapshot().mean() <= f64::MAX && !own.snapshot().variance().is_nan());
}

#[test]
fn the_reference_goes_wrong_below_zero_and_this_does_not() {
    let (reference, own) = (Reference::new(), Aggregator::new());
    for value in [-1.0, -5.0, -3.0] {
        reference.record(value);
        own.record(value);
    }
    let wrong = reference.read();
    assert_ne!(wrong.min, -5.0, "bits of negative values grow as the values fall");
    assert_ne!(wrong.max, -1.0, "the greatest begins at 0, or is the least by its bits");
    let right = own.snapshot();
    assert_eq!((right.min, right.max, right.sum), (-5.0, -1.0, -9.0));
}

#[test]
fn the_reference_is_poisoned_by_one_nan_and_this_counts_it_apart() {
    let (reference, own) = (Reference::new(), Histogram::new());
    for value in [1.0, f64::NAN, 2.0, f64::INFINITY, f64::NEG_INFINITY, -f64::NAN] {
        reference.record(value);
        own.record(value);
    }
    assert!(reference.read().sum.is_nan(), "for ever");
    let seen = own.snapshot();
    assert_eq!((seen.count, seen.sum, seen.min, seen.max), (2, 3.0, 1.0, 2.0));
    assert_eq!((seen.nan, seen.positive_infinite, seen.negative_infinite), (2, 1, 1));
    assert_eq!((seen.records(), seen.variance()), (6, 0.25));
    assert_eq!(seen.buckets().map(|bucket| bucket.count).sum::<u64>(), 2);
}

#[test]
fn intervals_are_exact_and_independent() {
    let own = Histogram::new();
    own.record(9.0);
    let (mut one, mut other) = (own.intervals(), own.intervals());
    let first = one.take();
    assert_eq!((first.count, first.min, first.max), (1, 9.0, 9.0));
    for value in [3.0, -2.0] {
        own.record(value);
    }
    let second = one.take();
    assert_eq!((second.count, second.sum, second.min, second.max), (2, 1.0, -2.0, 3.0));
    assert_eq!(second.quantile(0.0), -2.0);
    assert!((second.variance() - 6.25).abs() < 1e-12, "{}", second.variance());
    assert_eq!(one.take().count, 0);
    assert!(one.take().min > one.take().max, "of no value");
    own.record(5.0);
    let third = one.take();
    assert_eq!((third.min, third.max, third.quantile(0.5)), (5.0, 5.0, 5.0));
    let all = other.take();
    assert_eq!((all.count, all.sum, all.min, all.max), (4, 15.0, -2.0, 9.0));
    assert_eq!(one.taken().summary(), other.taken().summary());
    // A reader's place is the next one's.
    drop(one);
    let mut third = own.intervals();
    assert_eq!((third.take().max, third.take().count), (9.0, 0));
}

#[test]
fn snapshots_merge_across_precisions() {
    let (fine, coarse) = (Histogram::with_precision(8), Histogram::with_precision(3));
    for value in 1..=1000 {
        fine.record(f64::from(value));
        coarse.record(f64::from(-value));
    }
    let mut all = fine.snapshot();
    all.merge(&coarse.snapshot());
    assert_eq!((all.count, all.sum, all.precision()), (2000, 0.0, 3));
    assert_eq!((all.min, all.max), (-1000.0, 1000.0));
    let q3 = all.quantile(0.75);
    assert!((q3 / 500.0 - 1.0).abs() <= all.relative_error(), "{q3}");
    let whole: HistogramSnapshot = (1..=1000).map(f64::from).collect();
    assert_eq!(whole.at_most(64.0), 64);
    assert_eq!(whole.at_most(f64::INFINITY), 1000);
}

#[test]
#[should_panic(expected = "a share between 0 and 1")]
fn a_quantile_of_more_than_all_is_refused() {
    let _ = HistogramSnapshot::empty(5).quantile(1.5);
}

#[test]
#[should_panic(expected = "at most 10 bits")]
fn too_fine_a_precision_is_refused() {
    let _ = Histogram::with_precision(11);
}

#[test]
fn a_rolling_average_forgets_without_a_tick() {
    let clock = ManualClock::new();
    let own = RollingAverage::with_clock(Duration::from_secs(30), &clock);
    assert!(own.average().is_nan());
    for second in 0..60 {
        own.record(f64::from(second));
        own.record(f64::NAN);
        clock.advance(Duration::from_secs(1));
    }
    // At 60 s, those of seconds 30 to 59.
    assert_eq!(own.average(), 44.5);
    assert_eq!(own.average_over(Duration::from_secs(10)), 54.5);
    // Of the span that the window begins in, the share within.
    assert_eq!(own.average_over(Duration::from_millis(1500)), (59.0 + 0.5 * 58.0) / 1.5);
    clock.advance(Duration::from_secs(15));
    assert_eq!(own.average(), 52.0);
    clock.advance(Duration::from_hours(1));
    assert!(own.average().is_nan());
    own.record(1.0);
    assert_eq!(own.average(), 1.0);
}

#[test]
fn a_rolling_average_weighs_each_value_alike() {
    let clock = ManualClock::new();
    let own = RollingAverage::with_clock(Duration::from_secs(30), &clock);
    for values in [&[1.0, 3.0, 8.0][..], &[10.0], &[-2.0, 4.0]] {
        for value in values {
            own.record(*value);
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(own.average(), 24.0 / 6.0);
    // A window that begins within a span takes a half of what is in it.
    assert_eq!(
        own.average_over(Duration::from_millis(2500)),
        (6.0 + 10.0 + 2.0) / (1.5 + 1.0 + 2.0)
    );
}

#[test]
fn threads_that_come_and_go_lose_nothing() {
    let (own, spread) = (Aggregator::new(), Histogram::new());
    for wave in 0..20 {
        thread::scope(|scope| {
            for thread in 0..5 {
                let (own, spread) = (&own, &spread);
                scope.spawn(move || {
                    for value in 0..100 {
                        own.record(f64::from(value + thread));
                        spread.record(f64::from(value - thread));
                    }
                });
            }
        });
        assert_eq!(own.snapshot().count, (wave + 1) * 500);
    }
    assert_eq!(spread.snapshot().count, 10_000);
    assert_eq!(own.snapshot().sum + spread.snapshot().sum, 20.0 * 5.0 * 9900.0);
}

struct AtExit(RefCell<Option<Arc<Histogram>>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        let own = self.0.borrow_mut().take().unwrap();
        // After the lease of the slot has ended on most platforms: in any case it is counted.
        own.record(if slots::with(|slot| slot.is_none()) { -1.0 } else { -2.0 });
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit(RefCell::new(None)) };
}

#[test]
fn destructors_of_thread_locals_record() {
    let own = Arc::new(Histogram::new());
    for _ in 0..4 {
        let own = Arc::clone(&own);
        let body = move || {
            AT_EXIT.with(|at_exit| *at_exit.0.borrow_mut() = Some(Arc::clone(&own)));
            own.record(1.0);
        };
        thread::spawn(body).join().unwrap();
    }
    let seen = own.snapshot();
    assert_eq!((seen.count, seen.max), (8, 1.0));
    assert!(seen.min < 0.0);
}

#[test]
fn a_reader_sees_what_happened_before() {
    let own = Aggregator::new();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for value in 0..1000 {
                own.record(f64::from(value));
                barrier.wait();
                barrier.wait();
            }
        });
        for count in 1..=1000 {
            barrier.wait();
            assert_eq!((own.snapshot().count, own.summary().count), (count, count));
            barrier.wait();
        }
    });
}

#[test]
fn everything_shows_itself() {
    let own = Histogram::new();
    own.record(1.0);
    assert!(format!("{own:?}").contains("count: 1"));
    assert!(format!("{:?}", Aggregator::new()).contains("count: 0"));
    assert!(format!("{:?}", own.intervals()).starts_with("HistogramIntervals"));
    assert!(format!("{:?}", RollingAverage::new(Duration::from_secs(1))).contains("window: 1s"));
}

#[cfg(feature = "serde")]
#[test]
fn snapshots_travel() {
    let own = Histogram::new();
    for value in [1.5, -2.0, f64::NAN] {
        own.record(value);
    }
    for snapshot in [own.snapshot(), HistogramSnapshot::empty(4)] {
        let text = serde_json::to_string(&snapshot).unwrap();
        let back: HistogramSnapshot = serde_json::from_str(&text).unwrap();
        assert_eq!(back, snapshot);
    }
    let text = serde_json::to_string(&own.snapshot()).unwrap();
    for wrong in [
        text.replace("\"count\":2", "\"count\":3"),
        text.replace("\"precision\":5", "\"precision\":99"),
    ] {
        assert_ne!(wrong, text);
        assert!(serde_json::from_str::<HistogramSnapshot>(&wrong).is_err(), "{wrong}");
    }
}
