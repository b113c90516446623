//! A histogram and an aggregator beside a sorted list.
#![no_main]

use atomic_metrics::{Aggregator, Histogram};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<f64>, Vec<u8>)| {
    let (precision, values, quantiles) = input;
    let histogram = Histogram::with_precision(1 + u32::from(precision % 8));
    let aggregator = Aggregator::new();
    for &value in &values {
        histogram.record(value);
        aggregator.record(value);
    }
    let (sizes, all) = (histogram.snapshot(), aggregator.snapshot());
    let mut finite: Vec<_> = values.iter().copied().filter(|value| value.is_finite()).collect();
    finite.sort_by(f64::total_cmp);
    for summary in [sizes.summary(), &all, &aggregator.summary(), &histogram.summary()] {
        assert_eq!(summary.count, finite.len() as u64);
        assert_eq!(summary.records(), values.len() as u64);
        assert_eq!(summary.nan, values.iter().filter(|value| value.is_nan()).count() as u64);
        if let (Some(min), Some(max)) = (finite.first(), finite.last()) {
            assert_eq!((summary.min, summary.max), (*min, *max));
            assert!(*min <= summary.mean() && summary.mean() <= *max);
            assert!(summary.variance() >= 0.0);
        }
    }
    // A quantile is one of the values, up to the relative error, if all of them are finite.
    if finite.len() == values.len() && !finite.is_empty() {
        for q in quantiles {
            let q = f64::from(q) / 255.0;
            let told = sizes.quantile(q);
            let error = sizes.relative_error();
            let near =
                |value: &f64| (told - value).abs() <= error * value.abs() + f64::MIN_POSITIVE;
            assert!(finite.iter().any(near), "{told} is near none of the values");
        }
    }
});
