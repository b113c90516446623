//! A hand of one's own.

use core::{fmt, iter};

use lockfree_core::slots::Lease;

use crate::{
    Bounded, Full, Rest,
    queue::{WORDS, push_all},
    ring::IndexRing,
};

/// A hand of a queue for one thread at a time: the fastest way in and out.
///
/// Gives the hand back when it is dropped. May be sent to another thread.
///
/// ```
/// use mpmc_queue::WaitFreeQueue;
///
/// let queue = WaitFreeQueue::new(8);
/// std::thread::scope(|scope| {
///     scope.spawn(|| queue.handle().unwrap().push(1).unwrap());
/// });
/// assert_eq!(queue.handle().unwrap().pop(), Some(1));
/// ```
pub struct Handle<'q, T, R: IndexRing> {
    queue: &'q Bounded<T, R>,
    index: usize,
    /// Nobody else uses the hand while this lives (Q1).
    _lease: Lease<'q, WORDS>,
}

impl<'q, T, R: IndexRing> Handle<'q, T, R> {
    /// The lease is that of the hand `index`.
    pub(crate) fn new(queue: &'q Bounded<T, R>, index: usize, lease: Lease<'q, WORDS>) -> Self {
        Self { queue, index, _lease: lease }
    }

    /// Adds `value` at the tail; see [`Bounded::push`].
    ///
    /// # Errors
    /// The queue was full at some moment of the call; the value is given back.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        // SAFETY: Q1: the hand is leased, and `self` is borrowed mutably.
        unsafe { self.queue.push_by(self.index, value) }
    }

    /// Takes the value at the head; none if the queue was empty at some moment of the call. See
    /// [`Bounded::pop`].
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        // SAFETY: Q1: the hand is leased, and `self` is borrowed mutably.
        unsafe { self.queue.pop_by(self.index) }
    }

    /// Adds `value` at the tail, if need be in place of the oldest one, which is returned. See
    /// [`Bounded::force_push`].
    #[inline]
    pub fn force_push(&mut self, value: T) -> Option<T> {
        // SAFETY: Q1: the hand is leased, and `self` is borrowed mutably.
        unsafe { self.queue.force_push_by(self.index, value) }
    }

    /// Pushes `values` one by one.
    ///
    /// # Errors
    /// The queue was full; the value that did not fit and those after it are given back.
    pub fn push_many<I: IntoIterator<Item = T>>(
        &mut self,
        values: I,
    ) -> Result<(), Full<Rest<I::IntoIter>>> {
        push_all(values.into_iter(), |value| self.push(value))
    }

    /// Pops up to `most` values, one at each step of the iterator, until the queue is empty.
    pub fn pop_many(&mut self, most: usize) -> impl Iterator<Item = T> {
        iter::from_fn(|| self.pop()).take(most)
    }

    /// The queue.
    pub fn queue(&self) -> &'q Bounded<T, R> {
        self.queue
    }
}

impl<T, R: IndexRing> fmt::Debug for Handle<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("queue", self.queue).finish_non_exhaustive()
    }
}
