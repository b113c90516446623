//! Counters: threads that increment one counter as fast as they can.

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job};
use contatori::counters::Observable;
use core::hint::black_box;
use lockfree_core::CachePadded;
use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

pub use atomic_counter::{Counter, ShardedCounter};
pub use contatori::counters::unsigned::Unsigned;
pub use fast_counter::ConcurrentCounter;
pub use metriken::ShardedCounterGroup;

/// What the command line calls this family.
pub const FAMILY: &str = "counter";

/// What counts.
pub trait Count: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// A counter at zero.
    fn new() -> Self;
    /// One more.
    fn increment(&self);
    /// How many there were, once nobody counts any more.
    fn sum(&self) -> u64;
}

/// Calls a generic function for each contender: one list for tables and criterion.
#[macro_export]
macro_rules! counters {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::counter::*;
        [
            $each::<ShardedCounter>($($argument),*),
            $each::<Counter>($($argument),*),
            $each::<Bare>($($argument),*),
            $each::<Locked>($($argument),*),
            $each::<Channel>($($argument),*),
            $each::<ShardedCounterGroup>($($argument),*),
            $each::<ConcurrentCounter>($($argument),*),
            $each::<Unsigned>($($argument),*),
        ]
    }};
}

/// A case for each number of threads.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let case = |&threads: &usize| Case {
        family: FAMILY,
        name: format!("increment, {threads} thread{}", if threads == 1 { "" } else { "s" }),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders: counters!(increments(threads)).into(),
    };
    threads.iter().map(case).collect()
}

/// The best of the sharded counters that others publish.
const SHARDED: &[&str] = &["metriken", "fast-counter", "contatori"];

/// What a counter is to reach.
pub const GOALS: &[Goal] = &[
    goal("increment, 2 threads", "ShardedCounter", &["AtomicU64"], Bound::SpeedAtLeast(6.0)),
    goal("increment, 1 thread", "ShardedCounter", SHARDED, Bound::SpeedAtLeast(2.0)),
    goal("increment, 2 threads", "ShardedCounter", SHARDED, Bound::SpeedAtLeast(2.0)),
    goal("increment, 1 thread", "Counter", &["AtomicU64"], Bound::TimeAtMost(1.02)),
    goal("increment, 2 threads", "Counter", &["AtomicU64"], Bound::TimeAtMost(1.02)),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}

/// Each of `threads` increments one counter; the sum is compared with what they did, every round.
fn increments<C: Count>(threads: usize) -> Contender {
    Contender::new(C::NAME, C::PACKAGE, C::ROLE, check::<C>, move |budget| {
        let counter = C::new();
        let worker = || -> Job<'_> {
            Box::new(|member| {
                let mut operations = 0;
                while !member.is_over() {
                    let counter = black_box(&counter);
                    for _ in 0..BATCH {
                        counter.increment();
                    }
                    operations += BATCH;
                }
                operations
            })
        };
        let (sample, operations) = team::run(budget, (0..threads).map(|_| worker()).collect());
        exact(counter.sum(), operations).map(|()| sample)
    })
}

fn check<C: Count>() -> Result<(), String> {
    const EACH: u64 = 100_000;
    let counter = C::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..EACH).for_each(|_| counter.increment()));
        }
    });
    exact(counter.sum(), 2 * EACH)
}

fn exact(sum: u64, increments: u64) -> Result<(), String> {
    if sum == increments { Ok(()) } else { Err(format!("{increments} increments made {sum}")) }
}

impl Count for ShardedCounter {
    const NAME: &'static str = "ShardedCounter";
    const PACKAGE: Option<&'static str> = Some("atomic-counter");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self::new()
    }

    #[inline]
    fn increment(&self) {
        self.increment();
    }

    fn sum(&self) -> u64 {
        self.sum()
    }
}

impl Count for Counter {
    const NAME: &'static str = "Counter";
    const PACKAGE: Option<&'static str> = Some("atomic-counter");
    const ROLE: Role = Role::Ours;

    fn new() -> Self {
        Self::new(0)
    }

    #[inline]
    fn increment(&self) {
        self.increment();
    }

    fn sum(&self) -> u64 {
        self.load()
    }
}

/// A padded atomic word: the least that one shared counter can be.
#[derive(Debug)]
pub struct Bare(CachePadded<AtomicU64>);

impl Count for Bare {
    const NAME: &'static str = "AtomicU64";
    const PACKAGE: Option<&'static str> = None;

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

/// A number behind a lock.
#[derive(Debug)]
pub struct Locked(CachePadded<Mutex<u64>>);

impl Count for Locked {
    const NAME: &'static str = "Mutex<u64>";
    const PACKAGE: Option<&'static str> = None;

    fn new() -> Self {
        Self(CachePadded::new(Mutex::new(0)))
    }

    #[inline]
    fn increment(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn sum(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message for each increment. Only the sending is timed: whoever adds them up comes later, which
/// flatters the channel.
#[derive(Debug)]
pub struct Channel {
    sender: mpsc::Sender<u64>,
    receiver: Mutex<mpsc::Receiver<u64>>,
}

impl Count for Channel {
    const NAME: &'static str = "mpsc send";
    const PACKAGE: Option<&'static str> = None;

    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver: Mutex::new(receiver) }
    }

    #[inline]
    fn increment(&self) {
        self.sender.send(1).expect("the receiver lives as long as the sender");
    }

    fn sum(&self) -> u64 {
        self.receiver.lock().unwrap_or_else(PoisonError::into_inner).try_iter().sum()
    }
}

impl Count for ShardedCounterGroup {
    const NAME: &'static str = "metriken";
    const PACKAGE: Option<&'static str> = Some("metriken");

    fn new() -> Self {
        Self::new(1)
    }

    #[inline]
    fn increment(&self) {
        self.increment(0);
    }

    fn sum(&self) -> u64 {
        self.value(0).unwrap_or(0)
    }
}

impl Count for ConcurrentCounter {
    const NAME: &'static str = "fast-counter";
    const PACKAGE: Option<&'static str> = Some("fast-counter");

    /// As many cells as contatori has: its docs ask for more than there are threads.
    fn new() -> Self {
        Self::new(64)
    }

    #[inline]
    fn increment(&self) {
        self.add(1);
    }

    fn sum(&self) -> u64 {
        self.sum().unsigned_abs() as u64
    }
}

impl Count for Unsigned {
    const NAME: &'static str = "contatori";
    const PACKAGE: Option<&'static str> = Some("contatori");

    fn new() -> Self {
        Self::new()
    }

    #[inline]
    fn increment(&self) {
        self.add(1);
    }

    fn sum(&self) -> u64 {
        Observable::value(self).as_u64()
    }
}
