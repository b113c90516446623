//! Which of a ring's two ends live, and who takes the ring down.
//!
//! # State
//!
//! One word of three bits, written a few times in a ring's life:
//!
//! | bits | meaning |
//! | --- | --- |
//! | 0 | both ends live |
//! | `PRODUCER` or `CONSUMER` | that end is gone |
//! | both | both are gone; the later one is taking the ring down |
//! | `IDLE` | no end exists: a ring without allocation, before or between uses |
//!
//! # Invariants
//!
//! * E1. Each end leaves once; exactly one of them is told that it is the last.
//! * E2. What an end did before it left is visible to whoever sees it gone.
//! * E3. Two ends exist, or none: an idle ring is claimed as a pair.
//!
//! # Progress and linearization
//!
//! All operations are wait-free in one access.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | gone | `leave` | `is_gone`, `leave` of the last | all that the end did | `gone_*` |
//! | reuse | `retire` | `claim` | the teardown before an idle ring is used again | `reuse_*` |

use lockfree_core::{
    const_unless_loom,
    sync::{
        AtomicU8,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

/// One side of a ring.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum End {
    Producer = 1,
    Consumer = 2,
}

const LIVE: u8 = 0;
const IDLE: u8 = 4;

#[derive(Debug)]
pub(crate) struct Ends(AtomicU8);

impl Ends {
    const_unless_loom! {
        pub(crate) fn live() -> Self {
            Self(AtomicU8::new(LIVE))
        }
    }

    const_unless_loom! {
        pub(crate) fn idle() -> Self {
            Self(AtomicU8::new(IDLE))
        }
    }

    /// `end` is gone. True if it is the last, which then takes the ring down (E1).
    pub(crate) fn leave(&self, end: End) -> bool {
        // AcqRel [gone]: the other end, if it is the last, sees what this one did; and the reverse.
        self.0.fetch_or(end as u8, AcqRel) != LIVE
    }

    /// Whether `end` is gone. If so, all that it did is visible (E2).
    pub(crate) fn is_gone(&self, end: End) -> bool {
        // Acquire [gone]: pairs with `leave` of that end.
        self.0.load(Acquire) & end as u8 != 0
    }

    /// Takes an idle ring for a new pair of ends (E3).
    pub(crate) fn claim(&self) -> bool {
        // Acquire [reuse]: pairs with `retire` of the last user.
        // Relaxed: whoever fails learns nothing.
        self.0.compare_exchange(IDLE, LIVE, Acquire, Relaxed).is_ok()
    }

    /// Makes a ring idle that its last end has taken down.
    pub(crate) fn retire(&self) {
        // Release [reuse]: the teardown is over for whoever claims the ring.
        self.0.store(IDLE, Release);
    }
}
