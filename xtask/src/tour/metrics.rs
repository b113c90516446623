//! Ten threads record values, and a reader looks on.

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::thread;

use atomic_metrics::{Aggregator, Histogram, RollingAverage, Snapshot};

use super::{
    scene::Scene,
    team::{contenders, together},
};
use crate::term::grouped;

const THREADS: usize = 10;
const EACH: u64 = 100_000;
/// Values of each thread where time is taken.
const EACH_TIMED: u64 = 2_000_000;
const EACH_TRACKED: u64 = 10_000;

pub(super) fn run(scene: &mut Scene) {
    aggregator(scene);
    tracker(scene);
}

/// The `i`th value of a thread: 1 to 100, again and again.
#[expect(clippy::cast_precision_loss, reason = "at most 100")]
const fn value(i: u64) -> f64 {
    (i % 100 + 1) as f64
}

fn aggregator(scene: &mut Scene) {
    scene.program("10 threads record 100,000 values from 1 to 100");
    scene.tell(&format!("on {} cores", contenders()));
    let total = THREADS as u64 * EACH;

    let own = Aggregator::new();
    let (cuts, torn) = watched(&own, |_| (0..EACH).for_each(|i| own.record(value(i))));
    let spread = Histogram::new();
    together(THREADS, |_| (0..EACH).for_each(|i| spread.record(value(i))));
    let reference = Reference::default();
    let timed = THREADS as u64 * EACH_TIMED;
    let (fresh, wide) = (Aggregator::new(), Histogram::new());
    let elapsed = together(THREADS, |_| (0..EACH_TIMED).for_each(|i| fresh.record(value(i))));
    scene.rate("Aggregator", timed, elapsed);
    let elapsed = together(THREADS, |_| (0..EACH_TIMED).for_each(|i| wide.record(value(i))));
    scene.rate("Histogram", timed, elapsed);
    let elapsed = together(THREADS, |_| (0..EACH_TIMED).for_each(|i| reference.record(value(i))));
    scene.rate("CAS loops", timed, elapsed);

    let Snapshot { count, min, max, .. } = own.snapshot();
    let mean = own.snapshot().mean();
    let told = grouped(count);
    scene.tell(&format!("count {told}, average {mean}, min {min}, max {max}"));
    let spread = spread.snapshot();
    let (p50, p99) = (spread.quantile(0.5), spread.quantile(0.99));
    scene.tell(&format!(
        "median {p50}, 99th of 100 {p99}, to {:.1} %",
        100.0 * spread.relative_error()
    ));

    let seen = (count, mean, min, max);
    scene.check("1,000,000 values, average 50.5, from 1 to 100", seen == (total, 50.5, 1.0, 100.0));
    let near = |found: f64, exact: f64| (found / exact - 1.0).abs() <= spread.relative_error();
    scene.check("quantiles are as near as promised", near(p50, 50.0) && near(p99, 99.0));
    let cuts = grouped(cuts);
    scene.check(
        &format!("{cuts} cuts meanwhile: none torn, their intervals add up"),
        torn == Some(total),
    );
    let reference = reference.count.load(Relaxed);
    let counts = [fresh.snapshot().count, wide.snapshot().count, reference];
    scene.check("where time was taken, every value was counted", counts == [timed; 3]);
}

/// Runs `work` on the ten threads while a reader takes intervals: how many, how much they add up to if none was
/// torn.
fn watched(own: &Aggregator, work: impl Fn(usize) + Sync) -> (u64, Option<u64>) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut intervals, mut cuts, mut sum) = (own.intervals(), 0, Some(0));
            loop {
                // Relaxed: the last interval is taken after all threads were joined, by the join.
                let last = done.load(Relaxed);
                let interval = intervals.take();
                let mean = interval.mean();
                let whole = interval.count == 0
                    || (interval.min <= mean && mean <= interval.max && interval.max <= 100.0);
                sum = sum.filter(|_| whole).map(|sum| sum + interval.count);
                cuts += 1;
                if last {
                    return (cuts, sum);
                }
                thread::sleep(Duration::from_micros(100));
            }
        });
        together(THREADS, work);
        done.store(true, Relaxed);
        reader.join().expect("a reader does not panic")
    })
}

fn tracker(scene: &mut Scene) {
    scene.program("10 threads track 10,000 values each, with a rolling average");
    let own = Aggregator::new();
    let rolling = RollingAverage::new(Duration::from_hours(1));
    let total = THREADS as u64 * EACH_TRACKED;
    let elapsed = together(THREADS, |_| {
        for i in 0..EACH_TRACKED {
            own.record(value(i));
            rolling.record(value(i));
        }
    });
    scene.rate("both", total, elapsed);
    let seen = own.snapshot();
    let average = rolling.average();
    let deviation = seen.variance().sqrt();
    scene.tell(&format!(
        "count {}, min {}, max {}, standard deviation {deviation:.3}, rolling average {average}",
        grouped(seen.count),
        seen.min,
        seen.max
    ));
    let exact = (seen.count, seen.min, seen.max, seen.variance());
    let near = (exact.3 - 833.25).abs() < 1e-6;
    scene.check("100,000 values from 1 to 100, variance 833.25", near && exact.0 == total);
    scene.check("the rolling average is 50.5", (average - 50.5).abs() < 1e-9);
    let tracked = RollingAverage::new(Duration::from_millis(30));
    tracked.record(1e6);
    thread::sleep(Duration::from_millis(40));
    tracked.record(1.0);
    scene.check("what left the window left the average", tracked.average() <= 1.0);
}

/// A word each, changed by compare-exchange loops.
#[derive(Default)]
struct Reference {
    count: AtomicU64,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Reference {
    fn record(&self, value: f64) {
        self.count.fetch_add(1, Relaxed);
        let sum = |sum| Some((f64::from_bits(sum) + value).to_bits());
        let _ = self.sum.fetch_update(Relaxed, Relaxed, sum);
        let max = |max| (value > f64::from_bits(max)).then_some(value.to_bits());
        let _ = self.max.fetch_update(Relaxed, Relaxed, max);
    }
}
