//! What a pool and its handles share: the table of slots, who searches it, and what becomes of a
//! resource that comes back.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `slots` | a slot for each resource that is kept, then one for each bounded extra one |
//! | `tally.high` | slots above it were never used |
//! | `closed` | set once |
//! | `line` | who waits; only in a pool whose extra resources are bounded |
//!
//! # Invariants
//!
//! * P1: code of the user (`make`, `reset`, `validate`, `Drop`) runs on the owner of a slot, under a
//!   guard that, if it panics, leaves the slot vacant and so claimable.
//! * P2: in a pool whose extra resources are bounded, whoever makes a slot claimable notifies the line
//!   afterwards, once.
//!
//! # Progress and linearization
//!
//! The search is wait-free, and so is all else but for what the user's code and the allocator do:
//! first the slot that the thread's hint names, then each that was ever used, once, from there on;
//! then, if there is room in any of these or beyond them, each slot of the table once, in order. So
//! resources that were not needed yet are not touched. Each look is at most 2 accesses, of which a
//! failed exchange means that another thread has claimed that slot: 4 for each slot, and few more.
//!
//! A search that finds nothing saw each slot in use, one after the other: another thread may have
//! given back one that was passed already. That is no snapshot. Who waits joins the line before its
//! last search, so such a slot is found, or was followed by a notification (P2).
//!
//! # Orderings
//!
//! No edge of its own. Resources travel by the slots' *give-back* and *last-out*, wake-ups by the
//! line's *join-line*, and the whole is taken down by its last keeper by `RefCount`'s
//! *last-release*.

use alloc::boxed::Box;
use core::{mem, ptr::NonNull};

use lockfree_core::{
    CachePadded,
    sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    wait::WaitQueue,
};

use crate::{
    count::RefCount,
    hint,
    slot::{Found, Kind, Passed, Slot},
    state::slot::Wanted,
    stats::Stats,
};

type Make<T> = dyn Fn() -> T + Send + Sync;
type Reset<T> = dyn Fn(&mut T) + Send + Sync;
type Validate<T> = dyn Fn(&mut T) -> bool + Send + Sync;

/// The code of the user.
pub(crate) struct Hooks<T> {
    pub(crate) make: Box<Make<T>>,
    pub(crate) reset: Option<Box<Reset<T>>>,
    pub(crate) validate: Option<Box<Validate<T>>>,
}

pub(crate) struct Shared<T> {
    /// By it a thread finds its hint.
    number: usize,
    slots: Box<[CachePadded<Slot<T>>]>,
    max: usize,
    bounded: bool,
    closed: AtomicBool,
    hooks: Hooks<T>,
    /// Pools and owned handles.
    pub(crate) keepers: CachePadded<RefCount>,
    pub(crate) line: CachePadded<WaitQueue>,
    tally: CachePadded<Tally>,
}

/// What is rare enough to be counted in words that all share.
#[derive(Default)]
struct Tally {
    high: AtomicUsize,
    /// Resources made into slots of the table; those of them that are extra ones.
    made: AtomicU64,
    made_extra: AtomicU64,
    /// Extra resources with a slot of their own: made, gone, and the most there were.
    apart: AtomicU64,
    apart_gone: AtomicU64,
    apart_high: AtomicU64,
}

impl<T> Shared<T> {
    /// With one keeper.
    pub(crate) fn new(max: usize, extras: Option<usize>, eager: bool, hooks: Hooks<T>) -> Self {
        let kept = (0..max).map(|_| Slot::new(Kind::Kept, eager.then(|| (hooks.make)())));
        let extra = (0..extras.unwrap_or(0)).map(|_| Slot::new(Kind::Extra, None));
        let slots = kept.chain(extra).map(CachePadded::new).collect();
        let made = if eager { max as u64 } else { 0 };
        Self {
            slots,
            max,
            bounded: extras.is_some(),
            closed: AtomicBool::new(false),
            hooks,
            number: hint::number_of_a_new_pool(),
            keepers: CachePadded::new(RefCount::new()),
            line: CachePadded::new(WaitQueue::new()),
            tally: CachePadded::new(Tally { made: AtomicU64::new(made), ..Tally::default() }),
        }
    }

