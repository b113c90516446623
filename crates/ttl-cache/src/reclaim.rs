//! Reclamation: what was put out of reach is freed once nobody can be looking at it.
//!
//! After hazard eras (Ramalhete and Correia, 2017) and interval-based reclamation (Wen et al.,
//! 2018). Each object knows the era of its birth, each reader announces the eras that it has seen.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `era` | counts batches of garbage and new blocks, from 1 |
//! | `lower`, for each thread slot | the era in which the session under way began; `NONE` while there is none |
//! | `upper`, for each thread slot | the latest era that a session has seen, if that is later |
//! | `seen`, for each thread slot | the later one of these, for its thread |
//! | `purse`, for each thread slot | what its thread has retired since its last batch, and cells for its next entries |
//! | `claimed`, for each thread slot | whether another thread may have the purse |
//! | `sealed` | batches, each with the era that ended when it was sealed |
//! | `spare` | cells that a thread has freed and has no room for in its purse, for others |
//! | `waiting`, `due` | how much is sealed, and how much makes it worth a look |
//!
//! # Invariants
//!
//! * I1: an object's birth is an era read before the object could be reached.
//! * I2: what a batch sealed in era r holds was out of reach of new loads before the era moved past
//!   r.
//! * I3: whoever uses what `Session::load` gave, or what he loaded before `is_current`, has announced
//!   `lower..=upper` with birth <= upper, since the era is read again after the load and agrees with
//!   the last one announced; and if he could load it, lower <= r: an era above r was read from who moved it, and
//!   shows I2.
//!   This is so for what was in reach when it was loaded. A word inside of something that is itself
//!   out of reach may lead to what is freed already: who loads such a word must find out (`moving`,
//!   M2; `tables`, M3).
//! * I4: a batch's object is freed by one who has passed a heavy fence after it was sealed, and then has
//!   seen for each record that it has no session, or one with upper < birth or lower > r. An
//!   announcement that he has missed came before a light fence after his, and who loads after that
//!   sees I2.
//! * I5: `lower` stands while a session stands, and `upper` only grows; so what an operation has loaded
//!   stays good until its session ends. A session within a session shares its eras.
//! * I6: a purse belongs to its thread in a session in which that has found it not claimed; or to who
//!   has claimed it, has passed a heavy fence, and then has found no session.
//!
//! # The bound
//!
//! A thread that is stopped in a session keeps what was born no later than its `upper` and was not
//! freed when it stopped. An entry is as old as its block: so these are at most the blocks and tables
//! that were there at that moment, and those of the same era, which ends with each new block and each
//! batch: one a thread at most; however long it is stopped and whatever the others do. What lies in later blocks is freed. Beyond
//! that each purse holds fewer than a batch, and what waits in `sealed` is at most twice what could
//! not be freed at the last look, and some batches.
//!
//! # Progress and linearization
//!
//! A session begins and ends in a bounded number of steps. `load` repeats only if a batch was sealed
//! meanwhile. `retire` is lock-free; once in some batches it looks at all records. Who finds his purse
//! claimed does without.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | seal | the addition to `era` in `seal` | the load of `era` in `begin` | that the batch is out of reach (I2), to a session with a higher `lower` | `seal_shows_what_is_out_of_reach` |
//! | announce | the light fence in `announce` | the heavy fence in `collect` | of a session and the batches out of reach one is seen, a record of a first session too | `announce_keeps_what_is_read` |
//! | leave | the stores of `lower` | the looks at `lower` in `collect` and `empty` | that the sessions before are over, with what they read and did to the purse | `leave_lets_go_of_what_was_read` |
//! | claim | the light fence in `announce` | the heavy fence in `collect_all` | of a session and the claim one is seen | `claim_or_session_is_seen` |
//! | return | the store of `claimed` in `empty` | the look at it in `purse`, the exchange in `collect_all` | the purse as it was left | `returned_purse_is_whole`, `two_empty_one_purse` |

use core::{cell::Cell as OwnCell, mem};
use std::sync::Arc;

use lockfree_core::{
    Backoff, CachePadded,
    slots::{self, Lease, PerSlot, Registry},
    sync::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        UnsafeCell, fences_are_light, heavy_fence,
    },
};

use crate::{
    block::Heap,
    cells::{Freed, Spare},
    garbage::{Garbage, free_all},
    pile::Pile,
    session::Session,
    shape::Cell,
};

/// How much garbage is sealed at once.
pub(crate) const BATCH: usize = if cfg!(loom) { 2 } else { 128 };
/// How many batches make a look worth while, unless more could not be freed at the last one.
const BATCHES: usize = if cfg!(loom) { 1 } else { 8 };
/// Records for threads without a slot.
const SURPLUS: usize = if cfg!(loom) { 1 } else { 8 };
/// `lower` while there is no session.
pub(crate) const NONE: u64 = u64::MAX;

