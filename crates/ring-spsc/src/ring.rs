//! The slotted ring: each slot says whether it is full, and the two ends share nothing else.
//!
//! After `FastForward` (Giacomoni, Moseley and Vachharajani, "`FastForward` for Efficient Pipeline
//! Parallelism", `PPoPP` 2008), with the producer's look-ahead of `JCTools` (Wakart, 2013).
//!
//! # State
//!
//! ```text
//! slots   [ full? | value ]  [ full? | value ]  [ full? | value ]  ...   capacity of them
//!                              ^ consumer.head                ^ producer.tail
//! ```
//!
//! | `full` | the value is | belongs to | who changes it |
//! | --- | --- | --- | --- |
//! | false | absent | the producer | `publish` |
//! | true | present | the consumer | `take` |
//!
//! The producer keeps its tail, the consumer its head, each for itself: there is no shared index.
//! An item costs one line that travels from producer to consumer and, a lap later, back.
//!
//! # Invariants
//!
//! * I1. A slot with `full` false is the producer's, one with `full` true the consumer's, and only
//!   its owner touches the value or changes `full`.
//! * I2. The full slots are the places from head up to tail, around the circle: the producer fills
//!   at the tail only, in order, and the consumer empties at the head only, in order.
//! * I3. So if the slot `n` places ahead of the tail is empty, so are all before it, and they were
//!   emptied before it: seeing it empty is seeing all of them empty.
//! * I4. The slots from the tail up to the producer's `limit` are empty.
//!
//! # Progress and linearization
//!
//! | operation | steps, in accesses to shared words | linearizes at |
//! | --- | --- | --- |
//! | `push` | at most 3: two looks, one store | the store in `publish` |
//! | `push` that fails | 2 | the look at the tail's own slot |
//! | `pop` | 2 | the store in `take`; when it finds nothing, its look |
//! | `len` | at most log2(capacity) + 1 | a moment between its first look and its last |
//!
//! All are wait-free: neither end waits for the other, and one that stops leaves the other its
//! share of the slots.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | publish | `Slot::publish` | `Slot::is_published` | the value | `publish_*` |
//! | vacate | `Slot::take` | `Slot::is_vacant` | that the value has been read out, here and in all slots before (I3) | `vacate_*` |

use core::{mem::MaybeUninit, ptr::NonNull};

use lockfree_core::{
    const_unless_loom,
    sync::{
        AtomicBool,
        Ordering::{Acquire, Relaxed, Release},
        UnsafeCell,
    },
};

use crate::{state, storage::Layout};

/// One place of the ring.
#[derive(Debug)]
pub struct Slot<T> {
    full: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: I1: the value is touched by one end at a time, and moves from one thread to another.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { full: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
        }
    }

    /// Whether the slot is the producer's to fill.
    #[inline(always)]
    pub(crate) fn is_vacant(&self) -> bool {
        // Acquire [vacate]: pairs with `take`.
        !self.full.load(Acquire)
    }

    /// Fills the slot.
    ///
    /// # Safety
    /// The caller is the producer and knows the slot to be empty (I1).
    #[inline(always)]
    pub(crate) unsafe fn publish(&self, value: T) {
        // SAFETY: I1: the slot is empty and the producer's.
        self.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
        // Release [publish]: the value is visible to whoever sees the slot full.
        self.full.store(true, Release);
    }

    /// Whether the slot is the consumer's to empty.
    #[inline(always)]
    pub(crate) fn is_published(&self) -> bool {
        // Acquire [publish]: pairs with `publish`.
        self.full.load(Acquire)
    }

    /// Empties the slot.
    ///
    /// # Safety
    /// The caller is the consumer, or the last end alive, and knows the slot to be full (I1).
    #[inline(always)]
    pub(crate) unsafe fn take(&self) -> T {
        // SAFETY: I1: the slot is full and the caller's; that it is full ends with this call.
        let value = self.value.with(|place| unsafe { place.cast::<T>().read() });
        // Release [vacate]: the value has been read out for whoever sees the slot empty.
        self.full.store(false, Release);
        value
    }

    /// The value inside.
    ///
    /// # Safety
    /// As for [`take`](Self::take), for as long as the reference lives.
    pub(crate) unsafe fn value(&self) -> &T {
        // SAFETY: I1: the slot is full and the caller's.
        self.value.with(|place| unsafe { &*place.cast::<T>() })
    }

    /// The value inside, to be changed.
    ///
    /// # Safety
    /// As for [`take`](Self::take), for as long as the reference lives, and it is the only one.
    #[expect(clippy::mut_from_ref, reason = "the caller has the slot for itself")]
    pub(crate) unsafe fn value_mut(&self) -> &mut T {
        // SAFETY: I1: the slot is full and the caller's.
        self.value.with_mut(|place| unsafe { &mut *place.cast::<T>() })
    }

    /// Whether the slot is full, for counting only: touching the value takes one of the others.
    #[inline(always)]
    pub(crate) fn looks_full(&self) -> bool {
        // Relaxed: no value is touched on its account.
        self.full.load(Relaxed)
    }
}

/// The slots as an end sees them: by place, without the slice's bounds check.
pub(crate) struct Circle<T> {
    slots: NonNull<Slot<T>>,
    pub(crate) capacity: usize,
}

impl<T> Clone for Circle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Circle<T> {}

impl<T> Circle<T> {
    /// # Safety
    /// `slots` stay where they are for as long as the circle is used.
    pub(crate) unsafe fn of(slots: &[Slot<T>]) -> Self {
        Self { slots: NonNull::from(slots).cast(), capacity: slots.len() }
    }

    /// # Safety
    /// `place` is below the capacity.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, place: usize) -> &Slot<T> {
        // SAFETY: promised by the caller.
        let slot = unsafe { self.slots.add(place) };
        // SAFETY: promised to `of`.
        unsafe { slot.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn next(&self, place: usize) -> usize {
        state::next(place, self.capacity)
    }

    #[inline(always)]
    pub(crate) fn forward(&self, place: usize, steps: usize) -> usize {
        state::forward(place, steps, self.capacity)
    }

    #[inline(always)]
    pub(crate) fn backward(&self, place: usize, steps: usize) -> usize {
        state::backward(place, steps, self.capacity)
    }
}

impl<T> Layout for Slot<T> {
    type Marks = ();

    fn marks(_capacity: usize) {}

    fn empty() -> Self {
        Self::new()
    }

    unsafe fn sweep((): &(), slots: &[Self], place: usize) {
        /// The slots not yet looked at. Around the circle from either end's place, the first full
        /// one is the oldest (I2).
        struct Rest<'a, T> {
            slots: &'a [Slot<T>],
            place: usize,
            left: usize,
        }

        impl<T> Rest<'_, T> {
            fn drop_all(&mut self) {
                while self.left > 0 {
                    let slot = &self.slots[self.place];
                    self.place = state::next(self.place, self.slots.len());
                    self.left -= 1;
                    if slot.looks_full() {
                        // SAFETY: I1: the slot is full, and no other end is left.
                        drop(unsafe { slot.take() });
                    }
                }
            }
        }

        impl<T> Drop for Rest<'_, T> {
            fn drop(&mut self) {
                self.drop_all();
            }
        }

        Rest { slots, place, left: slots.len() }.drop_all();
    }
}
