//! The end that pops.

use core::{fmt, ptr};

use lockfree_core::CachePadded;

use crate::{
    contiguous::{
        IntoIter, ReadChunk,
        ring::{Access, Circle, Marks, Place},
    },
    ends::End,
    state,
    storage::{Heap, Storage, leave},
};

/// The end of a contiguous ring that pops.
///
/// All its operations are wait-free. It may move to another thread, and be used by one at a time.
pub struct Consumer<T, S: Storage<Slot = Place<T>> = Heap<Place<T>>> {
    cursor: CachePadded<Cursor<T>>,
    storage: S,
}

/// What the consumer alone knows.
struct Cursor<T> {
    circle: Circle<T>,
    /// Where the oldest value is, if there is one.
    head: usize,
    /// How many values from the head on are known to be present (C3).
    ready: usize,
}

// SAFETY: C2: the values that it pops come from another thread, which `T: Send` allows; everything
// else that it touches is atomic or its own.
unsafe impl<T: Send, S: Storage<Slot = Place<T>>> Send for Consumer<T, S> {}

impl<T, S: Storage<Slot = Place<T>>> Consumer<T, S> {
    pub(crate) fn new(storage: S) -> Self {
        // SAFETY: the storage keeps the places where they are until this end has left.
        let circle = unsafe { Circle::of(storage.shared().slots.as_ref()) };
        Self { cursor: CachePadded::new(Cursor { circle, head: 0, ready: 0 }), storage }
    }

    #[inline(always)]
    fn marks(&self) -> &Marks {
        &self.storage.shared().marks
    }

    /// How many of `wanted` values are present: looks only if not known to be.
    #[inline(always)]
    fn ready_for(&mut self, wanted: usize) -> usize {
        if self.cursor.ready < wanted {
            self.cursor.ready = self.len();
        }
        self.cursor.ready.min(wanted)
    }

    /// The place of the oldest value.
    #[inline(always)]
    fn place(&self, access: Access) -> *mut T {
        self.cursor.circle.at(self.cursor.head, self.marks(), access)
    }

    /// The oldest `count` values.
    #[inline(always)]
    pub(super) fn ready_run(&self, count: usize, access: Access) -> [ptr::NonNull<[T]>; 2] {
        self.cursor.circle.run(self.cursor.head, count, self.marks(), access)
    }

    /// Moves the oldest value out. Its place goes back to the producer with the next
    /// [`vacate`](Self::vacate), so whoever forgets that has not moved a value out twice.
    ///
    /// # Safety
    /// There is a value.
    #[inline(always)]
    pub(super) unsafe fn take(&mut self) -> T {
        // SAFETY: C2: the value is present, and counted as moved out below.
        let value = unsafe { self.place(Access::Read).read() };
        // SAFETY: as above.
        unsafe { self.pass(1) };
        value
    }

    /// Leaves the oldest `count` values behind.
    ///
    /// # Safety
    /// They are present, and have been moved out.
    #[inline(always)]
    unsafe fn pass(&mut self, count: usize) {
        self.cursor.head = state::advance(self.cursor.head, count, self.capacity());
        self.cursor.ready -= count;
    }

    /// Gives the places of all values left behind back to the producer.
    #[inline(always)]
    pub(super) fn vacate(&self) {
        self.marks().vacate(self.cursor.head);
    }

    /// Pops the oldest value, or `None` if there is none.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.ready_for(1) == 0 {
            return None;
        }
        // SAFETY: there is a value.
        let value = unsafe { self.take() };
        self.vacate();
        Some(value)
    }

    /// The oldest value, left where it is.
    pub fn peek(&self) -> Option<&T> {
        // SAFETY: C2: the value is present, and stays so while this end is borrowed.
        (!self.is_empty()).then(|| unsafe { &*self.place(Access::Read) })
    }

    /// The oldest value, left where it is, to be changed.
    pub fn peek_mut(&mut self) -> Option<&mut T> {
        // SAFETY: C2: the value is present, and stays so while this end is borrowed, exclusively.
        (!self.is_empty()).then(|| unsafe { &mut *self.place(Access::Write) })
    }

    /// Pops as many values as there are, at most as many as fit, into the front of `values`;
    /// returns how many.
    #[inline]
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = self.ready_for(values.len());
        let [first, second] = self.ready_run(count, Access::Read);
        let (front, rest) = values[..count].split_at_mut(first.len());
        // SAFETY: C2: the values are present, as many as asked for.
        unsafe { ptr::copy_nonoverlapping(first.cast().as_ptr(), front.as_mut_ptr(), front.len()) };
        if !rest.is_empty() {
            // SAFETY: C2: the values are present, as many as asked for.
            unsafe {
                ptr::copy_nonoverlapping(second.cast().as_ptr(), rest.as_mut_ptr(), rest.len());
            };
        }
        if count > 0 {
            // SAFETY: they have been copied, and have no drop.
            unsafe { self.pass(count) };
            self.vacate();
        }
        count
    }

    /// Pops the values that are there now, one by one. Those that the iterator has yielded leave
    /// the ring together, when it is dropped; the rest stay.
    pub fn pop_iter(&mut self) -> IntoIter<'_, T, S> {
        self.read_chunk(usize::MAX).into_iter()
    }

    /// Lends the oldest values, at most `most` of them, to be read in place.
    pub fn read_chunk(&mut self, most: usize) -> ReadChunk<'_, T, S> {
        let count = self.ready_for(most);
        ReadChunk::new(self, count)
    }

    /// How many values the ring holds at most: exactly what it was made with.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.cursor.circle.capacity
    }

    /// How many values are in the ring, at some moment of this call. The producer can only raise
    /// it, so that many can be popped.
    pub fn len(&self) -> usize {
        state::distance(self.cursor.head, self.marks().seen_tail(), self.capacity())
    }

    /// Whether there is nothing to pop now. The producer can change that at any moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring holds `capacity()` values.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the producer is gone. What it pushed is still there to be popped: a loop that pops
    /// until the end asks [`is_finished`](Self::is_finished).
    pub fn is_closed(&self) -> bool {
        self.storage.shared().ends.is_gone(End::Producer)
    }

    /// Whether the producer is gone and all that it pushed has been popped: the end.
    pub fn is_finished(&self) -> bool {
        // In this order: what is pushed between the two is not overlooked.
        self.is_closed() && self.is_empty()
    }
}

impl<T, S: Storage<Slot = Place<T>>> Drop for Consumer<T, S> {
    fn drop(&mut self) {
        // A forgotten iterator has not told of what it yielded.
        self.vacate();
        leave(&self.storage, End::Consumer, self.cursor.head);
    }
}

impl<T, S: Storage<Slot = Place<T>>> fmt::Debug for Consumer<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
