//! Shards of all threads, and cuts through them.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `shards` | a shard for each thread |
//! | `cuts` | held by who makes a cut; the extremes that are not noted yet |
//! | `readers` | extremes that each reader of intervals has not taken yet; held for no longer than to note them |
//!
//! # Invariants
//!
//! * I1: a cut is, of each thread, the records up to one moment between its begin and its end.
//! * I2: a later cut has all that an earlier one has.
//! * I3: what a cut has and no earlier one had is noted for each reader of intervals before the lock of the cuts is
//!   given back, or with a later cut, if somebody holds the readers: nobody waits for them but who comes to them or
//!   leaves.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, the accesses of [`Shard::record`], and 1 for the shard. A thread's first may allocate. Without
//!   a slot: lock-free, a lease besides.
//! * `cut`: that of each shard; a thread that is stopped anywhere holds it up nowhere.
//! * `snapshot`: lock-free. A cut if no other is under way; else a reading of each shard that no fold comes in the
//!   way of, tried until there is one of all.
//! * `take`: the same, but that it waits for another cut for a while first.
//! * `summary`: wait-free; 575 accesses for each shard at most, and one for each level of the tables.
//!
//! # Orderings
//!
//! None of its own: see [`shard`](crate::shard). That a shard passes from a thread to the next is the edge *hand-over*
//! of [`lockfree_core::slots`].

use alloc::vec::Vec;
use std::sync::{PoisonError, TryLockError};

use lockfree_core::{
    Backoff, const_unless_loom,
    sync::{Mutex, MutexGuard},
};

use crate::{
    buckets::Detail,
    moments::Extremes,
    shard::{Shard, Total},
    sharded::Sharded,
    snapshot::Snapshot,
};

/// How often a reader of intervals pauses for the cut, or the note, of another before it goes on beside it.
const PATIENCE: u32 = if cfg!(any(loom, stepped)) { 1 } else { 100 };

#[derive(Debug)]
pub(crate) struct Core<D: Detail> {
    grid: D::Grid,
    shards: Sharded<Shard<D>>,
    cuts: Mutex<Extremes>,
    readers: Mutex<Vec<Option<Extremes>>>,
}

impl<D: Detail> Core<D> {
    const_unless_loom! {
        pub(crate) fn new(grid: D::Grid) -> Self {
            Self {
                grid,
                shards: Sharded::new(),
                cuts: Mutex::new(Extremes::NONE),
                readers: Mutex::new(Vec::new()),
            }
        }
    }

    pub(crate) const fn grid(&self) -> D::Grid {
        self.grid
    }

    #[inline]
    pub(crate) fn record(&self, value: f64) {
        // What the rare ways need is looked up there.
        let grid = &self.grid;
        self.shards.with_own(move |own| own.record(grid, value));
    }

    fn used(&self) -> impl Iterator<Item = &Shard<D>> {
        self.shards.iter().filter(|shard| shard.is_used())
    }

    /// All that was recorded before; of each thread, all up to one moment.
    pub(crate) fn snapshot(&self) -> Total<D> {
        let backoff = Backoff::new();
        loop {
            if let Some(mut cuts) = self.try_cuts() {
                return self.cut(&mut cuts);
            }
            if let Some(total) = self.glance() {
                return total;
            }
            backoff.snooze();
        }
    }

    fn try_cuts(&self) -> Option<MutexGuard<'_, Extremes>> {
        at_once(&self.cuts)
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Option<Extremes>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As a cut, but unreported, and only where no fold comes in the way.
    fn glance(&self) -> Option<Total<D>> {
        let mut total = Total::new();
        for shard in self.used() {
            total.add(shard.whole(self.grid)?);
        }
        Some(total)
    }

    /// By who holds the lock of the cuts.
    fn cut(&self, unnoted: &mut Extremes) -> Total<D> {
        let mut cut = Total::new();
        self.used().for_each(|shard| cut.add(shard.cut(self.grid)));
        *unnoted = unnoted.with(cut.fresh);
        if let Some(mut readers) = at_once(&self.readers) {
            note(&mut readers, unnoted);
        }
        cut
    }

