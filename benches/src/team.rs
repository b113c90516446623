//! Threads that start together, work until one clock says stop, and are timed as one.

use core::time::Duration;
use lockfree_core::CachePadded;
use lockfree_core::sync::{
    AtomicBool, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    hint, thread,
};
use std::{panic::resume_unwind, sync::Barrier, thread::scope, time::Instant};

/// How many operations a worker does between two looks at the clock: enough to make the look free,
/// few enough to stop in time.
pub const BATCH: u64 = 1024;

/// Round trips in one probe of the distance, probes before a round, and the time after which no
/// further probe begins.
const TRIPS: usize = 20;
const PROBES: usize = 20;
const PROBING: Duration = Duration::from_millis(2);

/// What one round of one contender yielded.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Operations a nanosecond, of all workers together.
    pub speed: f64,
    /// The round trip of one cache line between the first two workers just before they began, in
    /// nanoseconds; none where one works alone.
    pub distance: Option<f64>,
}

/// A worker's part: it works until [`Member::is_over`] and returns how many operations it did that
/// count.
pub type Job<'a> = Box<dyn FnOnce(&Member<'_>) -> u64 + Send + 'a>;

/// A worker's view of its team.
#[derive(Debug)]
pub struct Member<'a> {
    leads: bool,
    start: Instant,
    budget: Duration,
    over: &'a AtomicBool,
}

impl Member<'_> {
    /// Whether the time is up. The first worker looks at the clock, the others at its word.
    ///
    /// Asked once a [`BATCH`].
    #[inline]
    pub fn is_over(&self) -> bool {
        if self.leads && self.start.elapsed() >= self.budget {
            self.over.store(true, Relaxed);
            return true;
        }
        self.over.load(Relaxed)
    }
}

/// Runs each job on a thread of its own for about `budget`; returns what was measured and how many
/// operations that were.
///
/// Each has a core of its own, where the system lets it and there are enough: else two that wake each
/// other are often put on one. All wait on a barrier; the first two then measure how far apart they are, on the very cores on
/// which they are about to work; a second barrier starts the clock. The speed is the sum over the
/// workers of operations by the time from the first one's start to the worker's own end, so that a
/// worker which the system kept waiting at its end does not stretch the others' time.
///
/// # Panics
///
/// If a job does, or if there is none.
pub fn run(budget: Duration, jobs: Vec<Job<'_>>) -> (Sample, u64) {
    let alone = jobs.len() == 1;
    let (ready, set) = (Barrier::new(jobs.len()), Barrier::new(jobs.len()));
    let over = AtomicBool::new(false);
    let court = Court::default();

    let outcomes: Vec<Outcome> = scope(|scope| {
        let (ready, set, over, court) = (&ready, &set, &over, &court);
        let enter = |(seat, job): (usize, Job<'_>)| {
            pin(seat);
            ready.wait();
            let distance = match seat {
                0 if !alone => Some(court.serve()),
                1 => {
                    court.answer();
                    None
                }
                _ => None,
            };
            set.wait();
            let start = Instant::now();
            let operations = job(&Member { leads: seat == 0, start, budget, over });
            Outcome { start, end: Instant::now(), operations, distance }
        };
        let threads: Vec<_> =
            jobs.into_iter().enumerate().map(|part| scope.spawn(move || enter(part))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });

    let start = outcomes.iter().map(|outcome| outcome.start).min().expect("a team has a worker");
    let speed = |outcome: &Outcome| {
        float(outcome.operations) / float(nanoseconds(outcome.end - start).max(1))
    };
    let sample = Sample {
        speed: outcomes.iter().map(speed).sum(),
        distance: outcomes.iter().find_map(|outcome| outcome.distance),
    };
    (sample, outcomes.iter().map(|outcome| outcome.operations).sum())
}

/// Keeps the calling thread on one of the processors that it may use, in turn by its seat.
#[cfg(target_os = "linux")]
fn pin(seat: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cpus = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect::<Vec<_>>();
    let mut own = CpuSet::new();
    own.set(cpus[seat % cpus.len()]);
    // Where it is refused, the system goes on placing the thread.
    let _ = sched_setaffinity(None, &own);
}

/// Other systems place threads by themselves.
#[cfg(not(target_os = "linux"))]
fn pin(_seat: usize) {}

struct Outcome {
    start: Instant,
    end: Instant,
    operations: u64,
    distance: Option<f64>,
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts of operations stay far below 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// One line that goes to and fro between two threads.
#[derive(Debug, Default)]
struct Court(CachePadded<AtomicU64>);

impl Court {
    const OVER: u64 = u64::MAX;

    /// The round trip in nanoseconds: the least of several probes, since what disturbs one only
    /// ever adds to it.
    fn serve(&self) -> f64 {
        let start = Instant::now();
        let mut serves = (1..).step_by(2);
        let mut probe = || {
            let start = Instant::now();
            for serve in serves.by_ref().take(TRIPS) {
                self.0.store(serve, Release);
                self.await_change(serve);
            }
            float(nanoseconds(start.elapsed())) / float(TRIPS as u64)
        };
        let mut least = probe();
        for _ in 1..PROBES {
            if start.elapsed() > PROBING {
                break;
            }
            least = least.min(probe());
        }
        self.0.store(Self::OVER, Release);
        least
    }

    /// Returns each serve as the even number after it.
    fn answer(&self) {
        let mut last = 0;
        loop {
            match self.await_change(last) {
                Self::OVER => return,
                serve => last = serve + 1,
            }
            self.0.store(last, Release);
        }
    }

    /// Waits until the line holds something else than what one has put there.
    fn await_change(&self, own: u64) -> u64 {
        let mut patience = Patience::default();
        loop {
            match self.0.load(Acquire) {
                value if value != own => return value,
                _ => patience.wait(),
            }
        }
    }
}

/// How every contender waits where it finds a ring full or empty: it spins, and after many
/// failures yields, so that a round also ends where threads outnumber cores.
///
/// # Panics
///
/// [`Patience::wait`] panics after 20 s without progress: an item was lost.
#[derive(Debug, Default)]
pub struct Patience {
    failures: u32,
    since: Option<Instant>,
}

impl Patience {
    const SPINS: u32 = 1 << 12;
    const LIMIT: Duration = Duration::from_secs(20);

    /// Waits a little, longer after many failures.
    #[inline]
    pub fn wait(&mut self) {
        if self.failures < Self::SPINS {
            self.failures += 1;
            hint::spin_loop();
        } else {
            self.rest();
        }
    }

    #[cold]
    fn rest(&mut self) {
        let since = *self.since.get_or_insert_with(Instant::now);
        assert!(since.elapsed() < Self::LIMIT, "no progress for 20 s: an item was lost");
        thread::yield_now();
    }
}
