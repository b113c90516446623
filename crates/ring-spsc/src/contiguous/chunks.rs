//! Runs of places, lent to be written or read in place.

use core::{fmt, iter::FusedIterator, mem::MaybeUninit};

use crate::{
    contiguous::{
        Consumer, Producer,
        ring::{Access, Place},
    },
    storage::Storage,
};

/// Free places, to be written in place; see [`Producer::write_chunk`].
///
/// Dropped without a commit, it changes nothing.
pub struct WriteChunk<'a, T, S: Storage<Slot = Place<T>>> {
    producer: &'a mut Producer<T, S>,
    count: usize,
}

impl<'a, T, S: Storage<Slot = Place<T>>> WriteChunk<'a, T, S> {
    pub(super) fn new(producer: &'a mut Producer<T, S>, count: usize) -> Self {
        Self { producer, count }
    }

    /// How many places it lends.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it lends no place: the ring is full, or none was asked for.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The places, in order: first those up to the end of the ring's memory, then the rest.
    ///
    /// ```
    /// let (mut producer, mut consumer) = ring_spsc::contiguous::ring(4);
    /// let mut chunk = producer.write_chunk(3);
    /// let (first, _second) = chunk.as_mut_slices();
    /// first[0].write(10);
    /// first[1].write(11);
    /// // SAFETY: two values are written.
    /// unsafe { chunk.commit(2) };
    /// assert_eq!(consumer.pop_iter().collect::<Vec<_>>(), [10, 11]);
    /// ```
    pub fn as_mut_slices(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let [first, second] = self.producer.free_run(self.count);
        // SAFETY: C2: the places are the producer's, which this chunk borrows.
        let first = unsafe { &mut *(first.as_ptr() as *mut [MaybeUninit<T>]) };
        // SAFETY: as above; the two runs do not overlap.
        let second = unsafe { &mut *(second.as_ptr() as *mut [MaybeUninit<T>]) };
        (first, second)
    }

    /// Pushes the first `count` places, all visible at once. The others stay free.
    ///
    /// # Safety
    /// The first `count` places have been written.
    ///
    /// # Panics
    /// The chunk lends fewer.
    pub unsafe fn commit(self, count: usize) {
        assert!(count <= self.count, "a chunk of {} has no {count} places", self.count);
        // SAFETY: the places are free (C2), and written, as the caller promises.
        unsafe { self.producer.publish(count) };
    }

    /// Writes values of `values` until it ends or the chunk is full, and pushes them, all visible
    /// at once; returns how many. Takes no value from `values` that it does not push.
    ///
    /// If `values` panics, what it yielded has been pushed.
    pub fn fill(self, values: impl IntoIterator<Item = T>) -> usize {
        /// Pushes what is written, also when the iterator panics.
        struct Written<'a, T, S: Storage<Slot = Place<T>>> {
            chunk: WriteChunk<'a, T, S>,
            count: usize,
        }

        impl<T, S: Storage<Slot = Place<T>>> Drop for Written<'_, T, S> {
            fn drop(&mut self) {
                // SAFETY: `count` places of the chunk are written.
                unsafe { self.chunk.producer.publish(self.count) };
            }
        }

        let mut written = Written { chunk: self, count: 0 };
        let [first, second] = written.chunk.producer.free_run(written.chunk.count);
        let mut values = values.into_iter();
        for run in [first, second] {
            for place in 0..run.len() {
                let Some(value) = values.next() else { return written.count };
                // SAFETY: the place is within the run.
                let place = unsafe { run.cast::<T>().add(place) };
                // SAFETY: C2: the place is free.
                unsafe { place.write(value) };
                written.count += 1;
            }
        }
        written.count
    }
}

/// The oldest values, to be read in place; see [`Consumer::read_chunk`].
///
/// Dropped without a commit, it changes nothing: the values stay in the ring.
pub struct ReadChunk<'a, T, S: Storage<Slot = Place<T>>> {
    consumer: &'a mut Consumer<T, S>,
    count: usize,
}