    /// Count, sum and extremes in a bounded number of steps.
    pub(crate) fn summary(&self) -> Snapshot {
        let mut total = Snapshot::EMPTY;
        self.used().for_each(|shard| total.merge(&shard.assume()));
        total
    }

    /// A new reader of intervals: its number.
    pub(crate) fn enlist(&self) -> usize {
        let mut readers = self.readers();
        let place = readers.iter().position(Option::is_none).unwrap_or(readers.len());
        if place == readers.len() {
            readers.push(None);
        }
        readers[place] = Some(Extremes::NONE);
        place
    }

    /// All that was recorded before, and the extremes of what came since this reader's last call: from this cut and
    /// those since. None if another reader does not end its cut or its note: then nobody knows what came since.
    pub(crate) fn take(&self, reader: usize) -> (Total<D>, Option<Extremes>) {
        let backoff = Backoff::new();
        for _ in 0..PATIENCE {
            if let Some(mut cuts) = self.try_cuts() {
                let cut = self.cut(&mut cuts);
                return (cut, self.noted(reader, &mut cuts));
            }
            backoff.snooze();
        }
        // What is noted up to here is in what is read from here on.
        let mut nothing = Extremes::NONE;
        self.noted(reader, &mut nothing);
        loop {
            if let Some(total) = self.glance() {
                return (total, None);
            }
            if let Some(mut cuts) = self.try_cuts() {
                return (self.cut(&mut cuts), None);
            }
            backoff.snooze();
        }
    }

    /// Takes what was noted for a reader, and what is to be; None if somebody does not let the readers go.
    fn noted(&self, reader: usize, unnoted: &mut Extremes) -> Option<Extremes> {
        let backoff = Backoff::new();
        let mut readers = (0..PATIENCE).find_map(|_| {
            let held = at_once(&self.readers);
            if held.is_none() {
                backoff.snooze();
            }
            held
        })?;
        note(&mut readers, unnoted);
        let own = readers.get_mut(reader)?.as_mut()?;
        Some(core::mem::replace(own, Extremes::NONE))
    }

    pub(crate) fn dismiss(&self, reader: usize) {
        if let Some(own) = self.readers().get_mut(reader) {
            *own = None;
        }
    }
}

/// The lock, unless somebody holds it.
fn at_once<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Notes extremes for each reader.
fn note(readers: &mut [Option<Extremes>], unnoted: &mut Extremes) {
    for reader in readers.iter_mut().flatten() {
        *reader = reader.with(*unnoted);
    }
    *unnoted = Extremes::NONE;
}

#[cfg(all(test, not(loom)))]
mod tests {
    use core::time::Duration;
    use std::{sync::mpsc, thread};

    use super::Core;
    use crate::moments::Extremes;

    /// Somebody who comes to the readers, leaves them or notes something, and is stopped there.
    #[test]
    fn a_reader_stopped_at_the_readers_blocks_nobody_and_loses_nothing() {
        let core = Core::<()>::new(());
        let reader = core.enlist();
        let _ = core.take(reader);
        core.record(7.0);
        let (done, taken) = mpsc::channel();
        let seen = thread::scope(|scope| {
            let held = core.readers();
            scope.spawn(|| {
                let counts = [core.snapshot().summary.count, core.take(reader).0.summary.count];
                done.send((counts, core.take(reader).1)).unwrap();
            });
            let seen = taken.recv_timeout(Duration::from_secs(20));
            drop(held);
            seen
        });
        assert_eq!(seen, Ok(([1, 1], None)), "it waits");
        // What could not be noted is with the next one.
        core.record(3.0);
        assert_eq!(core.take(reader).1, Some(Extremes { min: 3.0, max: 7.0 }));
        assert_eq!(core.take(reader).1, Some(Extremes::NONE));
    }
}
