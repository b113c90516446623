//! Queues of many producers and consumers: a pair on one thread, streams, batches, a round trip, and
//! the slowest calls.

mod channels;
mod ours;
mod peers;
mod shared;
mod slowest;
mod workloads;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use core::{hint::black_box, ops::Range};
use slowest::{Worst, slowest};
use workloads::{batches, pair, round_trip, stream};

pub use ours::{ByHandle, ByThread};
pub use peers::{
    ArrayQueue, ConcurrentQueue, Crossfire, Flume, Kanal, Lfqueue, Nolock, Parkring, SegQueue,
    SyncChannel, SyncChannelHand, ThingBuf,
};
pub use shared::{Plain, Shared};

/// What the command line calls this family.
pub const FAMILY: &str = "mpmc";

/// What goes through the queues: a number, or a number and what makes it 256 bytes long.
pub trait Item: Copy + Default + Send + Sync + Unpin + 'static {
    /// The item that stands for `number`.
    fn new(number: u64) -> Self;
    /// Its number.
    fn number(self) -> u64;
    /// Whether it is what [`new`](Self::new) made.
    fn is_whole(&self) -> bool;
}

impl Item for u64 {
    #[inline]
    fn new(number: u64) -> Self {
        number
    }

    #[inline]
    fn number(self) -> u64 {
        self
    }

    fn is_whole(&self) -> bool {
        true
    }
}

/// An item of 256 bytes.
pub type Wide = [u64; 32];

impl Item for Wide {
    #[inline]
    fn new(number: u64) -> Self {
        [number; 32]
    }

    #[inline]
    fn number(self) -> u64 {
        // All of it is moved, also where the compiler sees that only one word is looked at.
        black_box(&self)[0]
    }

    fn is_whole(&self) -> bool {
        self.iter().all(|word| *word == self[0])
    }
}

/// A queue of many producers and consumers.
pub trait Queue<T: Item>: Send + Sync + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// Whether more than one thread may pop.
    const MANY_CONSUMERS: bool = true;
    /// What a thread pushes and pops by.
    type Hand<'q>: Hand<T>;
    /// A queue that holds at least `capacity` items.
    fn queue(capacity: usize) -> Self;
    /// A hand for the calling thread.
    fn hand(&self) -> Self::Hand<'_>;
}

/// What a thread pushes and pops by.
pub trait Hand<T: Item> {
    /// Whether there was room.
    fn push(&mut self, item: T) -> bool;

    /// The oldest item.
    fn pop(&mut self) -> Option<T>;

    /// Pushes the items of these numbers until one does not fit; tells how many did.
    #[inline]
    fn push_many(&mut self, numbers: Range<u64>) -> u64 {
        push_each(numbers, |item| self.push(item))
    }

    /// Pops about `most` items, or what there is; tells how many.
    #[inline]
    fn pop_many(&mut self, most: usize, each: impl FnMut(T)) -> u64 {
        count(core::iter::from_fn(|| self.pop()).take(most), each)
    }
}

/// Pushes item by item until one does not fit; tells how many did.
#[inline]
fn push_each<T: Item>(mut numbers: Range<u64>, mut push: impl FnMut(T) -> bool) -> u64 {
    let start = numbers.start;
    let end = numbers.end;
    numbers.find(|&number| !push(T::new(number))).unwrap_or(end) - start
}

/// Hands each item on and counts them.
#[inline]
fn count<T>(items: impl Iterator<Item = T>, each: impl FnMut(T)) -> u64 {
    items.map(each).fold(0, |count, ()| count + 1)
}

/// Calls a generic function for each queue that any number of threads may pop from: one list for
/// tables and criterion.
#[macro_export]
macro_rules! queues {
    ($each:ident::<$item:ty>($($argument:expr),*)) => {{
        use $crate::contenders::mpmc::*;
        use mpmc_queue::ring::{LockFreeRing, WaitFreeRing};
        [
            $each::<$item, ByHandle<$item, LockFreeRing>>($($argument),*),
            $each::<$item, ByThread<$item, LockFreeRing>>($($argument),*),
            $each::<$item, ByHandle<$item, WaitFreeRing>>($($argument),*),
            $each::<$item, ByThread<$item, WaitFreeRing>>($($argument),*),
            $each::<$item, ArrayQueue<$item>>($($argument),*),
            $each::<$item, SegQueue<$item>>($($argument),*),
            $each::<$item, ConcurrentQueue<$item>>($($argument),*),
            $each::<$item, ThingBuf<$item>>($($argument),*),
            $each::<$item, Parkring<$item>>($($argument),*),
            $each::<$item, Nolock<$item>>($($argument),*),
            $each::<$item, Lfqueue<$item>>($($argument),*),
            $each::<$item, Kanal<$item>>($($argument),*),
            $each::<$item, Flume<$item>>($($argument),*),
            $each::<$item, Crossfire<$item>>($($argument),*),
        ]
    }};
}

