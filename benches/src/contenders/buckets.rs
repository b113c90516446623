//! Events by time: threads that count into buckets of time, and threads that ask a limiter.

mod leap_array;
mod limits;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job};
use core::{hint::black_box, time::Duration};
use lockfree_core::CachePadded;
use lockfree_core::clock::{Clock, RawClock};
use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

pub use leap_array::LeapArray;
pub use limits::{
    GcraLimiter, Governor, Keyed, KeyedGovernor, Limit, LockedLimiter, Ratelimiter, SlidingLimiter,
};

/// What the command line calls this family.
pub const FAMILY: &str = "buckets";

/// Buckets of the counters: ten of 100 ms.
const WIDTH: Duration = Duration::from_millis(100);
const BUCKETS: usize = 10;

/// What counts events by time.
pub trait Events: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Nothing yet.
    fn new() -> Self;
    /// An event now.
    fn increment(&self);
    /// How many there were in all, or in the last second where no more is kept.
    fn sum(&self) -> u64;
}

/// Calls a generic function for each counter: one list for tables and criterion.
#[macro_export]
macro_rules! event_counters {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::buckets::*;
        [
            $each::<Sharded>($($argument),*),
            $each::<Shared>($($argument),*),
            $each::<TickGiven>($($argument),*),
            $each::<ClockRead>($($argument),*),
            $each::<BareWord>($($argument),*),
            $each::<LeapArray>($($argument),*),
            $each::<Governor>($($argument),*),
            $each::<Ratelimiter>($($argument),*),
            $each::<RateMeter>($($argument),*),
            $each::<LockedDeque>($($argument),*),
        ]
    }};
}

/// Counting at each number of threads; a limiter that admits, one that denies, one for keys.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let plural = |threads| if threads == 1 { "" } else { "s" };
    let count = |&threads: &usize| Case {
        family: FAMILY,
        name: format!("increment, {threads} thread{}", plural(threads)),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders: event_counters!(increments(threads)).into(),
    };
    threads.iter().map(count).chain(limits::cases()).collect()
}

/// What the counters and limiters are to reach.
pub const GOALS: &[Goal] = &[
    goal("increment, 1 thread", "tick given", &["AtomicU64"], Bound::TimeAtMost(1.5)),
    goal("increment, 1 thread", "EventCounter", &["clock read"], Bound::TimeAtMost(1.15)),
    goal("increment, 2 threads", "EventCounter", &["clock read"], Bound::TimeAtMost(1.15)),
    goal("increment, 2 threads", "EventCounter", &["governor"], Bound::SpeedAtLeast(4.0)),
    goal("increment, 2 threads", "EventCounter", &["LeapArray"], Bound::SpeedAtLeast(5.0)),
    limit("admitted, 1 thread", "GCRA", &["governor", "ratelimit"]),
    limit("admitted, 2 threads", "GCRA", &["governor", "ratelimit"]),
    limit("denied, 1 thread", "GCRA", &["governor", "ratelimit"]),
    limit("denied, 2 threads", "GCRA", &["governor", "ratelimit"]),
    limit("admitted, 1 thread", "sliding", &["ratelimit"]),
    limit("denied, 1 thread", "sliding", &["ratelimit"]),
    limit("1,000 keys, 1 thread", "KeyedLimiter", &["governor"]),
    limit("1,000 keys, 2 threads", "KeyedLimiter", &["governor"]),
];

const fn limit(case: &'static str, ours: &'static str, peers: &'static [&'static str]) -> Goal {
    goal(case, ours, peers, Bound::SpeedAtLeast(1.0))
}

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}

/// Each of `threads` counts; the sum is compared with what they did, every round, where a round is
/// shorter than what is kept.
fn increments<E: Events>(threads: usize) -> Contender {
    Contender::new(E::NAME, E::PACKAGE, E::ROLE, check::<E>, move |budget| {
        let events = E::new();
        let worker = || -> Job<'_> {
            Box::new(|member| {
                let mut operations = 0;
                while !member.is_over() {
                    let events = black_box(&events);
                    for _ in 0..BATCH {
                        events.increment();
                    }
                    operations += BATCH;
                }
                operations
            })
        };
        let (sample, operations) = team::run(budget, (0..threads).map(|_| worker()).collect());
        exact(events.sum(), operations).map(|()| sample)
    })
}

fn check<E: Events>() -> Result<(), String> {
    const EACH: u64 = 50_000;
    let events = E::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..EACH).for_each(|_| events.increment()));
        }
    });
    exact(events.sum(), 2 * EACH)
}

