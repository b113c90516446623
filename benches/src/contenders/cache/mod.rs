//! Caches whose entries expire: reads and writes, the slow ones, hit ratios, memory.

mod peers;
mod slow;
mod traces;
mod workloads;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use slow::{Call, Trouble, slow};
use traces::Trace;
use workloads::{hit_ratio, memory, mixed};

pub use peers::{Cached, DashMap, Locked, Moka, Papaya, QuickCache};
pub use ttl_cache::Cache;

/// What the command line calls this family.
pub const FAMILY: &str = "cache";

/// How many entries there are where time is taken.
pub const ENTRIES: usize = 100_000;

/// A cache of numbers whose entries expire.
pub trait Store: Send + Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Whether entries may have times to live of their own.
    const EXPIRES_BY_ENTRY: bool = true;
    /// An empty one, with room for this many if it is bounded, whose entries live for a minute.
    fn new(capacity: usize) -> Self;
    /// The value, unless it has expired.
    fn get(&self, key: u64) -> Option<u64>;
    /// Puts a value in.
    fn set(&self, key: u64, value: u64);
    /// Puts a value in that expires in 30 ms, where that can be said of one entry.
    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.set(key, value);
    }
}

/// Calls a generic function for each cache: one list for tables and criterion.
#[macro_export]
macro_rules! caches {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::cache::*;
        [
            $each::<Cache<u64, u64>>($($argument),*),
            $each::<Moka>($($argument),*),
            $each::<Cached>($($argument),*),
            $each::<QuickCache>($($argument),*),
            $each::<Papaya>($($argument),*),
            $each::<DashMap>($($argument),*),
            $each::<Locked>($($argument),*),
        ]
    }};
}

/// The cases of reads and writes for each number of threads, and the others.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let case = |name: String, unit, contenders: Vec<Contender>| Case {
        family: FAMILY,
        name,
        unit,
        full_only: false,
        contenders,
    };
    let of = |threads: usize| format!("{threads} thread{}", if threads == 1 { "" } else { "s" });
    let mut cases = Vec::new();
    for &threads in threads {
        let unit = Unit::Nanoseconds { threads };
        let contenders = caches!(mixed(threads, 0)).into();
        cases.push(case(format!("get, {}", of(threads)), unit, contenders));
        let contenders = caches!(mixed(threads, 50)).into();
        cases.push(case(format!("50/50, {}", of(threads)), unit, contenders));
    }
    for (trouble, when) in [(Trouble::Growth, "it grows"), (Trouble::Expiry, "entries expire")] {
        for (call, what) in [(Call::Get, "get"), (Call::Set, "set")] {
            let contenders = caches!(slow(trouble, call)).into();
            let unit = Unit::Nanoseconds { threads: 1 };
            cases.push(case(format!("p99.9 of {what} while {when}"), unit, contenders));
        }
    }
    for (trace, what) in [(Trace::Zipf, "Zipf 0.99"), (Trace::Scans, "Zipf 0.99 and scans")] {
        let contenders = bounded(trace);
        cases.push(case(format!("hit ratio, {what}"), Unit::Percent, contenders));
    }
    cases.push(case("memory an entry".to_owned(), Unit::Bytes, caches!(memory()).into()));
    cases
}

fn bounded(trace: Trace) -> Vec<Contender> {
    vec![
        hit_ratio::<Cache<u64, u64>>(trace),
        hit_ratio::<Moka>(trace),
        hit_ratio::<QuickCache>(trace),
    ]
}

/// What a cache is to reach.
pub const GOALS: &[Goal] = &[
    goal("get, 1 thread", &["moka"], 5.0),
    goal("get, 2 threads", &["moka"], 5.0),
    goal("50/50, 1 thread", &["moka"], 8.0),
    goal("50/50, 2 threads", &["moka"], 8.0),
    goal("get, 1 thread", &["cached"], 1.5),
    goal("get, 2 threads", &["cached"], 1.5),
    goal("50/50, 1 thread", &["cached"], 1.5),
    goal("50/50, 2 threads", &["cached"], 1.5),
    goal("get, 1 thread", &["quick_cache"], 1.0),
    goal("get, 2 threads", &["quick_cache"], 1.0),
    goal("50/50, 1 thread", &["quick_cache"], 1.0),
    goal("50/50, 2 threads", &["quick_cache"], 1.0),
    goal("get, 1 thread", &["papaya"], 0.95),
    goal("get, 2 threads", &["papaya"], 0.95),
    goal("50/50, 1 thread", &["papaya"], 1.3),
    goal("50/50, 2 threads", &["papaya"], 1.3),
    goal("get, 2 threads", &["dashmap"], 1.2),
    goal("50/50, 2 threads", &["dashmap"], 1.2),
];

const fn goal(case: &'static str, peers: &'static [&'static str], ratio: f64) -> Goal {
    Goal { family: FAMILY, case, ours: "Cache", peers, bound: Bound::SpeedAtLeast(ratio) }
}
