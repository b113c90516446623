//! What others record values in.

use super::Metric;
use core::{fmt, time::Duration};
use lockfree_core::CachePadded;
use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use metriken::ShardedCounterHistogram;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The aggregator of the reference program, its comparisons set right: a word each for count, sum, least
/// and greatest, changed by compare-exchange loops, and read torn.
#[derive(Debug)]
pub struct CasLoop(CachePadded<[AtomicU64; 4]>);

impl Metric for CasLoop {
    const NAME: &'static str = "CAS loop";
    const PACKAGE: Option<&'static str> = None;

    fn new() -> Self {
        let words = [0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY];
        Self(CachePadded::new(words.map(|word| AtomicU64::new(f64::to_bits(word)))))
    }

    #[inline]
    fn recorder(&self) -> impl FnMut(f64) {
        let [count, sum, min, max] = &*self.0;
        |value| {
            count.fetch_add(1, Relaxed);
            change(sum, |sum| Some(sum + value));
            change(min, |min| (value < min).then_some(value));
            change(max, |max| (value > max).then_some(value));
        }
    }

    fn count(&self) -> u64 {
        self.0[0].load(Relaxed)
    }
}

#[inline]
fn change(word: &AtomicU64, to: impl Fn(f64) -> Option<f64>) {
    let mut seen = word.load(Relaxed);
    while let Some(next) = to(f64::from_bits(seen)) {
        match word.compare_exchange_weak(seen, next.to_bits(), Relaxed, Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}

/// A histogram of `prometheus`, with its default buckets.
#[derive(Debug)]
pub struct Prometheus(prometheus::Histogram);

impl Metric for Prometheus {
    const NAME: &'static str = "prometheus";
    const PACKAGE: Option<&'static str> = Some("prometheus");

    fn new() -> Self {
        let options = prometheus::HistogramOpts::new("bench", "What is recorded.");
        Self(prometheus::Histogram::with_opts(options).expect("the name is one"))
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.0.observe(value)
    }

    fn count(&self) -> u64 {
        self.0.get_sample_count()
    }
}

/// A histogram of `prometheus-client`, with eleven buckets.
#[derive(Debug)]
pub struct PrometheusClient(prometheus_client::metrics::histogram::Histogram);

impl Metric for PrometheusClient {
    const NAME: &'static str = "prometheus-client";
    const PACKAGE: Option<&'static str> = Some("prometheus-client");

    fn new() -> Self {
        let buckets = prometheus_client::metrics::histogram::exponential_buckets(0.125, 2.0, 11);
        Self(prometheus_client::metrics::histogram::Histogram::new(buckets))
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.0.observe(value)
    }

    fn count(&self) -> u64 {
        self.0.count()
    }
}

/// A histogram of `metrics`, behind the recorder of `metrics-exporter-prometheus`: its handle is resolved, so that
/// no name is looked up.
pub struct Exporter {
    recorder: metrics_exporter_prometheus::PrometheusRecorder,
    histogram: metrics::Histogram,
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl Metric for Exporter {
    const NAME: &'static str = "metrics + exporter";
    const PACKAGE: Option<&'static str> = Some("metrics-exporter-prometheus");

    fn new() -> Self {
        const METADATA: metrics::Metadata<'_> =
            metrics::Metadata::new("bench", metrics::Level::INFO, None);
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
            .set_buckets(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
            .expect("there are buckets")
            .build_recorder();
        let key = metrics::Key::from_name("bench");
        let histogram = metrics::Recorder::register_histogram(&recorder, &key, &METADATA);
        Self { recorder, histogram }
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.histogram.record(value)
    }

    fn count(&self) -> u64 {
        let text = self.recorder.handle().render();
        let count = text.lines().find_map(|line| line.strip_prefix("bench_count "));
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

/// A histogram of `opentelemetry`, with a reader that is asked.
pub struct OpenTelemetry {
    reader: Asked,
    histogram: opentelemetry::metrics::Histogram<f64>,
    /// Keeps the pipeline alive.
    _provider: SdkMeterProvider,
}

#[derive(Clone, Debug)]
struct Asked(Arc<ManualReader>);

impl MetricReader for Asked {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, into: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(into)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

impl fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").finish_non_exhaustive()
    }
}

impl Metric for OpenTelemetry {
    const NAME: &'static str = "OpenTelemetry";
    const PACKAGE: Option<&'static str> = Some("opentelemetry_sdk");

    fn new() -> Self {
        let reader = Asked(Arc::new(ManualReader::builder().build()));
        let provider = SdkMeterProvider::builder().with_reader(reader.clone()).build();
        let histogram = provider.meter("bench").f64_histogram("bench").build();
        Self { reader, histogram, _provider: provider }
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.histogram.record(value, &[])
    }

    fn count(&self) -> u64 {
        let mut all = ResourceMetrics::default();
        if self.reader.collect(&mut all).is_err() {
            return 0;
        }
        let metrics = all.scope_metrics().flat_map(ScopeMetrics::metrics);
        let counts = metrics.map(|metric| match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(own)) => {
                own.data_points().map(HistogramDataPoint::count).sum()
            }
            _ => 0,
        });
        counts.sum()
    }
}

/// A recorder of `hdrhistogram` for each thread, of whole numbers with two digits.
#[derive(Debug)]
pub struct HdrRecorder(Mutex<hdrhistogram::sync::SyncHistogram<u64>>);

impl HdrRecorder {
    fn lock(&self) -> std::sync::MutexGuard<'_, hdrhistogram::sync::SyncHistogram<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metric for HdrRecorder {
    const NAME: &'static str = "hdrhistogram";
    const PACKAGE: Option<&'static str> = Some("hdrhistogram");

    fn new() -> Self {
        let own = hdrhistogram::Histogram::new_with_bounds(1, 1 << 20, 2);
        Self(Mutex::new(own.expect("the bounds are some").into_sync()))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it takes whole numbers"
    )]
    fn recorder(&self) -> impl FnMut(f64) {
        let mut own = self.lock().recorder();
        move |value| own.saturating_record(value as u64)
    }

    fn count(&self) -> u64 {
        let mut own = self.lock();
        own.refresh();
        own.len()
    }
}

impl Metric for ShardedCounterHistogram {
    const NAME: &'static str = "metriken";
    const PACKAGE: Option<&'static str> = Some("metriken");

    /// Of whole numbers, 5 bits of precision.
    fn new() -> Self {
        Self::new(5, 64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it takes whole numbers"
    )]
    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.increment(value as u64).expect("the value is in range")
    }

    fn count(&self) -> u64 {
        self.load().map_or(0, |all| all.as_slice().iter().sum())
    }
}