/// The cases. Their numbers of threads are their own.
pub fn cases(_threads: &[usize]) -> Vec<Case> {
    let mut alone = Vec::from(queues!(pair::<u64>(1_024)));
    alone.push(pair::<u64, SyncChannel<u64>>(1_024));
    let mut trips = Vec::from(queues!(round_trip::<u64>()));
    trips.push(round_trip::<u64, SyncChannel<u64>>());
    let mut cases = vec![
        case("pair on one thread", ALONE, false, alone),
        case("round trip", ALONE, false, trips),
    ];
    for (capacity, digits) in [(1_024, "1,024"), (65_536, "65,536")] {
        for threads in [1, 2, 4, 8] {
            let name = format!("{threads} to {threads} through {digits}");
            let mut contenders = Vec::from(queues!(stream::<u64>(capacity, threads)));
            if threads == 1 {
                contenders.push(stream::<u64, SyncChannel<u64>>(capacity, threads));
            }
            let full_only = capacity > 1_024 && threads != 2;
            cases.push(case(&name, Unit::MillionsPerSecond, full_only, contenders));
        }
    }
    for threads in [1, 2, 4] {
        let name = format!("{threads} to {threads}, 256 bytes");
        let contenders = queues!(stream::<Wide>(1_024, threads)).into();
        cases.push(case(&name, Unit::MillionsPerSecond, threads != 2, contenders));
        let name = format!("{threads} to {threads}, batches of 64");
        let contenders = queues!(batches::<u64>(64, threads)).into();
        cases.push(case(&name, Unit::MillionsPerSecond, threads != 2, contenders));
    }
    for (name, worst, full_only) in [
        ("p99.99 of a call, 4 to 4", Worst::OneInTenThousand, false),
        ("slowest call, 4 to 4", Worst::Slowest, true),
    ] {
        cases.push(case(name, ALONE, full_only, queues!(slowest::<u64>(worst)).into()));
    }
    cases.extend(channels::cases());
    cases
}

const ALONE: Unit = Unit::Nanoseconds { threads: 1 };

fn case(name: &str, unit: Unit, full_only: bool, contenders: Vec<Contender>) -> Case {
    Case { family: FAMILY, name: name.to_owned(), unit, full_only, contenders }
}

const QUEUE: &str = "Queue";
const WAIT_FREE: &str = "WaitFreeQueue";
const ARRAY: &[&str] = &["ArrayQueue"];
const SCQ: &[&str] = &["parkring SCQ", "nolock SCQ", "lfqueue SCQ"];
const OTHERS: &[&str] = &["concurrent-queue", "thingbuf"];

/// What both queues, by their handles, are to reach, and the channels over them.
const BOTH: &[[Goal; 2]] = &[
    both("pair on one thread", ARRAY, Bound::TimeAtMost(1.1)),
    both("2 to 2 through 1,024", ARRAY, Bound::SpeedAtLeast(1.0)),
    both("4 to 4 through 1,024", ARRAY, Bound::SpeedAtLeast(0.9)),
    both("round trip", ARRAY, Bound::TimeAtMost(1.2)),
    both("p99.99 of a call, 4 to 4", ARRAY, Bound::SpeedAtLeast(5.0)),
    both("pair on one thread", SCQ, Bound::SpeedAtLeast(2.0)),
    both("1 to 1 through 1,024", SCQ, Bound::SpeedAtLeast(2.0)),
    both("2 to 2 through 1,024", SCQ, Bound::SpeedAtLeast(2.0)),
    both("4 to 4 through 1,024", SCQ, Bound::SpeedAtLeast(2.0)),
    both("pair on one thread", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("round trip", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("1 to 1 through 1,024", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("2 to 2 through 1,024", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("4 to 4 through 1,024", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("8 to 8 through 1,024", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("2 to 2 through 65,536", OTHERS, Bound::SpeedAtLeast(1.0)),
    both("2 to 2, 256 bytes", OTHERS, Bound::SpeedAtLeast(1.0)),
    channels::both("channel, blocking, 2 to 2", &["crossfire"]),
    channels::both("channel, blocking, 4 to 4", &["crossfire"]),
    channels::both("channel, async, 2 to 2", &["kanal", "flume"]),
];

/// What a queue is to reach.
pub const GOALS: &[Goal] = BOTH.as_flattened();

const fn both(case: &'static str, peers: &'static [&'static str], bound: Bound) -> [Goal; 2] {
    [
        Goal { family: FAMILY, case, ours: QUEUE, peers, bound },
        Goal { family: FAMILY, case, ours: WAIT_FREE, peers, bound },
    ]
}
