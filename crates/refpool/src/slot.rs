//! The place of one resource, and the word that says whose it is: *the reference count is the free
//! list*.
//!
//! The idea that a free object needs no list when its own word says so is that of slab allocators
//! with a bit for each object (Bonwick, "The Slab Allocator", USENIX 1994); here the word counts on.
//!
//! # State
//!
//! | word | the resource | whose it is |
//! | --- | --- | --- |
//! | 0, `FREE` | inside | nobody's |
//! | 1, `LEAVING` | inside | its last holder's, who resets or drops it |
//! | n + 1 | inside; being made or checked if nobody has the handle yet | that of n references |
//! | `VACANT` | none | nobody's |
//!
//! ```text
//!              claim                  add_reference            leave_one
//!  FREE, VACANT ----> ONE = 2 <----> 3 <----> 4 ...        2 ----------> LEAVING = 1
//!       ^                |                                                   |
//!       +----------------+---------------------- vacate, give back ----------+
//! ```
//!
//! # Invariants
//!
//! * I1: a word goes from `FREE` or `VACANT` to `ONE` by one exchange, and who made it is the *owner*:
//!   until it gives references to others it alone touches the slot, and it alone writes `uses`.
//! * I2: only references add references. So the word of one that sees `ONE` stays `ONE` until it
//!   writes it itself: the way back needs no read-modify-write.
//! * I3: the reference that takes the word from `ONE` to `LEAVING`, or sees `ONE`, is the last, and owner
//!   again.
//! * I4: a word other than `VACANT` has a resource, but while an owner fills or empties the slot.
//!
//! # Progress and linearization
//!
//! Every operation is wait-free: `claim` 4 accesses, the others 1, `add_reference` 2 if refused. A
//! claim linearizes at its exchange, the end of a use at the store in `leave`.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | give-back | the store in `leave` | the exchange in `claim` | the slot as its owner leaves it: a resource that was reset, or none | `give_back_hands_on_what_was_reset`, `give_back_of_a_vacant_slot_hands_on_the_room` |
//! | last-out | `fetch_sub` in `leave_one` | the loads in `is_unique`, `fetch_sub` in `leave_one` | what the others did with the resource, to the last | `last_out_resets_after_every_other`, `last_out_gets_the_resource_after_every_other` |

use core::mem::MaybeUninit;

use lockfree_core::sync::{
    AtomicU64, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
    UnsafeCell,
};

use crate::state::slot::{FREE, LEAVING, ONE, VACANT, Wanted, is_claimable, may_grow, references};

/// What becomes of a slot's resource when its last reference goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It stays.
    Kept,
    /// It is dropped, and leaves room.
    Extra,
    /// It is dropped with its slot, which is in no table.
    Apart,
}

/// What lies in a slot that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A resource.
    Resource,
    /// One that was never handed out.
    Untouched,
    /// Nothing.
    Room,
}

/// Why a slot was not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// There was no resource in it.
    Room,
    /// It was another's.
    Taken,
}

#[derive(Debug)]
pub(crate) struct Slot<T> {
    word: AtomicUsize,
    uses: AtomicU64,
    kind: Kind,
    resource: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// A slot of the table, with a resource or without.
    pub(crate) fn new(kind: Kind, resource: Option<T>) -> Self {
        let word = if resource.is_some() { FREE } else { VACANT };
        Self::with(word, kind, resource.map_or_else(MaybeUninit::uninit, MaybeUninit::new))
    }

    /// A slot of its own, with one reference.
    pub(crate) fn apart(resource: T) -> Self {
        Self::with(ONE, Kind::Apart, MaybeUninit::new(resource))
    }

