//! Quantiles and moments against exact ones, on data of many shapes.
#![cfg(all(not(loom), feature = "std"))]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unreadable_literal,
    reason = "small whole numbers, exact as floats, are compared exactly"
)]

use atomic_metrics::{Aggregator, Histogram, HistogramSnapshot};
use proptest::{collection::vec, prelude::*};

/// What is checked of one histogram of these values.
fn check(values: &[f64], precision: u32) {
    let own = Histogram::with_precision(precision);
    for value in values {
        own.record(*value);
    }
    let seen = own.snapshot();
    let mut finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    let count = finite.len();
    assert_eq!(seen.count as usize, count);
    assert_eq!(seen.records() as usize, values.len());
    assert_eq!(seen.buckets().map(|bucket| bucket.count).sum::<u64>(), seen.count);
    assert_eq!(own.summary(), *seen.summary());
    let (Some(first), Some(last)) = (finite.first(), finite.last()) else { return };
    assert!(seen.min == *first && seen.max == *last);
    assert!(seen.min <= seen.mean() && seen.mean() <= seen.max);
    assert!(seen.variance() >= 0.0);
    for q in [0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0] {
        let rank = ((q * count as f64).ceil() as usize).clamp(1, count);
        let exact = finite[rank - 1];
        let (found, error) = (seen.quantile(q), seen.relative_error());
        let off = (found - exact).abs();
        let least = f64::MIN_POSITIVE;
        assert!(
            off <= error * exact.abs() || (exact.abs() <= least && off <= 2.0 * error * least),
            "quantile {q} of {count}: {found:e}, exactly {exact:e}"
        );
    }
    for bound in [-1024.0, -1.0, 0.5, 1.0, 2.0, 1048576.0] {
        let exact = finite.iter().filter(|value| **value <= bound).count();
        assert_eq!(seen.at_most(bound) as usize, exact, "at most {bound}");
    }
}

/// From two numbers between 0 and 1: one of the standard normal distribution (Box and Muller).
fn normal((one, other): (f64, f64)) -> f64 {
    (-2.0 * (1.0 - one).ln()).sqrt() * (core::f64::consts::TAU * other).cos()
}

const PAIR: (core::ops::Range<f64>, core::ops::Range<f64>) = (0.0..1.0, 0.0..1.0);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn uniform(values in vec(0.0..1e6, 1..600), precision in 0_u32..=10) {
        check(&values, precision);
    }

    #[test]
    fn log_normal(pairs in vec(PAIR, 1..600)) {
        check(&pairs.into_iter().map(|pair| (3.0 * normal(pair)).exp()).collect::<Vec<_>>(), 5);
    }

    #[test]
    fn bimodal(pairs in vec(PAIR, 1..600)) {
        let values = pairs.into_iter().map(|pair| normal(pair) + if pair.0 < 0.3 { 1e4 } else { 10.0 });
        check(&values.collect::<Vec<_>>(), 5);
    }

    #[test]
    fn constant(value in any::<f64>(), times in 1..2000_usize) {
        check(&vec![value; times], 5);
    }

    #[test]
    fn negative(values in vec(-1e9..-1e-9, 1..600)) {
        check(&values, 5);
    }

    #[test]
    fn adversarial(values in vec(prop_oneof![
        any::<f64>(),
        (any::<u16>(), -2_i64..=2).prop_map(|(high, off)| f64::from_bits((u64::from(high) << 48).wrapping_add_signed(off))),
        Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY),
        Just(f64::MAX), Just(-f64::MAX), Just(5e-324), Just(f64::MIN_POSITIVE),
    ], 1..500), precision in 0_u32..=10) {
        check(&values, precision);
    }

    #[test]
    fn moments_are_the_exact_ones(
        values in vec(-1e3..1e3_f64, 2..3000), offset in prop_oneof![Just(0.0), -1e9..1e9], cuts in 0_usize..5,
    ) {
        let own = Aggregator::new();
        let mut intervals = own.intervals();
        let mut counts = 0;
        for (i, value) in values.iter().enumerate() {
            own.record(value + offset);
            if i % 97 < cuts {
                counts += intervals.take().count;
            }
        }
        counts += intervals.take().count;
        prop_assert_eq!(counts as usize, values.len());
        let seen = own.snapshot();
        let recorded = || values.iter().map(|value| value + offset);
        let n = values.len() as f64;
        let about: f64 = offset;
        let mean = recorded().map(|value| value - about).sum::<f64>() / n;
        let exact = recorded().map(|value| (value - about - mean).powi(2)).sum::<f64>() / n;
        prop_assert!((seen.variance() / exact - 1.0).abs() < 1e-9, "{} for {exact}", seen.variance());
        prop_assert!((seen.mean() - about - mean).abs() <= 1e-9 * (1.0 + about.abs()));
    }

    #[test]
    fn merging_is_recording_in_one(values in vec(any::<f64>(), 0..200), cut in 0..200_usize) {
        let (one, other) = values.split_at(cut.min(values.len()));
        let of = |values: &[f64]| values.iter().copied().collect::<HistogramSnapshot>();
        let (mut merged, whole) = (of(one), of(&values));
        merged.merge(&of(other));
        prop_assert_eq!((merged.count, merged.records()), (whole.count, whole.records()));
        prop_assert_eq!((merged.min, merged.max), (whole.min, whole.max));
        prop_assert!(merged.buckets().eq(whole.buckets()));
    }
}
