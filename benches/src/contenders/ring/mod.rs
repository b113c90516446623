//! Single-producer single-consumer rings of `u64`: a pair on one thread, a stream and a round trip
//! across two, and slices.

mod floors;
mod kinds;
mod workloads;

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use workloads::{pair, round_trip, slices, stream};

pub use floors::{Halves, HalvesConsumer, HalvesSide, Mailbox, MailboxConsumer};
pub use kinds::{ArrayQueue, Contiguous, Heapless, InSlot, Nolock, Ringbuf, Rtrb, SyncChannel};

/// What the command line calls this family.
pub const FAMILY: &str = "ring";

/// A kind of ring.
pub trait Ring: 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// The side that pushes.
    type Producer: Push;
    /// The side that pops.
    type Consumer: Pop;
    /// A ring that holds `capacity` items, or one less.
    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer);
}

/// A producer.
pub trait Push: Send + 'static {
    /// Whether there was room.
    fn push(&mut self, item: u64) -> bool;
    /// Shows the consumer what it cannot see yet, where there is such a thing.
    fn flush(&mut self) {}
}

/// A consumer.
pub trait Pop: Send + 'static {
    /// The oldest item.
    fn pop(&mut self) -> Option<u64>;
}

/// A producer of slices.
pub trait PushSlice: Push {
    /// Copies in as many as there is room for, and tells how many.
    fn push_slice(&mut self, items: &[u64]) -> usize;
}

/// A consumer of slices.
pub trait PopSlice: Pop {
    /// Copies out as many as there are, and tells how many.
    fn pop_slice(&mut self, items: &mut [u64]) -> usize;
}

/// Calls a generic function for each ring: one list for tables and criterion.
#[macro_export]
macro_rules! rings {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::ring::*;
        [
            $each::<InSlot>($($argument),*),
            $each::<Contiguous>($($argument),*),
            $each::<Rtrb>($($argument),*),
            $each::<Ringbuf>($($argument),*),
            $each::<Nolock>($($argument),*),
            $each::<Heapless>($($argument),*),
            $each::<ArrayQueue>($($argument),*),
            $each::<SyncChannel>($($argument),*),
        ]
    }};
}

/// The same for those that take slices.
macro_rules! slice_rings {
    ($each:ident($($argument:expr),*)) => {
        [
            $each::<InSlot>($($argument),*),
            $each::<Contiguous>($($argument),*),
            $each::<Rtrb>($($argument),*),
            $each::<Ringbuf>($($argument),*),
        ]
    };
}

/// The cases. Their numbers of threads are their own.
pub fn cases(_threads: &[usize]) -> Vec<Case> {
    let case = |name: String, unit, contenders: Vec<Contender>| Case {
        family: FAMILY,
        name,
        unit,
        full_only: false,
        contenders,
    };
    let nanoseconds = Unit::Nanoseconds { threads: 1 };
    let mut cases =
        vec![case("pair on one thread".to_owned(), nanoseconds, rings!(pair(1_024)).into())];
    for (capacity, name) in [(1_024, "stream through 1,024"), (65_536, "stream through 65,536")] {
        let mut contenders = Vec::from(rings!(stream(capacity)));
        contenders.push(stream::<Halves>(capacity));
        cases.push(case(name.to_owned(), Unit::MillionsPerSecond, contenders));
    }
    let mut contenders = Vec::from(rings!(round_trip()));
    contenders.push(round_trip::<Mailbox>());
    cases.push(case("round trip".to_owned(), nanoseconds, contenders));
    for batch in [16, 64, 512] {
        let contenders = slice_rings!(slices(batch)).into();
        cases.push(case(format!("slices of {batch}"), Unit::MillionsPerSecond, contenders));
    }
    cases
}

const IN_SLOT: &str = "ring";
const CONTIGUOUS: &str = "contiguous::ring";
const SLICED: &[&str] = &["rtrb", "ringbuf"];

/// What a ring is to reach.
pub const GOALS: &[Goal] = &[
    goal("stream through 1,024", IN_SLOT, &["rtrb"], Bound::SpeedAtLeast(2.5)),
    goal("stream through 65,536", IN_SLOT, &["rtrb"], Bound::SpeedAtLeast(1.8)),
    goal("round trip", IN_SLOT, &["rtrb"], Bound::TimeAtMost(0.75)),
    goal("pair on one thread", IN_SLOT, &["rtrb"], Bound::TimeAtMost(0.85)),
    goal("stream through 1,024", IN_SLOT, &["ringbuf"], Bound::SpeedAtLeast(2.5)),
    goal("stream through 65,536", IN_SLOT, &["ringbuf"], Bound::SpeedAtLeast(2.5)),
    goal("slices of 16", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
    goal("slices of 64", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
    goal("slices of 512", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}