    /// A slot that the caller owns, with a resource inside; none if all are taken and no extra one
    /// may be made.
    #[inline]
    pub(crate) fn obtain(&self) -> Option<NonNull<Slot<T>>> {
        let Some((slot, found)) = self.claim() else {
            return (!self.bounded).then(|| self.make_apart());
        };
        if found == Found::Room || self.hooks.validate.is_some() {
            self.prepare(slot, found);
        }
        slot.count_use();
        Some(NonNull::from(slot))
    }

    #[inline]
    fn claim(&self) -> Option<(&Slot<T>, Found)> {
        let hinted = hint::get(self.number);
        if let Some(slot) = self.slots.get(hinted)
            && let Ok(found) = slot.claim(Wanted::Resource)
        {
            return Some((&**slot, found));
        }
        self.search(hinted.wrapping_add(1))
    }

    /// Looks at each slot that was ever used, `start` first, and then for room.
    #[cold]
    fn search(&self, start: usize) -> Option<(&Slot<T>, Found)> {
        // Relaxed: says only where a search may stop that has another chance.
        let used = self.tally.high.load(Relaxed);
        let mut room = used < self.slots.len();
        let claimed = |index: usize, found| {
            hint::set(self.number, index);
            Some((&*self.slots[index], found))
        };
        let (before, after) = (0..start.min(used), start.min(used)..used);
        for index in after.chain(before) {
            match self.slots[index].claim(Wanted::Resource) {
                Ok(found) => return claimed(index, found),
                Err(passed) => room |= passed == Passed::Room,
            }
        }
        if !room {
            return None;
        }
        for (index, slot) in self.slots.iter().enumerate() {
            if let Ok(found) = slot.claim(Wanted::ResourceOrRoom) {
                if index >= used {
                    // Relaxed: as above; and a figure, which publishes nothing.
                    self.tally.high.fetch_max(index + 1, Relaxed);
                }
                return claimed(index, found);
            }
        }
        None
    }

    /// Sees to it that a resource is inside that may be handed out. The caller owns the slot.
    #[cold]
    fn prepare(&self, slot: &Slot<T>, found: Found) {
        if found == Found::Resource {
            let Some(validate) = &self.hooks.validate else { return };
            let lost = Lost { shared: self, slot };
            // SAFETY: I1: the caller owns the slot; I4: the resource is inside.
            let is_valid = validate(unsafe { slot.get_mut() });
            mem::forget(lost);
            if is_valid {
                return;
            }
        }
        let vacant = Vacant { shared: self, slot };
        if found == Found::Resource {
            // SAFETY: I1, I4: as above; the guard counts the slot as empty.
            drop(unsafe { slot.take() });
        }
        let resource = (self.hooks.make)();
        mem::forget(vacant);
        // SAFETY: I1: the caller owns the slot, which is empty.
        unsafe { slot.put(resource) };
        // Relaxed: a figure, which publishes nothing.
        self.tally.made.fetch_add(1, Relaxed);
        if slot.kind() == Kind::Extra {
            // Relaxed: a figure, which publishes nothing.
            self.tally.made_extra.fetch_add(1, Relaxed);
        }
    }

    #[cold]
    fn make_apart(&self) -> NonNull<Slot<T>> {
        let slot = Box::new(Slot::apart((self.hooks.make)()));
        // Relaxed: a figure, which publishes nothing; too old, it makes the peak too high.
        let gone = self.tally.apart_gone.load(Relaxed);
        // Relaxed: as above.
        let made = self.tally.apart.fetch_add(1, Relaxed) + 1;
        // Relaxed: as above.
        self.tally.apart_high.fetch_max(made - gone, Relaxed);
        NonNull::from(Box::leak(slot))
    }

    /// Takes back a resource whose last reference has gone.
    ///
    /// # Safety
    /// The caller owns the slot, which is this pool's and has its resource inside, and does not touch
    /// it again.
    #[inline]
    pub(crate) unsafe fn put_back(&self, slot: NonNull<Slot<T>>) {
        // SAFETY: a slot lives as long as it has an owner.
        let owned = unsafe { slot.as_ref() };
        if owned.kind() != Kind::Kept || self.is_closed() {
            // SAFETY: by the caller.
            unsafe { self.retire(slot) };
            return;
        }
        if let Some(reset) = &self.hooks.reset {
            let lost = Lost { shared: self, slot: owned };
            // SAFETY: I3: the caller is the owner; I4: the resource is inside.
            reset(unsafe { owned.get_mut() });
            mem::forget(lost);
        }
        owned.leave(Found::Resource);
        self.notify();
    }