/// Who keeps no sum tells [`u64::MAX`].
fn exact(sum: u64, events: u64) -> Result<(), String> {
    if sum == events || sum == u64::MAX { Ok(()) } else { Err(format!("{events} made {sum}")) }
}

/// The processor's counter as governor reads it, without waiting for earlier loads. So it may step back
/// between threads by what a processor works ahead: our counters and limiters hold such steps.
#[derive(Debug)]
pub struct Hasty(RawClock);

impl Hasty {
    fn new() -> Self {
        Self(RawClock::new())
    }
}

impl Clock for Hasty {
    #[inline]
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_nanos())
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        self.0.hasty_nanos()
    }
}

/// Ours, on the processor's counter.
#[derive(Debug)]
pub struct Sharded(event_buckets::EventCounter<Hasty>);

impl Events for Sharded {
    const NAME: &'static str = "EventCounter";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self(event_buckets::EventCounter::with_clock(WIDTH, BUCKETS, Hasty::new()))
    }

    #[inline]
    fn increment(&self) {
        self.0.increment();
    }

    fn sum(&self) -> u64 {
        self.0.total()
    }
}

/// Ours in one ring, on the processor's counter.
#[derive(Debug)]
pub struct Shared(event_buckets::SharedEventCounter<Hasty>);

impl Events for Shared {
    const NAME: &'static str = "SharedEventCounter";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self(event_buckets::SharedEventCounter::with_clock(WIDTH, BUCKETS, Hasty::new()))
    }

    #[inline]
    fn increment(&self) {
        self.0.increment();
    }

    fn sum(&self) -> u64 {
        self.0.total()
    }
}

/// Ours where the caller knows the time: no clock is read.
#[derive(Debug)]
pub struct TickGiven(event_buckets::EventCounter<Hasty>);

impl Events for TickGiven {
    const NAME: &'static str = "tick given";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self(event_buckets::EventCounter::with_clock(WIDTH, BUCKETS, Hasty::new()))
    }

    #[inline]
    fn increment(&self) {
        self.0.increment_at(black_box(7));
    }

    fn sum(&self) -> u64 {
        self.0.total()
    }
}

/// The clock of ours alone, and nothing counted: what a counter by time cannot do without.
#[derive(Debug)]
pub struct ClockRead(Hasty);

impl Events for ClockRead {
    const NAME: &'static str = "clock read";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Floor;

    fn new() -> Self {
        Self(Hasty::new())
    }

    #[inline]
    fn increment(&self) {
        black_box(self.0.now_nanos());
    }

    fn sum(&self) -> u64 {
        u64::MAX
    }
}

/// A padded atomic word, which knows no time.
#[derive(Debug)]
pub struct BareWord(CachePadded<AtomicU64>);

impl Events for BareWord {
    const NAME: &'static str = "AtomicU64";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Floor;

    fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    #[inline]
    fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The meter of `metrics-lib`.
#[derive(Debug)]
pub struct RateMeter(metrics_lib::RateMeter);

impl Events for RateMeter {
    const NAME: &'static str = "metrics-lib";
    const PACKAGE: Option<&'static str> = Some("metrics-lib");

    fn new() -> Self {
        Self(metrics_lib::RateMeter::new())
    }

    #[inline]
    fn increment(&self) {
        self.0.tick();
    }

    fn sum(&self) -> u64 {
        self.0.total()
    }
}

/// Buckets in a deque behind a lock, as one writes them first.
#[derive(Debug)]
pub struct LockedDeque {
    start: std::time::Instant,
    held: CachePadded<Mutex<Buckets>>,
}

/// Buckets, each with its number and count, and what was in those that went.
type Buckets = (VecDeque<(u64, u64)>, u64);

impl Events for LockedDeque {
    const NAME: &'static str = "Mutex<VecDeque>";
    const PACKAGE: Option<&'static str> = None;

    fn new() -> Self {
        let held = CachePadded::new(Mutex::new((VecDeque::with_capacity(BUCKETS + 1), 0)));
        Self { start: std::time::Instant::now(), held }
    }

    #[inline]
    fn increment(&self) {
        let tick = u64::try_from(self.start.elapsed().as_nanos() / WIDTH.as_nanos()).unwrap_or(0);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (buckets, evicted) = &mut *held;
        match buckets.back_mut() {
            Some((newest, count)) if *newest >= tick => *count += 1,
            _ => buckets.push_back((tick, 1)),
        }
        if buckets.len() > BUCKETS {
            *evicted += buckets.pop_front().map_or(0, |(_, count)| count);
        }
    }

    fn sum(&self) -> u64 {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.0.iter().map(|(_, count)| count).sum::<u64>() + held.1
    }
}
