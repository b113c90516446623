//! The contiguous ring: two indices, each cached by the other end.
//!
//! After Lamport ("Proving the Correctness of Multiprocess Programs", 1977); the caching after
//! `MCRingBuffer` (Lee, Bu and Chandranmenon, "A Lock-Free, Cache-Efficient Shared Ring Buffer for
//! Multi-Core Architectures", `ANCS` 2009).
//!
//! # State
//!
//! ```text
//! tail    [ position ]          one line, written by the producer
//! head    [ position ]          one line, written by the consumer
//! values  [ T ][ T ][ T ]...    capacity of them, side by side
//! ```
//!
//! Positions run through `0..2 * capacity`; the place of one is itself modulo the capacity. The
//! values from head up to tail are present.
//!
//! # Invariants
//!
//! * C1. `distance(head, tail) <= capacity`.
//! * C2. The places from tail up to head are the producer's, those from head up to tail the
//!   consumer's.
//! * C3. What an end has last seen of the other's index is behind the truth: it may believe in less
//!   than there is, never in more.
//!
//! # Progress and linearization
//!
//! All operations are wait-free: at most one load of the other's index and one store of one's own,
//! however many values move. They linearize at that store; one that finds too little, at the load.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | tail | `Marks::publish` | `Marks::seen_tail` | the values before it | `tail_and_head_*` |
//! | head | `Marks::vacate` | `Marks::seen_head` | that the values before it have been read out | `tail_and_head_*` |

use core::{mem::MaybeUninit, ops::Range, ptr::NonNull};

use lockfree_core::{
    CachePadded, const_unless_loom,
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        SliceCell, Witness,
    },
};

use crate::{state, storage::Layout};

/// The two indices.
#[derive(Debug)]
pub struct Marks {
    tail: CachePadded<AtomicUsize>,
    head: CachePadded<AtomicUsize>,
    witness: Witness,
}

impl Marks {
    const_unless_loom! {
        pub(crate) fn new(capacity: usize) -> Self {
            Self {
                tail: CachePadded::new(AtomicUsize::new(0)),
                head: CachePadded::new(AtomicUsize::new(0)),
                witness: Witness::new(capacity),
            }
        }
    }

    #[inline(always)]
    pub(super) fn publish(&self, tail: usize) {
        // Release [tail]: the values before it are visible to whoever sees it.
        self.tail.store(tail, Release);
    }

    #[inline(always)]
    pub(super) fn seen_tail(&self) -> usize {
        // Acquire [tail]: pairs with `publish`.
        self.tail.load(Acquire)
    }

    #[inline(always)]
    pub(super) fn vacate(&self, head: usize) {
        // Release [head]: the values before it have been read out for whoever sees it.
        self.head.store(head, Release);
    }

    #[inline(always)]
    pub(super) fn seen_head(&self) -> usize {
        // Acquire [head]: pairs with `vacate`.
        self.head.load(Acquire)
    }

    /// Both at rest: of a ring without ends, or with one end that has seen the other leave.
    pub(super) fn at_rest(&self) -> (usize, usize) {
        // Relaxed: nobody else is left.
        (self.head.load(Relaxed), self.tail.load(Relaxed))
    }

    /// Starts over, of an empty ring whose last end is leaving.
    pub(super) fn rewind(&self) {
        // Relaxed: nobody else is left; the next pair of ends is ordered by [reuse].
        self.head.store(0, Relaxed);
        // Relaxed: as above.
        self.tail.store(0, Relaxed);
    }
}

/// One value, or room for one. A run of them has the layout of `[MaybeUninit<T>]`.
#[repr(transparent)]
#[derive(Debug)]
pub struct Place<T>(SliceCell<MaybeUninit<T>>);

// SAFETY: C2: a value is touched by one end at a time, and moves from one thread to another.
unsafe impl<T: Send> Sync for Place<T> {}

impl<T> Place<T> {
    pub(crate) const fn new() -> Self {
        Self(SliceCell::new(MaybeUninit::uninit()))
    }
}

/// The values as an end sees them.
pub(super) struct Circle<T> {
    places: NonNull<Place<T>>,
    pub(super) capacity: usize,
}

impl<T> Circle<T> {
    /// # Safety
    /// `places` stay where they are for as long as the circle is used.
    pub(super) unsafe fn of(places: &[Place<T>]) -> Self {
        Self { places: NonNull::from(places).cast(), capacity: places.len() }
    }

    /// Where the value at `position` is.
    #[inline(always)]
    pub(super) fn at(&self, position: usize, marks: &Marks, access: Access) -> *mut T {
        let place = state::place(position, self.capacity);
        access.witnessed(marks, place..place + 1);
        // SAFETY: the place is below the capacity.
        unsafe { self.places.add(place) }.cast().as_ptr()
    }

    /// The `count` places from `position` on, in one piece or two: where each begins, and its length.
    #[inline(always)]
    pub(super) fn run(
        &self,
        position: usize,
        count: usize,
        marks: &Marks,
        access: Access,
    ) -> [NonNull<[T]>; 2] {
        let place = state::place(position, self.capacity);
        let first = count.min(self.capacity - place);
        access.witnessed(marks, place..place + first);
        access.witnessed(marks, 0..count - first);
        let base = self.places.cast::<T>();
        // SAFETY: the place is below the capacity.
        let start = unsafe { base.add(place) };
        [
            NonNull::slice_from_raw_parts(start, first),
            NonNull::slice_from_raw_parts(base, count - first),
        ]
    }
}

/// What an end is about to do with a value.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read,
    Write,
}

impl Access {
    #[inline(always)]
    fn witnessed(self, marks: &Marks, places: Range<usize>) {
        match self {
            Self::Read => marks.witness.read(places),
            Self::Write => marks.witness.write(places),
        }
    }
}

impl<T> Layout for Place<T> {
    type Marks = Marks;

    fn marks(capacity: usize) -> Marks {
        Marks::new(capacity)
    }

    fn empty() -> Self {
        Self::new()
    }

    unsafe fn sweep(marks: &Marks, places: &[Self], _place: usize) {
        struct Run<T>(NonNull<[T]>);

        impl<T> Drop for Run<T> {
            fn drop(&mut self) {
                // SAFETY: C2: the values are present, and no other end is left to touch them.
                unsafe { self.0.drop_in_place() };
            }
        }

        let (head, tail) = marks.at_rest();
        marks.rewind();
        // SAFETY: the circle is gone before the places are.
        let circle = unsafe { Circle::of(places) };
        let left = state::distance(head, tail, circle.capacity);
        let [first, second] = circle.run(head, left, marks, Access::Write);
        // Dropped in reverse, and the first also when the second panics.
        let _second = Run(second);
        let _first = Run(first);
    }
}