/// What a thread has at hand.
#[derive(Default)]
pub(crate) struct Purse {
    pub(crate) garbage: Vec<Garbage>,
    pub(crate) cells: Vec<Cell>,
}

struct Batch {
    era: u64,
    garbage: Vec<Garbage>,
}

/// Sessions and garbage of one structure. `T` is what each thread has beside.
pub(crate) struct Domain<T: Default> {
    pub(crate) era: CachePadded<AtomicU64>,
    waiting: CachePadded<AtomicUsize>,
    pub(crate) due: AtomicUsize,
    sealed: Pile<Batch>,
    pub(crate) spare: Pile<Spare>,
    records: PerSlot<Record<T>>,
    surplus: [CachePadded<Record<T>>; SURPLUS],
    leases: Registry<1>,
    pub(crate) fences_are_light: bool,
    pub(crate) heap: Arc<Heap>,
}

/// A read uses what comes first.
#[repr(C)]
pub(crate) struct Record<T> {
    pub(crate) lower: AtomicU64,
    pub(crate) upper: AtomicU64,
    pub(crate) claimed: AtomicBool,
    /// The latest era that a session has seen. Its thread's alone, as what follows.
    pub(crate) seen: OwnCell<u64>,
    /// Whether there is enough garbage to be worth a look once there is no session.
    pub(crate) collects: OwnCell<bool>,
    pub(crate) own: T,
    pub(crate) purse: UnsafeCell<Purse>,
}

// SAFETY: I6: the purse is one thread's at a time, and what is in it goes from thread to thread; `seen` and
// `collects` are looked at in sessions of the record's thread alone.
unsafe impl<T: Sync> Sync for Record<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Record<T> {}

impl<T: Default> Default for Record<T> {
    fn default() -> Self {
        Self {
            lower: AtomicU64::new(NONE),
            upper: AtomicU64::new(0),
            claimed: AtomicBool::new(false),
            seen: OwnCell::new(0),
            collects: OwnCell::new(false),
            own: T::default(),
            purse: UnsafeCell::new(Purse::default()),
        }
    }
}

impl<T: Default> Domain<T> {
    pub(crate) fn new(heap: Arc<Heap>) -> Self {
        Self {
            era: CachePadded::new(AtomicU64::new(1)),
            waiting: CachePadded::new(AtomicUsize::new(0)),
            due: AtomicUsize::new(BATCHES * BATCH),
            sealed: Pile::new(),
            spare: Pile::new(),
            records: PerSlot::new(),
            surplus: core::array::from_fn(|_| CachePadded::new(Record::default())),
            leases: Registry::new(SURPLUS),
            fences_are_light: fences_are_light(),
            heap,
        }
    }