impl<'a, T, S: Storage<Slot = Place<T>>> ReadChunk<'a, T, S> {
    pub(super) fn new(consumer: &'a mut Consumer<T, S>, count: usize) -> Self {
        Self { consumer, count }
    }

    /// How many values it lends.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it lends no value: the ring is empty, or none was asked for.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values, oldest first: those up to the end of the ring's memory, then the rest.
    pub fn as_slices(&self) -> (&[T], &[T]) {
        let [first, second] = self.consumer.ready_run(self.count, Access::Read);
        // SAFETY: C2: the values are present, and stay so while the chunk is borrowed.
        let first = unsafe { first.as_ref() };
        // SAFETY: as above.
        let second = unsafe { second.as_ref() };
        (first, second)
    }

    /// The values, oldest first, to be changed.
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let [mut first, mut second] = self.consumer.ready_run(self.count, Access::Write);
        // SAFETY: C2: the values are present, and the consumer's, which this chunk borrows.
        let first = unsafe { first.as_mut() };
        // SAFETY: as above; the two runs do not overlap.
        let second = unsafe { second.as_mut() };
        (first, second)
    }

    /// Drops the oldest `count` values and gives their places back. The others stay in the ring.
    ///
    /// # Panics
    /// The chunk lends fewer. Or a `T::drop` panics: then its value and those before it have left the
    /// ring, and the others are still inside.
    pub fn commit(self, count: usize) {
        assert!(count <= self.count, "a chunk of {} has no {count} values", self.count);
        self.into_iter().take(count).for_each(drop);
    }

    /// Drops all its values and gives their places back.
    ///
    /// # Panics
    /// As [`commit`](Self::commit).
    pub fn commit_all(self) {
        let count = self.count;
        self.commit(count);
    }
}

impl<'a, T, S: Storage<Slot = Place<T>>> IntoIterator for ReadChunk<'a, T, S> {
    type Item = T;
    type IntoIter = IntoIter<'a, T, S>;

    fn into_iter(self) -> IntoIter<'a, T, S> {
        IntoIter { chunk: self, yielded: 0 }
    }
}

/// Moves values out of a ring; see [`Consumer::pop_iter`]. The places of what it has yielded go back
/// to the producer together, when it is dropped.
pub struct IntoIter<'a, T, S: Storage<Slot = Place<T>>> {
    chunk: ReadChunk<'a, T, S>,
    yielded: usize,
}

impl<T, S: Storage<Slot = Place<T>>> Iterator for IntoIter<'_, T, S> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.yielded == self.chunk.count {
            return None;
        }
        self.yielded += 1;
        // SAFETY: the chunk lends this value.
        Some(unsafe { self.chunk.consumer.take() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.chunk.count - self.yielded;
        (left, Some(left))
    }
}

impl<T, S: Storage<Slot = Place<T>>> ExactSizeIterator for IntoIter<'_, T, S> {}

impl<T, S: Storage<Slot = Place<T>>> FusedIterator for IntoIter<'_, T, S> {}

impl<T, S: Storage<Slot = Place<T>>> Drop for IntoIter<'_, T, S> {
    fn drop(&mut self) {
        if self.yielded > 0 {
            self.chunk.consumer.vacate();
        }
    }
}

impl<T, S: Storage<Slot = Place<T>>> fmt::Debug for WriteChunk<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteChunk").field("len", &self.count).finish_non_exhaustive()
    }
}

impl<T, S: Storage<Slot = Place<T>>> fmt::Debug for ReadChunk<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadChunk").field("len", &self.count).finish_non_exhaustive()
    }
}

impl<T, S: Storage<Slot = Place<T>>> fmt::Debug for IntoIter<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntoIter").field("left", &self.size_hint().0).finish_non_exhaustive()
    }
}
