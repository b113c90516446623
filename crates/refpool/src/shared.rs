//! What a pool and its handles share: the table of slots, who searches it, and what becomes of a
//! resource that comes back.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `slots` | a slot for each resource that is kept, then one for each bounded extra one |
//! | `used` | slots from there on were never used |
//! | `closed` | set once |
//! | `keepers` | pools and owned handles |
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
//! The search is wait-free, and so is all else but for what the user's code and the allocator do. It
//! looks for a resource: first in the slot where the thread last found one, then in each that was ever
//! used, from there on, then in the others; so resources that were not needed yet are not touched. If
//! that was in vain and it has seen room, it looks for that, in each slot once more. A look is at most 2
//! accesses, of which a failed exchange means that another thread has claimed that slot.
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
    sync::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    wait::WaitQueue,
};

use crate::{
    count::RefCount,
    hint,
    slot::{Found, Kind, Passed, Slot},
    state::slot::Wanted,
    stats::Stats,
    tally::Tally,
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
    used: CachePadded<AtomicUsize>,
    tally: CachePadded<Tally>,
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
            used: CachePadded::new(AtomicUsize::new(0)),
            tally: CachePadded::new(Tally::of(made)),
        }
    }

    /// A slot that the caller owns, with a resource inside; none if all are taken and no extra one
    /// may be made.
    #[inline]
    pub(crate) fn obtain(&self) -> Option<NonNull<Slot<T>>> {
        let Some((slot, found)) = self.claim() else {
            return (!self.bounded).then(|| self.make_apart());
        };
        if found != Found::Resource || self.hooks.validate.is_some() {
            self.prepare(slot, found);
        }
        slot.count_use();
        Some(NonNull::from(slot))
    }

    #[inline]
    fn claim(&self) -> Option<(&Slot<T>, Found)> {
        let hinted = hint::get(self.number);
        if let Some(slot) = self.slots.get(hinted)
            && slot.claim_expected()
        {
            return Some((&**slot, Found::Resource));
        }
        self.search(hinted.wrapping_add(1))
    }

    /// Looks for a resource, at slots that were used first, and then for room.
    #[cold]
    fn search(&self, start: usize) -> Option<(&Slot<T>, Found)> {
        // Relaxed: says only where to look first.
        let used = self.used.load(Relaxed);
        let start = start.min(used);
        let mut room = false;
        for index in (start..used).chain(0..start).chain(used..self.slots.len()) {
            match self.slots[index].claim(Wanted::Resource) {
                Ok(found) => return Some(self.found(index, found)),
                Err(passed) => room |= passed == Passed::Room,
            }
        }
        let mut rest = if room { 0..self.slots.len() } else { 0..0 };
        rest.find_map(|index| {
            let found = self.slots[index].claim(Wanted::ResourceOrRoom).ok()?;
            Some(self.found(index, found))
        })
    }

    /// A slot that a search has claimed: the thread will look here first.
    fn found(&self, index: usize, found: Found) -> (&Slot<T>, Found) {
        hint::set(self.number, index);
        let slot = &*self.slots[index];
        let is_first_use = slot.uses() == 0;
        if is_first_use {
            // Relaxed: as in the search.
            self.used.fetch_max(index + 1, Relaxed);
        }
        let untouched = is_first_use && found == Found::Resource;
        (slot, if untouched { Found::Untouched } else { found })
    }

    /// Sees to it that a resource is inside that may be handed out. The caller owns the slot.
    #[cold]
    fn prepare(&self, slot: &Slot<T>, found: Found) {
        if found == Found::Room || !self.is_valid(slot) {
            self.fill(slot);
            self.tally.is_needed();
        } else if found == Found::Untouched {
            self.tally.is_needed();
        }
    }

    /// Whether the resource may be handed out. If not, it was dropped.
    fn is_valid(&self, slot: &Slot<T>) -> bool {
        let Some(validate) = &self.hooks.validate else { return true };
        let lost = Lost { shared: self, slot };
        // SAFETY: I1: the caller owns the slot; I4: the resource is inside.
        let is_valid = validate(unsafe { slot.get_mut() });
        mem::forget(lost);
        if !is_valid {
            let vacant = Vacant { shared: self, slot };
            // SAFETY: I1, I4: as above; the caller fills the slot.
            drop(unsafe { self.take_out(slot) });
            mem::forget(vacant);
        }
        is_valid
    }

    /// Makes a resource in a slot that the caller owns and that has none.
    fn fill(&self, slot: &Slot<T>) {
        let vacant = Vacant { shared: self, slot };
        let resource = (self.hooks.make)();
        mem::forget(vacant);
        // SAFETY: I1: the caller owns the slot, which is empty.
        unsafe { slot.put(resource) };
        self.tally.made(slot.kind());
    }

    #[cold]
    fn make_apart(&self) -> NonNull<Slot<T>> {
        let slot = Box::new(Slot::apart((self.hooks.make)()));
        slot.count_use();
        self.tally.made(Kind::Apart);
        self.tally.is_needed();
        NonNull::from(Box::leak(slot))
    }

    /// The resource of a slot.
    ///
    /// # Safety
    /// The caller is the owner, it is inside, and the slot counts as empty from now on.
    unsafe fn take_out(&self, slot: &Slot<T>) -> T {
        if slot.uses() > 0 {
            self.tally.is_gone(slot.kind());
        }
        // SAFETY: by the caller.
        unsafe { slot.take() }
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
            self.tally.is_gone(Kind::Apart);
            // SAFETY: by the caller: nobody else has it, and it came out of a box.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
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
        let resource = unsafe { self.take_out(owned) };
        owned.leave(Found::Room);
        if owned.kind() == Kind::Apart {
            // SAFETY: by the caller: nobody else has it, and it came out of a box.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        } else {
            self.notify();
        }
        resource
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
        let mut stats = self.tally.stats(self.max);
        for slot in &self.slots {
            let figures = slot.figures();
            stats.acquired += figures.uses;
            stats.idle += usize::from(figures.idle);
            stats.in_use += usize::from(figures.in_use);
        }
        stats
    }
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
        drop(unsafe { shared.take_out(slot) });
    }
}
