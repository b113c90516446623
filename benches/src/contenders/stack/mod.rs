//! Stacks: pairs of push and pop, alone and contended, chains, fairness and slow calls.

mod kinds;
mod workloads;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use core::ops::Range;
use workloads::{chains, pairs, private, slow_call, slowest_thread};

pub use kinds::{Arrays, Bounded, Epoch, Lockfree, ParkingLot, Segments, StdMutex, Unbounded};

/// What the command line calls this family.
pub const FAMILY: &str = "stack";

/// What numbers are pushed to and popped from.
pub trait Stack: Send + Sync + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Whether it is a stack. A queue stands beside them.
    const LAST_FIRST: bool = true;
    /// An empty one, with room for [`ROOM`] numbers.
    fn stack() -> Self;
    /// Adds a number.
    fn push(&self, number: u64);
    /// Takes a number.
    fn pop(&self) -> Option<u64>;

    /// Adds these numbers, in one step if it can.
    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        numbers.for_each(|number| self.push(number));
    }

    /// Takes all numbers, in one step if it can; tells how many.
    #[inline]
    fn take_all(&self, each: impl FnMut(u64)) -> u64 {
        count(core::iter::from_fn(|| self.pop()), each)
    }
}

/// How many numbers each has room for.
pub const ROOM: usize = 65_536;

/// Hands each number on and counts them.
#[inline]
fn count(numbers: impl Iterator<Item = u64>, each: impl FnMut(u64)) -> u64 {
    numbers.map(each).fold(0, |count, ()| count + 1)
}

/// Calls a generic function for each stack: one list for tables and criterion.
#[macro_export]
macro_rules! stacks {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::stack::*;
        [
            $each::<Unbounded>($($argument),*),
            $each::<Bounded>($($argument),*),
            $each::<Epoch>($($argument),*),
            $each::<Lockfree>($($argument),*),
            $each::<StdMutex>($($argument),*),
            $each::<ParkingLot>($($argument),*),
            $each::<Segments>($($argument),*),
            $each::<Arrays>($($argument),*),
        ]
    }};
}

/// The cases. Their numbers of threads are their own.
pub fn cases(_threads: &[usize]) -> Vec<Case> {
    let ns = |threads| Unit::Nanoseconds { threads };
    let mut cases = vec![
        case("pair on one thread", ns(1), false, stacks!(pairs(1))),
        case("pairs, 2 threads", Unit::MillionsPerSecond, false, stacks!(pairs(2))),
        case("pairs, 4 threads", Unit::MillionsPerSecond, false, stacks!(pairs(4))),
    ];
    for threads in [2, 4] {
        let name = format!("pairs, a stack for each of {threads} threads");
        cases.push(case(&name, Unit::MillionsPerSecond, threads != 2, stacks!(private(threads))));
    }
    for threads in [1, 2, 4] {
        let name = format!("chains of 64 pushed, all taken, {threads} threads");
        let contenders = stacks!(chains(64, threads));
        cases.push(case(&name, Unit::MillionsPerSecond, threads == 4, contenders));
    }
    for threads in [2, 4] {
        let name = format!("the slowest of {threads} threads, pairs");
        cases.push(case(&name, ns(1), threads != 2, stacks!(slowest_thread(threads))));
        let name = format!("p99.9 of a call, {threads} threads");
        cases.push(case(&name, ns(1), threads != 4, stacks!(slow_call(threads))));
    }
    cases
}

fn case<const N: usize>(
    name: &str,
    unit: Unit,
    full_only: bool,
    contenders: [Contender; N],
) -> Case {
    Case { family: FAMILY, name: name.to_owned(), unit, full_only, contenders: contenders.into() }
}

const OURS: &str = "Stack";
const EPOCH: &[&str] = &["Treiber, crossbeam-epoch"];
const PARKING_LOT: &[&str] = &["parking_lot Mutex<Vec>"];

/// What ours is to reach.
pub const GOALS: &[Goal] = &[
    goal("pair on one thread", EPOCH, 4.0),
    goal("pairs, 2 threads", EPOCH, 5.0),
    goal("pairs, 2 threads", PARKING_LOT, 1.2),
];

const fn goal(case: &'static str, peers: &'static [&'static str], speed: f64) -> Goal {
    Goal { family: FAMILY, case, ours: OURS, peers, bound: Bound::SpeedAtLeast(speed) }
}