    /// Runs `body` in a session of this thread.
    ///
    /// # Panics
    /// `body` does, or the drop of what is freed after it.
    #[inline]
    pub(crate) fn session<R>(&self, body: impl FnOnce(&Session<'_, T>) -> R) -> R {
        slots::with(|slot| {
            let (lease, record) = match slot {
                Some(slot) => (None, self.records.get(slot)),
                None => self.surplus_record(),
            };
            let session = Session::begin(self, record);
            // Run in one place, so that it is part of its caller.
            let result = body(&session);
            let collects = session.collects();
            drop(session);
            // First: a look has a session of its own, and so may the drop of what it frees.
            drop(lease);
            if collects {
                self.collect(true);
            }
            result
        })
    }

    /// For a thread without a slot: one of a few records, leased for a session. Waits where all are.
    #[cold]
    #[inline(never)]
    fn surplus_record(&self) -> (Option<Lease<'_, 1>>, &Record<T>) {
        let backoff = Backoff::new();
        loop {
            if let Some(lease) = self.leases.lease() {
                let record = &*self.surplus[lease.index()];
                return (Some(lease), record);
            }
            backoff.snooze();
        }
    }

    fn records(&self) -> impl Iterator<Item = &Record<T>> {
        self.records.iter().chain(self.surplus.iter().map(|record| &**record))
    }

    /// What each thread has beside.
    pub(crate) fn owned(&self) -> impl Iterator<Item = &T> {
        self.records().map(|record| &record.own)
    }

    /// Frees what can be freed, also what is in the purses of threads that have no session; and the
    /// blocks that nothing is left in.
    pub(crate) fn collect_all(&self) {
        let is_ours = |record: &&Record<T>| {
            // Acquire [return]: the purse as the last one left it who had claimed it.
            // Relaxed: somebody else empties it.
            record.claimed.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        };
        let claimed: Vec<&Record<T>> = self.records().filter(is_ours).collect();
        // SeqCst [claim]: a session that is not seen below sees the claim.
        let is_safe = heavy_fence(SeqCst);
        let mut purses = Purse::default();
        for record in claimed {
            record.empty(is_safe, &mut purses);
        }
        if !purses.garbage.is_empty() {
            self.seal(purses.garbage);
        }
        self.give_back(purses.cells);
        self.collect(false);
        self.give_back(self.spare_cells());
        // SAFETY: a heap is closed with its domain.
        unsafe { self.heap.free_idle() }
    }

    /// Lays a batch down; how much waits then.
    pub(crate) fn seal(&self, garbage: Vec<Garbage>) -> usize {
        let count = garbage.len();
        // Relaxed: a figure.
        let waiting = self.waiting.fetch_add(count, Relaxed) + count;
        // Release [seal]: whoever reads the next era sees the batch out of reach.
        let era = self.era.fetch_add(1, Release);
        self.sealed.lay(Batch { era, garbage });
        waiting
    }

    /// Frees what can be freed of what is sealed; if this thread `keeps` the cells, some are for its
    /// next entries.
    #[cold]
    #[inline(never)]
    fn collect(&self, keeps: bool) {
        let batches: Vec<Batch> = self.sealed.take().collect();
        if batches.is_empty() {
            return;
        }
        let taken = batches.iter().map(|batch| batch.garbage.len()).sum();
        // Relaxed: a figure. Who seals meanwhile is not to look as well.
        self.waiting.fetch_sub(taken, Relaxed);
        // SeqCst [announce]: a session that is not seen below sees the batches out of reach.
        let is_safe = heavy_fence(SeqCst);
        let look = |record: &Record<T>| {
            // Acquire [leave]: sessions before the one that it shows are over.
            let lower = record.lower.load(Acquire);
            // Relaxed: what is missed here does not see the batches.
            (lower != NONE).then(|| (lower, lower.max(record.upper.load(Relaxed))))
        };
        let sessions: Vec<(u64, u64)> = self.records().filter_map(look).collect();
        let (mut kept, mut free) = (0, Vec::new());
        for Batch { era, garbage } in batches {
            let is_looked_at = |one: &Garbage| {
                sessions.iter().any(|&(lower, upper)| lower <= era && one.birth() <= upper)
            };
            let (looked_at, others) = match is_safe {
                true if sessions.iter().all(|&(lower, _)| lower > era) => (Vec::new(), garbage),
                true => garbage.into_iter().partition(is_looked_at),
                false => (garbage, Vec::new()),
            };
            kept += looked_at.len();
            free.push(others);
            if !looked_at.is_empty() {
                // Relaxed: a figure; before who takes the batch subtracts it.
                self.waiting.fetch_add(looked_at.len(), Relaxed);
                self.sealed.lay(Batch { era, garbage: looked_at });
            }
        }
        // Relaxed: a figure.
        self.due.store(2 * kept + BATCHES * BATCH, Relaxed);
        let mut freed = Freed { domain: self, keeps, cells: Vec::with_capacity(taken - kept) };
        // Last: a user's drop may panic.
        free_all(free.into_iter().flatten(), &mut freed.cells);
    }
}
impl<T> Record<T> {
    /// Takes what is in the purse, if that may be done, and gives up the claim.
    fn empty(&self, is_safe: bool, into: &mut Purse) {
        // Acquire [leave]: what the thread has put into it.
        if is_safe && self.lower.load(Acquire) == NONE {
            // SAFETY: I6.
            let Purse { garbage, cells } =
                self.purse.with_mut(|purse| mem::take(unsafe { &mut *purse }));
            into.garbage.extend(garbage);
            into.cells.extend(cells);
        }
        // Release [return]: the purse as it is now.
        self.claimed.store(false, Release);
    }
}

impl<T: Default> Drop for Domain<T> {
    /// Frees what waits.
    fn drop(&mut self) {
        // SAFETY: the domain ends, and nobody takes cells any more.
        unsafe { self.heap.close() }
        let mut purses = Purse::default();
        self.records().for_each(|record| record.empty(true, &mut purses));
        purses.cells.extend(self.spare_cells());
        let sealed = self.sealed.take().flat_map(|batch| batch.garbage);
        let garbage = purses.garbage.into_iter().chain(sealed);
        let mut freed = Freed { domain: self, keeps: false, cells: purses.cells };
        free_all(garbage, &mut freed.cells);
    }
}
