//! Metrics: threads that record values as fast as they can, and what a reading costs beside them.

mod peers;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::heap::held_by;
use crate::team::{self, BATCH, Job, Sample, float};
use core::{hint::black_box, time::Duration};
use lockfree_core::sync::{AtomicBool, Ordering::Relaxed};
use std::{sync::Barrier, thread, time::Instant};

pub use self::peers::{
    CasLoop, Exporter, HdrRecorder, OpenTelemetry, Prometheus, PrometheusClient,
};
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

/// Records for each number of threads, readings beside 0, 2 and 8 threads that record, and what one takes.
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
    let memories = [1, 8].map(|threads| Case {
        family: FAMILY,
        name: format!("memory of one, {threads} thread{}", if threads == 1 { "" } else { "s" }),
        unit: Unit::Bytes,
        full_only: false,
        contenders: metrics!(memory(threads)).into(),
    });
    records.chain(readings).chain(memories).collect()
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
fn value(i: u64) -> f64 {
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

/// The bytes of a metric that so many threads have recorded into; taken once.
fn memory<M: Metric>(threads: usize) -> Contender {
    let mut figure = None;
    Contender::new(M::NAME, M::PACKAGE, M::ROLE, check::<M>, move |_| {
        let speed = *figure.get_or_insert_with(|| {
            drop(filled::<M>(threads));
            let (metric, bytes) = held_by(|| filled::<M>(threads));
            let on_the_heap = usize::try_from(bytes).unwrap_or(0);
            drop(metric);
            1.0 / float((size_of::<M>() + on_the_heap) as u64)
        });
        Ok(Sample { speed, distance: None })
    })
}

/// One that so many threads have recorded into, all of which were there at once.
fn filled<M: Metric>(threads: usize) -> M {
    let (metric, all) = (M::new(), Barrier::new(threads));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut record = metric.recorder();
                (0..BATCH).for_each(|i| record(value(i)));
                all.wait();
            });
        }
    });
    metric
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