    fn with(word: usize, kind: Kind, resource: MaybeUninit<T>) -> Self {
        let (word, uses) = (AtomicUsize::new(word), AtomicU64::new(0));
        Self { word, uses, kind, resource: UnsafeCell::new(resource) }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Makes the calling thread the owner, with one reference, if nobody has the slot and there is in
    /// it what is wanted.
    #[inline]
    pub(crate) fn claim(&self, wanted: Wanted) -> Result<Found, Passed> {
        // Relaxed: a guess, which the exchange checks.
        let seen = self.word.load(Relaxed);
        if !is_claimable(seen, wanted) {
            return Err(if seen == VACANT { Passed::Room } else { Passed::Taken });
        }
        // Acquire [give-back]: the slot is as its last owner left it.
        // Relaxed: on failure another thread has it.
        match self.word.compare_exchange(seen, ONE, Acquire, Relaxed) {
            Ok(FREE) => Ok(Found::Resource),
            Ok(_) => Ok(Found::Room),
            Err(_) => Err(Passed::Taken),
        }
    }

    /// As [`claim`](Self::claim) of a resource, where one is expected: it does not look first.
    ///
    /// A load of the word right after this thread's store to it is what a processor may guess wrong,
    /// at the price of a restart; an exchange is not guessed.
    #[inline]
    pub(crate) fn claim_expected(&self) -> bool {
        // Acquire [give-back]: the slot is as its last owner left it.
        // Relaxed: on failure another thread has it, or there is no resource.
        self.word.compare_exchange(FREE, ONE, Acquire, Relaxed).is_ok()
    }

    /// Makes the calling thread the owner of an idle resource that is to be dropped.
    pub(crate) fn claim_to_clear(&self) -> bool {
        // Relaxed: a guess, which the exchange checks.
        let seen = self.word.load(Relaxed);
        // Acquire [give-back]: the slot is as its last owner left it.
        // Relaxed: on failure another thread has it.
        seen == FREE && self.word.compare_exchange(FREE, LEAVING, Acquire, Relaxed).is_ok()
    }

    /// Counts one use more. The caller is the owner.
    #[inline]
    pub(crate) fn count_use(&self) {
        let uses = self.uses();
        // Relaxed: a count, which publishes nothing.
        self.uses.store(uses + 1, Relaxed);
    }

    /// How often the slot was handed out.
    #[inline]
    pub(crate) fn uses(&self) -> u64 {
        // Relaxed: the owner's own (I1), or the last owner's, which came by the claim; to others a
        // snapshot.
        self.uses.load(Relaxed)
    }

    /// Adds a reference to those there are, of which the caller has one; false if that would be too
    /// many.
    #[inline]
    pub(crate) fn add_reference(&self) -> bool {
        // Relaxed: the caller's reference keeps the resource where it is, and showed it to the caller.
        let before = self.word.fetch_add(1, Relaxed);
        let added = may_grow(before);
        if !added {
            self.take_back();
        }
        added
    }

    #[cold]
    fn take_back(&self) {
        // Relaxed: takes back what this thread has just added, and was no reference.
        self.word.fetch_sub(1, Relaxed);
    }

    /// Whether the caller's reference is the only one: then the caller is the owner.
    #[inline]
    pub(crate) fn is_unique(&self) -> bool {
        // Acquire [last-out]: what the others did with the resource is visible.
        self.word.load(Acquire) == ONE
    }

    /// What [`leave_one`](Self::leave_one) needs of a slot.
    #[inline]
    pub(crate) fn word(&self) -> &AtomicUsize {
        &self.word
    }

    /// Takes the caller's reference away; true if it was the last: then the caller is the owner.
    ///
    /// Else another thread may free the slot before this returns: so it is lent the word alone, since
    /// only a reference to an atomic may outlive what it refers to.
    #[inline]
    pub(crate) fn leave_one(word: &AtomicUsize) -> bool {
        // AcqRel [last-out]: what this one did is visible to the last, who sees what all did.
        word.fetch_sub(1, AcqRel) == ONE
    }

    /// Ends the ownership, with a resource inside or without.
    #[inline]
    pub(crate) fn leave(&self, found: Found) {
        let word = if found == Found::Room { VACANT } else { FREE };
        // Release [give-back]: the next owner finds the slot as it is now.
        self.word.store(word, Release);
    }

    /// The resource.
    ///
    /// # Safety
    /// The caller has a reference, or is the owner, and one is inside.
    #[inline]
    pub(crate) unsafe fn get(&self) -> &T {
        self.resource.with(|resource| {
            // SAFETY: by the caller: nobody writes to it while there are references.
            let resource = unsafe { &*resource };
            // SAFETY: I4: it is inside.
            unsafe { resource.assume_init_ref() }
        })
    }

    /// The resource, alone.
    ///
    /// # Safety
    /// The caller is the owner for as long as the borrow lasts, and one is inside.
    #[expect(clippy::mut_from_ref, reason = "the word says who may")]
    #[inline]
    pub(crate) unsafe fn get_mut(&self) -> &mut T {
        self.resource.with_mut(|resource| {
            // SAFETY: by the caller: I1, I3: the owner alone touches it.
            let resource = unsafe { &mut *resource };
            // SAFETY: I4: it is inside.
            unsafe { resource.assume_init_mut() }
        })
    }

    /// Puts a resource into an empty slot.
    ///
    /// # Safety
    /// The caller is the owner, and none is inside.
    pub(crate) unsafe fn put(&self, resource: T) {
        // SAFETY: by the caller: I1: the owner alone touches it.
        self.resource.with_mut(|inside| unsafe { &mut *inside }.write(resource));
    }

    /// Takes the resource out.
    ///
    /// # Safety
    /// The caller is the owner, one is inside, and the slot counts as empty from now on.
    pub(crate) unsafe fn take(&self) -> T {
        self.resource.with_mut(|resource| {
            // SAFETY: by the caller: I1, I3: the owner alone touches it.
            let resource = unsafe { &*resource };
            // SAFETY: I4: it is inside; the caller lets nobody read it again.
            unsafe { resource.assume_init_read() }
        })
    }

    /// How many references there are, or whether the resource is idle: a snapshot.
    pub(crate) fn references(&self) -> usize {
        // Relaxed: a figure, which publishes nothing.
        references(self.word.load(Relaxed))
    }

    /// As the statistics have it: idle, in use, or without a resource; and how often it was used.
    pub(crate) fn figures(&self) -> Figures {
        // Relaxed: a snapshot.
        let word = self.word.load(Relaxed);
        Figures { idle: word == FREE, in_use: word != FREE && word != VACANT, uses: self.uses() }
    }
}

/// One slot in the statistics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) idle: bool,
    pub(crate) in_use: bool,
    pub(crate) uses: u64,
}

impl<T> Drop for Slot<T> {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        if self.word.load(Relaxed) != VACANT {
            // SAFETY: I4: inside; a reference that was forgotten is nobody's any more.
            drop(unsafe { self.take() });
        }
    }
}
