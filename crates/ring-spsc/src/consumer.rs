//! The end that pops.

use core::fmt;

use lockfree_core::CachePadded;

use crate::{
    ends::End,
    ring::{Circle, Slot},
    state,
    storage::{Heap, Storage, leave},
};

/// The end of a ring that pops. [`ring`](crate::ring()) and [`StaticRing`](crate::StaticRing) make it.
///
/// All its operations are wait-free. It may move to another thread, and be used by one at a time.
pub struct Consumer<T, S: Storage<Slot = Slot<T>> = Heap<Slot<T>>> {
    cursor: CachePadded<Cursor<T>>,
    storage: S,
}

/// What the consumer alone knows; on lines of its own, wherever the two ends are put.
struct Cursor<T> {
    circle: Circle<T>,
    /// Where the oldest value is, if there is one.
    head: usize,
}

// SAFETY: I1: the values that it pops come from another thread, which `T: Send` allows; everything
// else that it touches is atomic or its own.
unsafe impl<T: Send, S: Storage<Slot = Slot<T>>> Send for Consumer<T, S> {}

impl<T> Cursor<T> {
    #[inline(always)]
    fn slot(&self, place: usize) -> &Slot<T> {
        // SAFETY: all places are made by the functions of `state`, below the capacity.
        unsafe { self.circle.at(place) }
    }

    /// The slot of the oldest value, if there is one.
    #[inline(always)]
    fn oldest(&self) -> Option<&Slot<T>> {
        let slot = self.slot(self.head);
        slot.is_published().then_some(slot)
    }
}

impl<T, S: Storage<Slot = Slot<T>>> Consumer<T, S> {
    pub(crate) fn new(storage: S) -> Self {
        // SAFETY: the storage keeps the slots in place until this end has left.
        let circle = unsafe { Circle::of(storage.shared().slots.as_ref()) };
        let cursor = Cursor { circle, head: 0 };
        Self { cursor: CachePadded::new(cursor), storage }
    }

    /// Pops the oldest value, or `None` if there is none. Wait-free: at most two accesses to shared
    /// words.
    ///
    /// All that the producer's thread did before it pushed the value is visible.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(2);
    /// producer.push_iter([1, 2]);
    /// assert_eq!(consumer.pop(), Some(1));
    /// assert_eq!(consumer.pop(), Some(2));
    /// assert_eq!(consumer.pop(), None);
    /// ```
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        // SAFETY: I1: the slot is full, and this is the consumer.
        let value = unsafe { self.cursor.oldest()?.take() };
        self.cursor.head = self.cursor.circle.next(self.cursor.head);
        Some(value)
    }

    /// The oldest value, left where it is.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        let slot = self.cursor.oldest()?;
        // SAFETY: I1: the slot is full, and stays so while this end is borrowed.
        Some(unsafe { slot.value() })
    }

    /// The oldest value, left where it is, to be changed.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(2);
    /// producer.push(20).unwrap();
    /// *consumer.peek_mut().unwrap() += 1;
    /// assert_eq!(consumer.pop(), Some(21));
    /// ```
    #[inline]
    pub fn peek_mut(&mut self) -> Option<&mut T> {
        let slot = self.cursor.oldest()?;
        // SAFETY: I1: the slot is full, and stays so while this end is borrowed, exclusively.
        Some(unsafe { slot.value_mut() })
    }

    /// Pops value after value, until there is none or the iterator is dropped. Values that it did
    /// not yield stay in the ring.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(4);
    /// producer.push_iter([1, 2, 3]);
    /// assert_eq!(consumer.pop_iter().take(2).sum::<i32>(), 3);
    /// assert_eq!(consumer.pop(), Some(3));
    /// ```
    pub fn pop_iter(&mut self) -> PopIter<'_, T, S> {
        PopIter { consumer: self }
    }

    /// Pops as many values as there are, at most as many as fit, into the front of `values`;
    /// returns how many.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(4);
    /// producer.push_iter([1, 2, 3]);
    /// let mut values = [0; 2];
    /// assert_eq!(consumer.pop_slice(&mut values), 2);
    /// assert_eq!(values, [1, 2]);
    /// ```
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let mut popped = 0;
        for (place, value) in values.iter_mut().zip(self.pop_iter()) {
            *place = value;
            popped += 1;
        }
        popped
    }

    /// How many values the ring holds at most: exactly what it was made with.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.cursor.circle.capacity
    }

    /// How many values are in the ring, at some moment of this call. The producer can only raise
    /// it, so that many can be popped.
    ///
    /// Takes a look at about log2(capacity) slots, and costs the other operations nothing.
    pub fn len(&self) -> usize {
        let Cursor { circle, head } = &*self.cursor;
        // I2: the full slots lie ahead of the head in one piece.
        state::boundary(circle.capacity, |ahead| {
            self.cursor.slot(circle.forward(*head, ahead)).looks_full()
        })
    }

    /// Whether there is nothing to pop now. The producer can change that at any moment.
    pub fn is_empty(&self) -> bool {
        !self.cursor.slot(self.cursor.head).looks_full()
    }

    /// Whether the ring holds `capacity()` values.
    pub fn is_full(&self) -> bool {
        let last = self.cursor.circle.backward(self.cursor.head, 1);
        self.cursor.slot(last).looks_full()
    }

    /// Whether the producer is gone. What it pushed is still there to be popped: a loop that pops
    /// until the end asks [`is_finished`](Self::is_finished).
    pub fn is_closed(&self) -> bool {
        self.storage.shared().ends.is_gone(End::Producer)
    }

    /// Whether the producer is gone and all that it pushed has been popped: the end.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::ring(4);
    /// producer.push(1).unwrap();
    /// drop(producer);
    /// assert!(!consumer.is_finished());
    /// assert_eq!(consumer.pop(), Some(1));
    /// assert!(consumer.is_finished());
    /// ```
    pub fn is_finished(&self) -> bool {
        // In this order: what is pushed between the two is not overlooked.
        self.is_closed() && self.is_empty()
    }
}

/// Pops value after value; see [`Consumer::pop_iter`].
pub struct PopIter<'a, T, S: Storage<Slot = Slot<T>>> {
    consumer: &'a mut Consumer<T, S>,
}

impl<T, S: Storage<Slot = Slot<T>>> Iterator for PopIter<'_, T, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.consumer.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.consumer.len(), None)
    }
}

impl<T, S: Storage<Slot = Slot<T>>> Drop for Consumer<T, S> {
    fn drop(&mut self) {
        leave(&self.storage, End::Consumer, self.cursor.head);
    }
}

impl<T, S: Storage<Slot = Slot<T>>> fmt::Debug for Consumer<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

impl<T, S: Storage<Slot = Slot<T>>> fmt::Debug for PopIter<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PopIter").field("consumer", &self.consumer).finish()
    }
}
