//! Metrics: threads that record values as fast as they can, and what a reading costs beside them.

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job, Sample, float};
use core::{hint::black_box, time::Duration};
use lockfree_core::CachePadded;
use lockfree_core::sync::{AtomicBool, AtomicU64, Ordering::Relaxed};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Temporality,
};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::{thread, time::Instant};

pub use atomic_metrics::{Aggregator, Histogram};
pub use metriken::ShardedCounterHistogram;

/// What the command line calls this family.
pub const FAMILY: &str = "metrics";

/// What values are recorded in, from many threads.
pub trait Metric: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Without a value.
    fn new() -> Self;
    /// What one thread records through.
    fn recorder(&self) -> impl FnMut(f64);
    /// How many values there were, once nobody records any more.
    fn count(&self) -> u64;
}

/// Calls a generic function for each contender: one list for tables and criterion.
#[macro_export]
macro_rules! metrics {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::metrics::*;
        [
            $each::<Aggregator>($($argument),*),
            $each::<Histogram>($($argument),*),
            $each::<CasLoop>($($argument),*),
            $each::<Prometheus>($($argument),*),
            $each::<PrometheusClient>($($argument),*),
            $each::<Exporter>($($argument),*),
            $each::<OpenTelemetry>($($argument),*),
            $each::<HdrRecorder>($($argument),*),
            $each::<ShardedCounterHistogram>($($argument),*),
        ]
    }};
}

/// Records for each number of threads, and readings beside 0, 2 and 8 threads that record.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let records = threads.iter().map(|&threads| Case {
        family: FAMILY,
        name: format!("record, {threads} thread{}", if threads == 1 { "" } else { "s" }),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders: metrics!(records(threads)).into(),
    });
    let readings = [0, 2, 8].into_iter().flat_map(|writers| {
        [("p50", 0.5), ("p99", 0.99)].map(|(name, share)| Case {
            family: FAMILY,
            name: format!("reading beside {writers} writers, {name}"),
            unit: Unit::Nanoseconds { threads: 1 },
            full_only: false,
            contenders: vec![
                readings("Aggregator::snapshot", writers, share, |own: &Aggregator| {
                    own.snapshot().count
                }),
                readings("Aggregator::summary", writers, share, |own: &Aggregator| {
                    own.summary().count
                }),
                readings("Histogram::snapshot", writers, share, |own: &Histogram| {
                    own.snapshot().count
                }),
                readings("metriken", writers, share, ShardedCounterHistogram::count),
            ],
        })
    });
    records.chain(readings).collect()
}

const ONE: &str = "record, 1 thread";
const TWO: &str = "record, 2 threads";

/// What recording is to reach.
pub const GOALS: &[Goal] = &[
    goal(ONE, "Aggregator", &["CAS loop"], 3.0),
    goal(TWO, "Aggregator", &["CAS loop"], 8.0),
    goal(ONE, "Histogram", &["prometheus-client"], 4.0),
    goal(TWO, "Histogram", &["prometheus-client"], 12.0),
    goal(ONE, "Histogram", &["metriken", "hdrhistogram"], 1.3),
    goal(TWO, "Histogram", &["metriken", "hdrhistogram"], 1.3),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    ratio: f64,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound: Bound::SpeedAtLeast(ratio) }
}

/// The value of a record: 1 to 100, again and again.
const fn value(i: u64) -> f64 {
    float(i % 100 + 1)
}

/// Each of `threads` records into one metric; the count is compared with what they did, every round.
fn records<M: Metric>(threads: usize) -> Contender {
    Contender::new(M::NAME, M::PACKAGE, M::ROLE, check::<M>, move |budget| {
        let metric = M::new();
        let worker = || -> Job<'_> {
            Box::new(|member| {
                let mut record = metric.recorder();
                let mut operations = 0;
                while !member.is_over() {
                    for i in 0..BATCH {
                        record(black_box(value(i)));
                    }
                    operations += BATCH;
                }
                operations
            })
        };
        let (sample, operations) = team::run(budget, (0..threads).map(|_| worker()).collect());
        exact(metric.count(), operations).map(|()| sample)
    })
}

fn check<M: Metric>() -> Result<(), String> {
    const EACH: u64 = 100_000;
    let metric = M::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut record = metric.recorder();
                (0..EACH).for_each(|i| record(value(i)));
            });
        }
    });
    exact(metric.count(), 2 * EACH)
}

fn exact(count: u64, records: u64) -> Result<(), String> {
    if count == records { Ok(()) } else { Err(format!("{records} records made {count}")) }
}

/// One reads again and again, each time timed, while others record; the speed is the inverse of what
/// so large a share of the readings did not exceed.
fn readings<M: Metric>(
    name: &'static str,
    writers: usize,
    share: f64,
    read: impl Fn(&M) -> u64 + 'static,
) -> Contender {
    Contender::new(name, M::PACKAGE, M::ROLE, check::<M>, move |budget| {
        let (metric, over) = (M::new(), AtomicBool::new(false));
        (0..100).for_each({
            let mut record = metric.recorder();
            move |i| record(value(i))
        });
        let mut times = thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| {
                    let mut record = metric.recorder();
                    while !over.load(Relaxed) {
                        (0..BATCH).for_each(|i| record(black_box(value(i))));
                    }
                });
            }
            let times = timed(budget, || read(&metric));
            over.store(true, Relaxed);
            times
        });
        times.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
        #[expect(clippy::cast_precision_loss, reason = "a rank")]
        let rank = (share * (times.len() - 1) as f64) as usize;
        Ok(Sample { speed: 1.0 / float(times[rank].max(1)), distance: None })
    })
}

/// What each of many readings took, in nanoseconds. Counts never go back.
fn timed(budget: Duration, read: impl Fn() -> u64) -> Vec<u64> {
    let (start, mut times, mut last) = (Instant::now(), Vec::new(), 0);
    while start.elapsed() < budget || times.is_empty() {
        let began = Instant::now();
        let count = black_box(read());
        times.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        assert!(count >= last, "a count went back from {last} to {count}");
        last = count;
        thread::sleep(Duration::from_micros(20));
    }
    times
}

impl Metric for Aggregator {
    const NAME: &'static str = "Aggregator";
    const PACKAGE: Option<&'static str> = Some("atomic-metrics");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self::new()
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.record(value)
    }

    fn count(&self) -> u64 {
        self.snapshot().count
    }
}

impl Metric for Histogram {
    const NAME: &'static str = "Histogram";
    const PACKAGE: Option<&'static str> = Some("atomic-metrics");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self::new()
    }

    fn recorder(&self) -> impl FnMut(f64) {
        |value| self.record(value)
    }

    fn count(&self) -> u64 {
        self.snapshot().count
    }
}

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
        let metrics = all.scope_metrics().flat_map(|scope| scope.metrics());
        let counts = metrics.map(|metric| match metric.data() {
            AggregatedMetrics::F64(MetricData::Histogram(own)) => {
                own.data_points().map(|point| point.count()).sum()
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
