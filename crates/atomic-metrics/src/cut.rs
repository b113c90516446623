//! Shards of all threads, and cuts through them.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `phase` | the latest phase, from 1: its parity tells the bank that records go to |
//! | `shards` | a shard for each thread |
//! | `cuts` | held by who makes a cut; in it, what the readers of intervals have not taken yet |
//!
//! # Invariants
//!
//! * I1: the phase changes only under the lock of the cuts, and only grows.
//! * I2: a cut is, of each thread, the records up to one moment between its begin and its end. It begins with the
//!   shards that have not entered the phase: both banks at one moment. Of the others the idle bank is read, which
//!   is still (`shard` I3), then the phase changes, and the other bank is read once it is left alone.
//! * I3: a later cut has all that an earlier one has.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, the accesses of [`Shard::record`], 1 for the phase and 1 for the shard. A thread's first
//!   may allocate. Without a slot: lock-free, a lease besides.
//! * `cut`: a thread that is stopped anywhere holds it up nowhere. It tries again where a record was completed in
//!   a bank while that was read, and there such records end: an owner that is not in the phase completes the
//!   record that it is at and enters; one that was in the phase before it changed does the same with the next.
//! * `snapshot`: lock-free. A cut if no other is under way; else a reading of each shard, both banks at one
//!   moment, which is tried again if a record was completed meanwhile.
//! * `summary`: wait-free; 577 accesses for each shard at most, and one for each level of the tables.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | phase | change in `flip` | load in `record` | that the idle bank has been read, and what of it is reported | `phase_carries_what_was_reported` |
//!
//! That a shard passes from a thread to the next is the edge *hand-over* of [`lockfree_core::slots`].

use alloc::vec::Vec;
use std::sync::{PoisonError, TryLockError};

use lockfree_core::{
    Backoff, CachePadded, const_unless_loom,
    sync::{
        AtomicU64, Mutex,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{
    buckets::Detail,
    moments::Extremes,
    shard::{Shard, Total},
    sharded::Sharded,
    snapshot::Snapshot,
    state,
};

#[derive(Debug)]
pub(crate) struct Core<D: Detail> {
    phase: CachePadded<AtomicU64>,
    grid: D::Grid,
    shards: Sharded<Shard<D>>,
    cuts: Mutex<Cuts>,
}

/// What cuts keep for the readers of intervals: extremes that each has not taken yet.
#[derive(Debug)]
struct Cuts {
    readers: Vec<Option<Extremes>>,
}

impl<D: Detail> Core<D> {
    const_unless_loom! {
        pub(crate) fn new(grid: D::Grid) -> Self {
            Self {
                phase: CachePadded::new(AtomicU64::new(1)),
                grid,
                shards: Sharded::new(),
                cuts: Mutex::new(Cuts { readers: Vec::new() }),
            }
        }
    }

    pub(crate) const fn grid(&self) -> D::Grid {
        self.grid
    }

    #[inline]
    pub(crate) fn record(&self, value: f64) {
        self.shards.with_own(|own| {
            // Acquire [phase]: pairs with the change in `flip`.
            let phase = self.phase.load(Acquire);
            own.record(phase, self.grid, value);
        });
    }

    fn used(&self) -> impl Iterator<Item = &Shard<D>> {
        self.shards.iter().filter(|shard| shard.is_used())
    }

    /// All that was recorded before; of each thread, all up to one moment.
    pub(crate) fn snapshot(&self) -> Total<D> {
        let backoff = Backoff::new();
        loop {
            match self.cuts.try_lock() {
                Ok(mut cuts) => return self.cut(&mut cuts),
                Err(TryLockError::Poisoned(cuts)) => return self.cut(&mut cuts.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            if let Some(total) = self.glance() {
                return total;
            }
            backoff.snooze();
        }
    }

    /// As a cut, without a change of phase: where nobody completes a record meanwhile.
    fn glance(&self) -> Option<Total<D>> {
        let mut total = Total::new();
        for shard in self.used() {
            for part in shard.whole(self.grid)? {
                total.add(part);
            }
        }
        Some(total)
    }

    fn cut(&self, cuts: &mut Cuts) -> Total<D> {
        // Relaxed: it changes under this lock only.
        let phase = self.phase.load(Relaxed);
        let (recent, idle) = (state::bank(phase), state::bank(phase + 1));
        let mut cut = Total::new();
        let mut active = Vec::new();
        for shard in self.used() {
            let backoff = Backoff::new();
            loop {
                let entered = shard.has_entered(phase);
                if entered && let Some(part) = shard.still(self.grid, idle) {
                    shard.report(idle, part, &mut cut);
                    active.push(shard);
                    break;
                }
                if !entered && let Some(parts) = shard.whole(self.grid) {
                    for (bank, part) in parts.into_iter().enumerate() {
                        shard.report(bank, part, &mut cut);
                    }
                    break;
                }
                backoff.snooze();
            }
        }
        if !active.is_empty() {
            self.flip(phase);
        }
        for shard in active {
            let backoff = Backoff::new();
            let part = loop {
                if let Some(part) = shard.still(self.grid, recent) {
                    break part;
                }
                backoff.snooze();
            };
            shard.report(recent, part, &mut cut);
        }
        for reader in cuts.readers.iter_mut().flatten() {
            *reader = reader.with(cut.fresh);
        }
        cut
    }

    fn flip(&self, phase: u64) {
        // Release [phase]: our readings of the bank that is now written come first, and so does what we reported.
        // A swap, since it is visible to all when the next reading begins.
        self.phase.swap(phase + 1, Release);
    }

    /// Count, sum and extremes in a bounded number of steps.
    pub(crate) fn summary(&self) -> Snapshot {
        let mut total = Snapshot::EMPTY;
        self.used().for_each(|shard| total.merge(&shard.assume()));
        total
    }

    /// A new reader of intervals: its number. Its first interval is all that was ever recorded.
    pub(crate) fn enlist(&self) -> usize {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        let Snapshot { min, max, .. } = self.cut(&mut cuts).summary;
        let place = cuts.readers.iter().position(Option::is_none).unwrap_or(cuts.readers.len());
        if place == cuts.readers.len() {
            cuts.readers.push(None);
        }
        cuts.readers[place] = Some(Extremes { min, max });
        place
    }

    /// A cut, and the extremes of what this reader had in no cut before.
    pub(crate) fn take(&self, reader: usize) -> (Total<D>, Extremes) {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = self.cut(&mut cuts);
        let fresh = cuts.readers.get_mut(reader).and_then(Option::as_mut);
        let fresh = fresh.map_or(Extremes::NONE, |own| core::mem::replace(own, Extremes::NONE));
        (cut, fresh)
    }

    pub(crate) fn dismiss(&self, reader: usize) {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = cuts.readers.get_mut(reader) {
            *own = None;
        }
    }
}
