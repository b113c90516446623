//! The end that pushes.

use core::{fmt, ptr};

use lockfree_core::CachePadded;

use crate::{
    contiguous::{
        WriteChunk,
        ring::{Access, Circle, Marks, Place},
    },
    ends::End,
    error::Full,
    state,
    storage::{Heap, Storage, leave},
};

/// The end of a contiguous ring that pushes.
///
/// All its operations are wait-free. It may move to another thread, and be used by one at a time.
pub struct Producer<T, S: Storage<Slot = Place<T>> = Heap<Place<T>>> {
    cursor: CachePadded<Cursor<T>>,
    storage: S,
}

/// What the producer alone knows.
struct Cursor<T> {
    circle: Circle<T>,
    /// Where the next value goes.
    tail: usize,
    /// How many places from the tail on are known to be free (C3).
    room: usize,
}

// SAFETY: C2: the values that it pushes leave its thread, which `T: Send` allows; everything else
// that it touches is atomic or its own.
unsafe impl<T: Send, S: Storage<Slot = Place<T>>> Send for Producer<T, S> {}

impl<T, S: Storage<Slot = Place<T>>> Producer<T, S> {
    pub(crate) fn new(storage: S) -> Self {
        // SAFETY: the storage keeps the places where they are until this end has left.
        let circle = unsafe { Circle::of(storage.shared().slots.as_ref()) };
        let room = circle.capacity;
        Self { cursor: CachePadded::new(Cursor { circle, tail: 0, room }), storage }
    }

    #[inline(always)]
    fn marks(&self) -> &Marks {
        &self.storage.shared().marks
    }

    /// How many of `wanted` places from the tail on are free: looks only if not known to be.
    #[inline(always)]
    fn room_for(&mut self, wanted: usize) -> usize {
        if self.cursor.room < wanted {
            self.cursor.room = self.capacity() - self.len();
        }
        self.cursor.room.min(wanted)
    }

    /// The next `count` places, for writing.
    #[inline(always)]
    pub(super) fn free_run(&self, count: usize) -> [ptr::NonNull<[T]>; 2] {
        self.cursor.circle.run(self.cursor.tail, count, self.marks(), Access::Write)
    }

    /// Makes the next `count` values visible to the consumer.
    ///
    /// # Safety
    /// There is room for them, and they are written.
    #[inline(always)]
    pub(super) unsafe fn publish(&mut self, count: usize) {
        if count == 0 {
            // Nothing moves: the line of the index stays where it is.
            return;
        }
        self.cursor.tail = state::advance(self.cursor.tail, count, self.capacity());
        self.cursor.room -= count;
        self.marks().publish(self.cursor.tail);
    }

    /// Pushes `value` behind the others.
    ///
    /// # Errors
    /// [`Full`], with `value` inside.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if self.room_for(1) == 0 {
            return Err(Full(value));
        }
        let place = self.cursor.circle.at(self.cursor.tail, self.marks(), Access::Write);
        // SAFETY: C2: the place is free.
        unsafe { place.write(value) };
        // SAFETY: one value is written where there was room.
        unsafe { self.publish(1) };
        Ok(())
    }

    /// Pushes as many of the first `values` as there is room for, all of them visible at once;
    /// returns how many.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        let count = self.room_for(values.len());
        let [first, second] = self.free_run(count);
        let (front, rest) = values[..count].split_at(first.len());
        // SAFETY: C2: the places are free, as many as the values.
        unsafe { ptr::copy_nonoverlapping(front.as_ptr(), first.cast().as_ptr(), front.len()) };
        if !rest.is_empty() {
            // SAFETY: C2: the places are free, as many as the values.
            unsafe { ptr::copy_nonoverlapping(rest.as_ptr(), second.cast().as_ptr(), rest.len()) };
        }
        // SAFETY: they are written.
        unsafe { self.publish(count) };
        count
    }

    /// Pushes values of `values` until it ends or the ring is full, all of them visible at once;
    /// returns how many. Takes no value from `values` that it does not push.
    ///
    /// If `values` panics, what it yielded has been pushed.
    pub fn push_iter(&mut self, values: impl IntoIterator<Item = T>) -> usize {
        self.write_chunk(usize::MAX).fill(values)
    }

    /// Lends the free places, at most `most` of them, to be written in place.
    pub fn write_chunk(&mut self, most: usize) -> WriteChunk<'_, T, S> {
        let count = self.room_for(most);
        WriteChunk::new(self, count)
    }

    /// How many values the ring holds at most: exactly what it was made with.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.cursor.circle.capacity
    }

    /// How many values are in the ring, at some moment of this call. The consumer can only lower
    /// it, so there is room for at least `capacity() - len()` more.
    pub fn len(&self) -> usize {
        state::distance(self.marks().seen_head(), self.cursor.tail, self.capacity())
    }

    /// Whether everything pushed has been popped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a push would fail now. The consumer can make it succeed at any moment.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether the consumer is gone, so that nobody will pop what is pushed.
    pub fn is_closed(&self) -> bool {
        self.storage.shared().ends.is_gone(End::Consumer)
    }
}

impl<T, S: Storage<Slot = Place<T>>> Drop for Producer<T, S> {
    fn drop(&mut self) {
        leave(&self.storage, End::Producer, self.cursor.tail);
    }
}

impl<T, S: Storage<Slot = Place<T>>> fmt::Debug for Producer<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
