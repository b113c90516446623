//! The end that sends.

use alloc::sync::Arc;
use core::fmt;
#[cfg(feature = "blocking")]
use core::time::Duration;
#[cfg(feature = "async")]
use core::{
    future::poll_fn,
    ops::Deref,
    task::{Context, Poll},
};
#[cfg(feature = "blocking")]
use std::time::Instant;

#[cfg(feature = "async")]
use lockfree_core::wait::{WaitQueue, Waiter};

#[cfg(feature = "blocking")]
use super::SendTimeoutError;
use super::{Closed, Rest, TrySendError, WeakSender, shared::Shared};
use crate::ring::{IndexRing, LockFreeRing};

/// The end of a [`channel`](super::channel()) that sends. Any number of threads may use it, and any
/// number of clones.
pub struct Sender<T, R: IndexRing = LockFreeRing> {
    shared: Arc<Shared<T, R>>,
    /// The place in the line that `poll_send` keeps from call to call.
    #[cfg(feature = "async")]
    polled: Waiter<Room<T, R>>,
}

/// The line of who waits for room.
#[cfg(feature = "async")]
struct Room<T, R: IndexRing>(Arc<Shared<T, R>>);

#[cfg(feature = "async")]
impl<T, R: IndexRing> Deref for Room<T, R> {
    type Target = WaitQueue;

    fn deref(&self) -> &WaitQueue {
        &self.0.room
    }
}

impl<T, R: IndexRing> Sender<T, R> {
    /// It must have been counted.
    pub(super) fn new(shared: Arc<Shared<T, R>>) -> Self {
        Self {
            #[cfg(feature = "async")]
            polled: Waiter::new(Room(Arc::clone(&shared))),
            shared,
        }
    }