    /// Drops a resource, and its slot if that is in no table.
    ///
    /// # Safety
    /// As [`put_back`](Self::put_back).
    #[cold]
    unsafe fn retire(&self, slot: NonNull<Slot<T>>) {
        // SAFETY: a slot lives as long as it has an owner.
        let owned = unsafe { slot.as_ref() };
        if owned.kind() == Kind::Apart {
            // SAFETY: by the caller: nobody else has it, and it came out of a box.
            let slot = unsafe { Box::from_raw(slot.as_ptr()) };
            self.count_apart_gone();
            drop(slot);
        } else {
            drop(Lost { shared: self, slot: owned });
        }
    }

    /// Takes a resource out for good.
    ///
    /// # Safety
    /// As [`put_back`](Self::put_back).
    pub(crate) unsafe fn detach(&self, slot: NonNull<Slot<T>>) -> T {
        // SAFETY: a slot lives as long as it has an owner.
        let owned = unsafe { slot.as_ref() };
        // SAFETY: I3: the caller is the owner; I4: inside; empty from now on.
        let resource = unsafe { owned.take() };
        owned.leave(Found::Room);
        if owned.kind() == Kind::Apart {
            self.count_apart_gone();
            // SAFETY: by the caller: nobody else has it, and it came out of a box.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        } else {
            self.notify();
        }
        resource
    }

    fn count_apart_gone(&self) {
        // Relaxed: a figure, which publishes nothing.
        self.tally.apart_gone.fetch_add(1, Relaxed);
    }

    #[inline]
    fn notify(&self) {
        if self.bounded {
            self.line.notify_one();
        }
    }

    pub(crate) fn clear_idle(&self) -> usize {
        let idle = self.slots.iter().filter(|slot| slot.claim_to_clear());
        idle.map(|slot| drop(Lost { shared: self, slot })).count()
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Relaxed: it carries nothing; who waits looks after the line's fence.
        self.closed.load(Relaxed)
    }

    pub(crate) fn close(&self) -> bool {
        // Relaxed: as above.
        let was_closed = self.closed.swap(true, Relaxed);
        self.line.notify_all();
        self.clear_idle();
        !was_closed
    }

    pub(crate) fn stats(&self) -> Stats {
        let tally = &self.tally;
        // Relaxed: figures, which publish nothing. What is gone was made.
        let gone = tally.apart_gone.load(Relaxed);
        let apart = tally.apart.load(Relaxed); // Relaxed: as above.
        let apart_high = tally.apart_high.load(Relaxed); // Relaxed: as above.
        let high = tally.high.load(Relaxed); // Relaxed: as above.
        let made = tally.made.load(Relaxed); // Relaxed: as above.
        let made_extra = tally.made_extra.load(Relaxed); // Relaxed: as above.
        let mut stats = Stats {
            max: self.max,
            acquired: apart,
            created: made + apart,
            extra: made_extra + apart,
            in_use: count(apart.saturating_sub(gone)),
            idle: 0,
            high_water: high + count(apart_high),
        };
        for slot in &self.slots {
            let figures = slot.figures();
            stats.acquired += figures.uses;
            stats.idle += usize::from(figures.idle);
            stats.in_use += usize::from(figures.in_use);
        }
        stats
    }
}

/// A number of things that are in memory at once.
fn count(of: u64) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}

/// Leaves a slot vacant whose resource was lost, or was not made. The owner has it.
struct Vacant<'a, T> {
    shared: &'a Shared<T>,
    slot: &'a Slot<T>,
}

impl<T> Drop for Vacant<'_, T> {
    fn drop(&mut self) {
        self.slot.leave(Found::Room);
        self.shared.notify();
    }
}

/// Drops the resource of a slot of the table, and leaves the slot vacant, also if that drop panics.
/// The owner has it.
struct Lost<'a, T> {
    shared: &'a Shared<T>,
    slot: &'a Slot<T>,
}

impl<T> Drop for Lost<'_, T> {
    fn drop(&mut self) {
        let Self { shared, slot } = *self;
        let _vacant = Vacant { shared, slot };
        // SAFETY: I1, I3: only owners build this; I4: inside; the guard counts the slot as empty.
        drop(unsafe { slot.take() });
    }
}
