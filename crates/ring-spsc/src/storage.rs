//! Where a ring lives: on the heap until its last end is gone, or in a place that outlives both ends.

use core::fmt;

#[cfg(feature = "alloc")]
pub(crate) use heap::Heap;
#[cfg(not(feature = "alloc"))]
pub(crate) use no_heap::Heap;

use crate::ends::{End, Ends};

/// What both ends of a ring share: which of them live, the words beside the slots, and the slots.
#[derive(Debug)]
pub struct Shared<E: Layout, B> {
    pub(crate) ends: Ends,
    pub(crate) marks: E::Marks,
    pub(crate) slots: B,
}

/// A kind of slot, and so of ring.
pub trait Layout: Sized {
    /// The words beside the slots.
    type Marks: fmt::Debug;

    /// The words beside `capacity` empty slots.
    fn marks(capacity: usize) -> Self::Marks;

    /// An empty slot.
    fn empty() -> Self;

    /// Drops what is left, oldest first; then the ring is as it was made. A panic in a drop does
    /// not keep the others from being dropped. `place` is where the caller's end stands.
    ///
    /// # Safety
    /// The caller is the last end alive.
    unsafe fn sweep(marks: &Self::Marks, slots: &[Self], place: usize);
}

/// How an end holds on to the shared part. Cannot be named, so it cannot be implemented, outside.
///
/// # Safety
/// `shared` and its slots stay where they are from construction until `release`.
pub unsafe trait Storage {
    /// One slot.
    type Slot: Layout;
    /// All of them.
    type Slots: AsRef<[Self::Slot]>;

    /// What both ends share.
    fn shared(&self) -> &Shared<Self::Slot, Self::Slots>;

    /// Gives the place back.
    ///
    /// # Safety
    /// The caller is the last end (E1), has emptied the ring, and does not touch it again.
    unsafe fn release(&self);
}

/// Ends `end`, which stands at `place`, and with the last one the ring.
pub(crate) fn leave<S: Storage>(storage: &S, end: End, place: usize) {
    /// Gives the place back, also when a value's drop panics.
    struct Release<'a, S: Storage>(&'a S);

    impl<S: Storage> Drop for Release<'_, S> {
        fn drop(&mut self) {
            // SAFETY: E1: this is the last end, which has swept the ring.
            unsafe { self.0.release() };
        }
    }

    let shared = storage.shared();
    if shared.ends.leave(end) {
        let _release = Release(storage);
        // SAFETY: E1: this is the last end.
        unsafe { S::Slot::sweep(&shared.marks, shared.slots.as_ref(), place) };
    }
}

#[cfg(feature = "alloc")]
mod heap {
    use alloc::boxed::Box;
    use core::{fmt, iter, ptr::NonNull};

    use super::{Ends, Layout, Shared, Storage};

    /// A ring of its own, freed by its last end.
    pub struct Heap<E: Layout>(NonNull<Shared<E, Box<[E]>>>);

    impl<E: Layout> Heap<E> {
        /// The two holds on one new ring.
        pub(crate) fn pair(capacity: usize) -> (Self, Self) {
            assert!(capacity > 0, "a ring has at least one slot");
            let shared = Box::new(Shared {
                ends: Ends::live(),
                marks: E::marks(capacity),
                slots: iter::repeat_with(E::empty).take(capacity).collect(),
            });
            let shared = NonNull::from(Box::leak(shared));
            (Self(shared), Self(shared))
        }
    }

    // SAFETY: the box is leaked until `release`.
    unsafe impl<E: Layout> Storage for Heap<E> {
        type Slot = E;
        type Slots = Box<[E]>;

        #[inline(always)]
        fn shared(&self) -> &Shared<E, Box<[E]>> {
            // SAFETY: the box lives until the last end releases it, and this end is not gone (E1).
            unsafe { self.0.as_ref() }
        }

        unsafe fn release(&self) {
            // SAFETY: the pointer came from a box, and this is the last end (E1).
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }

    impl<E: Layout> fmt::Debug for Heap<E> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Heap")
        }
    }
}

#[cfg(not(feature = "alloc"))]
mod no_heap {
    use core::marker::PhantomData;

    use super::{Layout, Shared, Storage};

    /// No ring lives on the heap where there is none: of this there is no value.
    #[derive(Debug)]
    pub struct Heap<E>(core::convert::Infallible, PhantomData<E>);

    // SAFETY: there is no value.
    unsafe impl<E: Layout> Storage for Heap<E> {
        type Slot = E;
        type Slots = [E; 0];

        fn shared(&self) -> &Shared<E, [E; 0]> {
            match self.0 {}
        }

        unsafe fn release(&self) {
            match self.0 {}
        }
    }
}
