//! Ids: threads that take ids from one source as fast as they can.

mod ours;
mod peers;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job};
use core::hint::black_box;
use std::collections::HashSet;
use std::thread;

pub use self::ours::{Batches, Coarse, Leases, Next, System};
pub use self::peers::{Bare, Checked, Ferroid, Locked, SnowflakeMe, V7};

/// What the command line calls this family.
pub const FAMILY: &str = "seqgen";

/// What gives ids.
pub trait Ids: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// What it calls an id.
    type Id: Into<u128> + Send;
    /// What a thread takes ids from.
    type Way<'a>;
    /// A source that will not run out.
    fn new() -> Self;
    /// A thread's own way to it.
    fn way(&self) -> Self::Way<'_>;
    /// The next id.
    fn next(way: &mut Self::Way<'_>) -> Self::Id;
    /// How many ids were taken, where that can be told.
    fn taken(&self) -> Option<u64> {
        None
    }
}

/// Calls a generic function for each contender: one list for tables and criterion.
#[macro_export]
macro_rules! ids {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::seqgen::*;
        [
            $each::<Next>($($argument),*),
            $each::<Batches>($($argument),*),
            $each::<Leases<64>>($($argument),*),
            $each::<Leases<1024>>($($argument),*),
            $each::<Bare>($($argument),*),
            $each::<Checked>($($argument),*),
            $each::<Locked>($($argument),*),
            $each::<Coarse>($($argument),*),
            $each::<System>($($argument),*),
            $each::<Ferroid>($($argument),*),
            $each::<SnowflakeMe>($($argument),*),
            $each::<V7>($($argument),*),
        ]
    }};
}

/// A case for each number of threads.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let case = |&threads: &usize| Case {
        family: FAMILY,
        name: format!("ids, {threads} thread{}", if threads == 1 { "" } else { "s" }),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders: ids!(takes(threads)).into(),
    };
    threads.iter().map(case).collect()
}

const BARE: &[&str] = &["AtomicU64"];
const CHECKED: &[&str] = &["checked CAS loop"];
const LEASE_64: &str = "Lease, 64";
const LEASE_1024: &str = "Lease, 1024";

/// What ids are to cost.
pub const GOALS: &[Goal] = &[
    goal("ids, 1 thread", "Sequence::next", BARE, Bound::TimeAtMost(1.05)),
    goal("ids, 2 threads", "Sequence::next", BARE, Bound::TimeAtMost(1.05)),
    goal("ids, 2 threads", "Sequence::next", CHECKED, Bound::SpeedAtLeast(1.15)),
    goal("ids, 1 thread", LEASE_64, BARE, Bound::SpeedAtLeast(5.0)),
    goal("ids, 2 threads", LEASE_64, BARE, Bound::SpeedAtLeast(8.0)),
    goal("ids, 1 thread", LEASE_1024, BARE, Bound::SpeedAtLeast(6.0)),
    goal("ids, 2 threads", LEASE_1024, BARE, Bound::SpeedAtLeast(18.0)),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}

/// Each of `threads` takes ids from one source; where it counts, the count is compared, every round.
fn takes<I: Ids>(threads: usize) -> Contender {
    Contender::new(I::NAME, I::PACKAGE, I::ROLE, check::<I>, move |budget| {
        let source = I::new();
        let worker = || -> Job<'_> {
            Box::new(|member| {
                let mut way = black_box(&source).way();
                let mut operations = 0;
                while !member.is_over() {
                    for _ in 0..BATCH {
                        black_box(I::next(&mut way));
                    }
                    operations += BATCH;
                }
                operations
            })
        };
        let (sample, operations) = team::run(budget, (0..threads).map(|_| worker()).collect());
        match source.taken() {
            Some(taken) if taken != operations => {
                Err(format!("{operations} ids were given, and {taken} taken"))
            }
            _ => Ok(sample),
        }
    })
}

/// Two threads' ids are unique and increase for each.
fn check<I: Ids>() -> Result<(), String> {
    const EACH: usize = 50_000;
    let source = I::new();
    let take = || -> Vec<u128> {
        let mut way = source.way();
        (0..EACH).map(|_| I::next(&mut way).into()).collect()
    };
    let ids = thread::scope(|scope| {
        [scope.spawn(take), scope.spawn(take)].map(|one| one.join().expect("nobody panics"))
    });
    if !ids.iter().all(|ids| ids.is_sorted_by(|one, next| one < next)) {
        return Err("the ids of a thread do not increase".to_owned());
    }
    let unique = ids.iter().flatten().collect::<HashSet<_>>().len();
    if unique == 2 * EACH { Ok(()) } else { Err(format!("{} ids make {unique}", 2 * EACH)) }
}
