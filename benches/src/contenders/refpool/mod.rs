//! Pools: threads that acquire a resource, touch it and release it.

mod kinds;
mod workloads;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};

pub use kinds::*;
pub use workloads::cycle;
use workloads::{cycles, hand_over};

/// What the command line calls this family.
pub const FAMILY: &str = "refpool";

/// What a pool holds: 256 bytes.
#[derive(Debug)]
pub struct Buffer(pub Box<[u8; 256]>);

impl Buffer {
    /// A new one, as a pool makes it.
    pub fn make() -> Self {
        Self(Box::new([0; 256]))
    }
}

/// What keeps resources, or makes them anew.
pub trait Pool: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// A resource that is out.
    type Handle<'p>;
    /// The same, on its way to whoever releases it.
    type Parcel<'p>: Send + From<Self::Handle<'p>>;
    /// A pool that keeps `resources`, all of them made.
    fn with(resources: usize) -> Self;
    /// Takes one out, or makes one.
    fn acquire(&self) -> Self::Handle<'_>;
    /// The bytes of one that is out.
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256];
    /// Gives one back.
    #[inline]
    fn release(&self, parcel: Self::Parcel<'_>) {
        drop(parcel);
    }
}

/// Calls a generic function for each contender: one list for tables and criterion.
#[macro_export]
macro_rules! pools {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::refpool::*;
        [
            $each::<Ours>($($argument),*),
            $each::<OursOwned>($($argument),*),
            $each::<OursStrict>($($argument),*),
            $each::<Linear>($($argument),*),
            $each::<OPool>($($argument),*),
            $each::<ObjectPool>($($argument),*),
            $each::<Slab>($($argument),*),
            $each::<NoPool>($($argument),*),
            $each::<Locked>($($argument),*),
        ]
    }};
}

/// Resources in a pool that is large enough for everybody.
const PLENTY: usize = 64;

/// The workloads; `threads` for those that take any number.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let case = |name: String, unit, full_only, contenders: Vec<Contender>| Case {
        family: FAMILY,
        name,
        unit,
        full_only,
        contenders,
    };
    let private = |&threads: &usize| {
        let name = format!("cycle, {threads} thread{}", if threads == 1 { "" } else { "s" });
        let contenders = pools!(cycles(threads, PLENTY)).into();
        case(name, Unit::Nanoseconds { threads }, false, contenders)
    };
    let mut cases: Vec<_> = threads.iter().map(private).collect();
    if !threads.contains(&4) {
        cases.push(private(&4));
    }
    let contended = pools!(cycles(4, 2)).into();
    cases.push(case(
        "cycle, 4 threads, 2 resources".to_owned(),
        Unit::Nanoseconds { threads: 4 },
        false,
        contended,
    ));
    let handed = pools!(hand_over()).into();
    let name = "released on another thread".to_owned();
    cases.push(case(name, Unit::MillionsPerSecond, false, handed));
    cases
}

/// What a pool is to reach.
pub const GOALS: &[Goal] = &[
    goal("cycle, 1 thread", &["lockfree-object-pool"], 1.7),
    goal("cycle, 1 thread", &["opool"], 2.5),
    goal("cycle, 1 thread", &["object-pool"], 3.5),
    goal("cycle, 1 thread", &["Arc, no pool"], 2.0),
    goal("cycle, 2 threads", &["lockfree-object-pool"], 5.0),
    goal("cycle, 2 threads", &["sharded-slab"], 2.4),
    goal("released on another thread", &["parking_lot Mutex<Vec>"], 1.0),
];

const fn goal(case: &'static str, peers: &'static [&'static str], bound: f64) -> Goal {
    Goal { family: FAMILY, case, ours: "Pool", peers, bound: Bound::SpeedAtLeast(bound) }
}
