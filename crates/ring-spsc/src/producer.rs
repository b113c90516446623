//! The end that pushes.

use core::fmt;

use lockfree_core::CachePadded;

use crate::{
    ends::End,
    error::Full,
    ring::{Circle, Slot},
    state,
    storage::{Heap, Storage, leave},
};

/// The end of a ring that pushes. [`ring`](crate::ring()) and [`StaticRing`](crate::StaticRing) make it.
///
/// All its operations are wait-free. It may move to another thread, and be used by one at a time.
pub struct Producer<T, S: Storage<Slot = Slot<T>> = Heap<Slot<T>>> {
    cursor: CachePadded<Cursor<T>>,
    storage: S,
}

/// What the producer alone knows; on lines of its own, wherever the two ends are put.
struct Cursor<T> {
    circle: Circle<T>,
    stride: usize,
    /// Where the next value goes.
    tail: usize,
    /// The slots from the tail up to here are known to be empty (I4).
    limit: usize,
}

// SAFETY: I1: the values that it pushes leave its thread, which `T: Send` allows; everything else
// that it touches is atomic or its own.
unsafe impl<T: Send, S: Storage<Slot = Slot<T>>> Send for Producer<T, S> {}

impl<T> Cursor<T> {
    #[inline(always)]
    fn slot(&self, place: usize) -> &Slot<T> {
        // SAFETY: all places are made by the functions of `state`, below the capacity.
        unsafe { self.circle.at(place) }
    }

    /// Whether the slot at the tail is empty, at the cost of a look only where the limit is reached.
    #[inline(always)]
    fn has_room(&mut self) -> bool {
        if self.tail == self.limit {
            let seen = look_ahead(self.circle, self.tail, self.stride);
            self.limit = self.circle.forward(self.tail, seen);
            return seen > 0;
        }
        true
    }

    /// Fills the slot at the tail.
    ///
    /// # Safety
    /// [`has_room`](Self::has_room) has said so since the last one.
    #[inline(always)]
    unsafe fn publish(&mut self, value: T) {
        // SAFETY: I4: the slot at the tail is empty, and this is the producer.
        unsafe { self.slot(self.tail).publish(value) };
        self.tail = self.circle.next(self.tail);
    }
}

/// How many slots from the tail on are seen to be empty: `stride`, 1 or none. By value, so that the
/// cursor can stay in registers.
#[inline(never)]
fn look_ahead<T>(circle: Circle<T>, tail: usize, stride: usize) -> usize {
    let is_vacant = |place| {
        // SAFETY: all places are made by the functions of `state`, below the capacity.
        let slot = unsafe { circle.at(place) };
        slot.is_vacant()
    };
    // I3: one look at the far slot tells of all before it.
    if is_vacant(circle.forward(tail, stride - 1)) { stride } else { is_vacant(tail).into() }
}

impl<T, S: Storage<Slot = Slot<T>>> Producer<T, S> {
    pub(crate) fn new(storage: S) -> Self {
        // SAFETY: the storage keeps the slots in place until this end has left.
        let circle = unsafe { Circle::of(storage.shared().slots.as_ref()) };
        let stride = state::stride(circle.capacity);
        let cursor = Cursor { circle, stride, tail: 0, limit: 0 };
        Self { cursor: CachePadded::new(cursor), storage }
    }

    /// Pushes `value` behind the others. Wait-free: at most three accesses to shared words.
    ///
    /// The consumer that pops the value sees all that this thread did before.
    ///
    /// # Errors
    /// [`Full`], with `value` inside, if the consumer has not yet taken what was pushed `capacity`
    /// values ago. A ring whose consumer is gone fills up: see [`is_closed`](Self::is_closed).
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(1);
    /// assert!(producer.push("a").is_ok());
    /// assert_eq!(producer.push("b").unwrap_err().into_inner(), "b");
    /// assert_eq!(consumer.pop(), Some("a"));
    /// ```
    #[inline(always)]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if !self.cursor.has_room() {
            return Err(Full(value));
        }
        // SAFETY: there is room.
        unsafe { self.cursor.publish(value) };
        Ok(())
    }

    /// Pushes values of `values` until it ends or the ring is full; returns how many. Takes no
    /// value from `values` that it does not push, so the rest is still there.
    ///
    /// Each value can be popped at once. If `values` panics, what it yielded has been pushed.
    ///
    /// ```
    /// let (mut producer, _consumer) = ring_spsc::ring(2);
    /// let mut values = 1..;
    /// assert_eq!(producer.push_iter(&mut values), 2);
    /// assert_eq!(values.next(), Some(3));
    /// ```
    pub fn push_iter(&mut self, values: impl IntoIterator<Item = T>) -> usize {
        let mut values = values.into_iter();
        let mut pushed = 0;
        while self.cursor.has_room() {
            let Some(value) = values.next() else { break };
            // SAFETY: there is room.
            unsafe { self.cursor.publish(value) };
            pushed += 1;
        }
        pushed
    }

    /// Pushes as many of the first `values` as there is room for; returns how many.
    ///
    /// ```
    /// let (mut producer, _consumer) = ring_spsc::ring(2);
    /// assert_eq!(producer.push_slice(&[1, 2, 3]), 2);
    /// ```
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        self.push_iter(values.iter().copied())
    }

    /// How many values the ring holds at most: exactly what it was made with.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.cursor.circle.capacity
    }

    /// How many values are in the ring, at some moment of this call. The consumer can only lower
    /// it, so there is room for at least `capacity() - len()` more.
    ///
    /// Takes a look at about log2(capacity) slots, and costs the other operations nothing.
    pub fn len(&self) -> usize {
        let Cursor { circle, tail, .. } = &*self.cursor;
        // I2: the full slots lie behind the tail in one piece.
        state::boundary(circle.capacity, |behind| {
            self.cursor.slot(circle.backward(*tail, behind + 1)).looks_full()
        })
    }

    /// Whether everything pushed has been popped.
    pub fn is_empty(&self) -> bool {
        let last = self.cursor.circle.backward(self.cursor.tail, 1);
        !self.cursor.slot(last).looks_full()
    }

    /// Whether a push would fail now. The consumer can make it succeed at any moment.
    pub fn is_full(&self) -> bool {
        self.cursor.slot(self.cursor.tail).looks_full()
    }

    /// Whether the consumer is gone, so that nobody will pop what is pushed.
    pub fn is_closed(&self) -> bool {
        self.storage.shared().ends.is_gone(End::Consumer)
    }
}

impl<T, S: Storage<Slot = Slot<T>>> Drop for Producer<T, S> {
    fn drop(&mut self) {
        leave(&self.storage, End::Producer, self.cursor.tail);
    }
}

impl<T, S: Storage<Slot = Slot<T>>> fmt::Debug for Producer<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}