    /// Sends `value` if there is room. Never waits for room; see [progress](super#progress).
    ///
    /// # Errors
    /// There is no room, or the channel is closed; `value` is inside.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.shared.try_send(value)
    }

    /// Sends values until one does not fit. Wakes as many receivers as there are values, once all
    /// are there.
    ///
    /// If `values` panics, what it yielded has been sent.
    ///
    /// # Errors
    /// There is no room for all, or the channel is closed; the first value that was not sent and
    /// those after it are inside.
    ///
    /// ```
    /// use mpmc_queue::channel::{self, TrySendError};
    ///
    /// let (sender, receiver) = channel::channel(2);
    /// let Err(TrySendError::Full(rest)) = sender.try_send_many(1..=4) else { unreachable!() };
    /// assert!(rest.eq([3, 4]));
    /// assert_eq!(receiver.len(), 2);
    /// ```
    pub fn try_send_many<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Result<(), TrySendError<Rest<I::IntoIter>>> {
        self.shared.try_send_many(values.into_iter())
    }

    /// Sends `value`; parks the thread while there is no room.
    ///
    /// # Errors
    /// The channel is closed; `value` is inside.
    #[cfg(feature = "blocking")]
    #[inline]
    pub fn send(&self, value: T) -> Result<(), Closed<T>> {
        match self.send_until(value, None) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => unreachable!("there is no deadline"),
            Err(SendTimeoutError::Closed(value)) => Err(Closed(value)),
        }
    }

    /// Sends `value`; parks the thread while there is no room, `timeout` long at most.
    ///
    /// # Errors
    /// There was no room in time, or the channel is closed; `value` is inside.
    #[cfg(feature = "blocking")]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        // A timeout beyond the end of time is none.
        self.send_until(value, Instant::now().checked_add(timeout))
    }

    /// Sends `value`; parks the thread while there is no room, until `deadline` at most.
    ///
    /// # Errors
    /// There was no room in time, or the channel is closed; `value` is inside.
    #[cfg(feature = "blocking")]
    pub fn send_deadline(&self, value: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_until(value, Some(deadline))
    }

    #[cfg(feature = "blocking")]
    #[inline]
    fn send_until(&self, value: T, deadline: Option<Instant>) -> Result<(), SendTimeoutError<T>> {
        let mut value = Some(value);
        match self.shared.room.block_until(deadline, || self.shared.attempt_send(&mut value)) {
            Some(Ok(())) => Ok(()),
            Some(Err(Closed(value))) => Err(SendTimeoutError::Closed(value)),
            None => Err(SendTimeoutError::Timeout(value.expect("what was not sent is here"))),
        }
    }

    /// Sends all values; parks the thread while there is no room. Values of other senders may come
    /// between.
    ///
    /// # Errors
    /// The channel is closed; the first value that was not sent and those after it are inside.
    #[cfg(feature = "blocking")]
    pub fn send_many<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Result<(), Closed<Rest<I::IntoIter>>> {
        let mut values = values.into_iter();
        loop {
            // As many as fit with one wake-up, and then one that may have to wait.
            let mut first = match self.shared.try_send_many(&mut values) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(mut rest) | TrySendError::Closed(mut rest)) => rest.next(),
            };
            let sent = self.shared.room.block_until(None, || self.shared.attempt_send(&mut first));
            if let Some(Err(Closed(value))) = sent {
                return Err(Closed(core::iter::once(value).chain(values)));
            }
        }
    }

    /// Sends `value`, as soon as there is room. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has sent nothing; its value is
    /// dropped with it, and if it was about to be given room, the next one is.
    ///
    /// # Errors
    /// The channel is closed; `value` is inside.
    #[cfg(feature = "async")]
    #[inline]
    pub fn send_async(&self, value: T) -> impl Future<Output = Result<(), Closed<T>>> {
        let mut value = Some(value);
        self.shared.room.wait_until(move || self.shared.attempt_send(&mut value))
    }

    /// Sends all values, each as soon as there is room. Wakes receivers once for as many values as
    /// fit at a time. Values of other senders may come between. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has sent some of the first values; the
    /// rest is dropped with it. Of an iterator that is only lent to it, the rest stays there, but for
    /// one value that it may have taken out and not sent.
    ///
    /// # Errors
    /// The channel is closed; the first value that was not sent and those after it are inside.
    ///
    /// ```
    /// use lockfree_core::wait;
    /// use mpmc_queue::channel;
    ///
    /// let (sender, receiver) = channel::channel(4);
    /// let mut received = Vec::new();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| wait::block_on(sender.send_many_async(0..100)).is_ok());
    ///     while received.len() < 100 {
    ///         wait::block_on(receiver.recv_into_async(&mut received, 16)).unwrap();
    ///     }
    /// });
    /// assert!(received.into_iter().eq(0..100));
    /// ```
    #[cfg(feature = "async")]
    pub async fn send_many_async<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Result<(), Closed<Rest<I::IntoIter>>> {
        let mut values = values.into_iter();
        let mut waiter = self.shared.room.waiter();
        loop {
            // As in `send_many`.
            let mut first = match self.shared.try_send_many(&mut values) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(mut rest) | TrySendError::Closed(mut rest)) => rest.next(),
            };
            let mut attempt = || self.shared.attempt_send(&mut first);
            if let Err(Closed(value)) = poll_fn(|cx| waiter.poll_until(cx, &mut attempt)).await {
                return Err(Closed(core::iter::once(value).chain(values)));
            }
        }
    }

    /// Sends what is in `value`, which must be there, as soon as there is room: for futures written by
    /// hand.
    ///
    /// After `Pending` the value is in `value` still, and this sender has its place in the line until it
    /// is polled to the end or dropped. A wake-up that reaches it there wakes no other sender: poll
    /// again, or drop it.
    ///
    /// # Panics
    /// There is nothing in `value`.
    #[cfg(feature = "async")]
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        value: &mut Option<T>,
    ) -> Poll<Result<(), Closed<T>>> {
        let Self { shared, polled } = self;
        polled.poll_until(cx, || shared.attempt_send(value))
    }

    #[cfg(feature = "sink")]
    pub(super) fn attempt_send(&self, value: &mut Option<T>) -> Option<Result<(), Closed<T>>> {
        self.shared.attempt_send(value)
    }

    /// Closes the channel, for both ends; false if it was closed before. What is inside can still be
    /// received.
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Whether the channel is closed: nothing more can be sent.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// How many values the channel holds at most.
    pub fn capacity(&self) -> usize {
        self.shared.queue.capacity()
    }

    /// How many values are in the channel, see [`Bounded::len`](crate::Bounded::len).
    pub fn len(&self) -> usize {
        self.shared.queue.len()
    }

    /// Whether no value was inside at some moment of the call.
    pub fn is_empty(&self) -> bool {
        self.shared.queue.is_empty()
    }

    /// Whether there was no room at some moment of the call.
    pub fn is_full(&self) -> bool {
        self.shared.queue.is_full()
    }

    /// Whether both send into the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T, R> {
        WeakSender::new(&self.shared)
    }
}

impl<T, R: IndexRing> Clone for Sender<T, R> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        shared.add_sender();
        Self::new(shared)
    }
}

/// The last one closes the channel.
impl<T, R: IndexRing> Drop for Sender<T, R> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

impl<T, R: IndexRing> fmt::Debug for Sender<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("channel", &self.shared).finish_non_exhaustive()
    }
}
