//! The end that receives.

use alloc::sync::Arc;
use core::fmt;
#[cfg(feature = "blocking")]
use core::time::Duration;
#[cfg(feature = "async")]
use core::{
    ops::Deref,
    task::{Context, Poll},
};
#[cfg(feature = "blocking")]
use std::time::Instant;

#[cfg(feature = "async")]
use lockfree_core::wait::{WaitQueue, Waiter};

#[cfg(feature = "blocking")]
use super::RecvTimeoutError;
use super::{Closed, TryRecvError, WeakReceiver, shared::Shared};
use crate::ring::{IndexRing, LockFreeRing};

#[cfg(feature = "blocking")]
pub use iter::{IntoIter, Iter};

/// The end of a [`channel`](super::channel()) that receives. Any number of threads may use it, and any
/// number of clones: each value goes to one of them.
///
/// A loop over it (feature `blocking`) waits for each value, and ends when the channel is closed and
/// all that was sent has been received. As a `Stream` (feature `stream`) it does likewise.
pub struct Receiver<T, R: IndexRing = LockFreeRing> {
    shared: Arc<Shared<T, R>>,
    /// The place in the line that `poll_recv` keeps from call to call.
    #[cfg(feature = "async")]
    polled: Waiter<Values<T, R>>,
}

/// The line of who waits for a value.
#[cfg(feature = "async")]
struct Values<T, R: IndexRing>(Arc<Shared<T, R>>);

#[cfg(feature = "async")]
impl<T, R: IndexRing> Deref for Values<T, R> {
    type Target = WaitQueue;

    fn deref(&self) -> &WaitQueue {
        &self.0.values
    }
}

impl<T, R: IndexRing> Receiver<T, R> {
    /// It must have been counted.
    pub(super) fn new(shared: Arc<Shared<T, R>>) -> Self {
        Self {
            #[cfg(feature = "async")]
            polled: Waiter::new(Values(Arc::clone(&shared))),
            shared,
        }
    }

    /// Receives the oldest value if there is one. Never waits for one; see
    /// [progress](super#progress).
    ///
    /// # Errors
    /// There is no value now, or there never will be one.
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        match self.shared.attempt_recv() {
            Some(end) => end.map_err(|Closed(())| TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    /// Receives as many values as there are, at most `most`, into `values`; returns how many. Wakes
    /// as many senders, once all are received.
    ///
    /// If `values` panics, what it has not been given is still in the channel.
    ///
    /// # Errors
    /// The channel is closed, and all that was sent has been received.
    pub fn try_recv_into(&self, values: &mut impl Extend<T>, most: usize) -> Result<usize, Closed> {
        self.shared.attempt_recv_into(values, most).unwrap_or(Ok(0))
    }

    /// Receives the oldest value; parks the thread while there is none.
    ///
    /// # Errors
    /// The channel is closed, and all that was sent has been received.
    #[cfg(feature = "blocking")]
    #[inline]
    pub fn recv(&self) -> Result<T, Closed> {
        self.recv_until(None).map_err(|_| Closed(()))
    }

    /// Receives the oldest value; parks the thread while there is none, `timeout` long at most.
    ///
    /// # Errors
    /// There was none in time, or there never will be one.
    #[cfg(feature = "blocking")]
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // A timeout beyond the end of time is none.
        self.recv_until(Instant::now().checked_add(timeout))
    }

    /// Receives the oldest value; parks the thread while there is none, until `deadline` at most.
    ///
    /// # Errors
    /// There was none in time, or there never will be one.
    #[cfg(feature = "blocking")]
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_until(Some(deadline))
    }

    #[cfg(feature = "blocking")]
    #[inline]
    fn recv_until(&self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let received = self.shared.values.block_until(deadline, || self.shared.attempt_recv());
        received.ok_or(RecvTimeoutError::Timeout)?.map_err(|Closed(())| RecvTimeoutError::Closed)
    }

    /// Receives at least one value and as many as there are, at most `most`, into `values`; parks
    /// the thread while there is none. Returns how many; 0 only if `most` is.
    ///
    /// # Errors
    /// The channel is closed, and all that was sent has been received.
    #[cfg(feature = "blocking")]
    pub fn recv_into(&self, values: &mut impl Extend<T>, most: usize) -> Result<usize, Closed> {
        let attempt = || self.shared.attempt_recv_into(values, most);
        let received = self.shared.values.block_until(None, attempt);
        received.unwrap_or_else(|| unreachable!("there is no deadline"))
    }

    /// Receives the oldest value, as soon as there is one. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has received nothing, and if it was
    /// woken for a value, the next one is.
    ///
    /// # Errors
    /// The channel is closed, and all that was sent has been received.
    #[cfg(feature = "async")]
    #[inline]
    pub fn recv_async(&self) -> impl Future<Output = Result<T, Closed>> {
        self.shared.values.wait_until(|| self.shared.attempt_recv())
    }

    /// Receives at least one value and as many as there are, at most `most`, into `values`, as soon
    /// as there is one. Returns how many; 0 only if `most` is. Cancel-safe.
    ///
    /// # Errors
    /// The channel is closed, and all that was sent has been received.
    #[cfg(feature = "async")]
    pub fn recv_into_async(
        &self,
        values: &mut impl Extend<T>,
        most: usize,
    ) -> impl Future<Output = Result<usize, Closed>> {
        self.shared.values.wait_until(move || self.shared.attempt_recv_into(values, most))
    }

    /// Receives the oldest value as soon as there is one: for futures written by hand.
    ///
    /// After `Pending` this receiver has its place in the line until it is polled to the end or
    /// dropped. A wake-up that reaches it there wakes no other receiver: poll again, or drop it.
    #[cfg(feature = "async")]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let Self { shared, polled } = self;
        polled.poll_until(cx, || shared.attempt_recv())
    }

    /// Closes the channel, for both ends; false if it was closed before. What is inside can still be
    /// received.
    pub fn close(&self) -> bool {
        self.shared.close()
    }

    /// Whether the channel is closed. What was sent is still there to be received.
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

    /// Whether both receive from the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// A handle that does not keep the channel open.
    pub fn downgrade(&self) -> WeakReceiver<T, R> {
        WeakReceiver::new(&self.shared)
    }
}

impl<T, R: IndexRing> Clone for Receiver<T, R> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        shared.add_receiver();
        Self::new(shared)
    }
}

/// The last one closes the channel.
impl<T, R: IndexRing> Drop for Receiver<T, R> {
    fn drop(&mut self) {
        self.shared.remove_receiver();
    }
}

#[cfg(feature = "blocking")]
mod iter {
    use super::{IndexRing, LockFreeRing, Receiver};

    /// Receives value after value, and waits for each; see [`Receiver::iter`].
    #[derive(Debug)]
    pub struct Iter<'a, T, R: IndexRing = LockFreeRing>(&'a Receiver<T, R>);

    /// Receives value after value, and waits for each.
    #[derive(Debug)]
    pub struct IntoIter<T, R: IndexRing = LockFreeRing>(Receiver<T, R>);

    impl<T, R: IndexRing> Receiver<T, R> {
        /// Receives value after value; parks the thread while there is none, and ends when the
        /// channel is closed and all that was sent has been received.
        pub fn iter(&self) -> Iter<'_, T, R> {
            Iter(self)
        }
    }

    impl<T, R: IndexRing> Iterator for Iter<'_, T, R> {
        type Item = T;

        fn next(&mut self) -> Option<T> {
            self.0.recv().ok()
        }
    }

    impl<T, R: IndexRing> Iterator for IntoIter<T, R> {
        type Item = T;

        fn next(&mut self) -> Option<T> {
            self.0.recv().ok()
        }
    }

    impl<'a, T, R: IndexRing> IntoIterator for &'a Receiver<T, R> {
        type Item = T;
        type IntoIter = Iter<'a, T, R>;

        fn into_iter(self) -> Iter<'a, T, R> {
            self.iter()
        }
    }

    impl<T, R: IndexRing> IntoIterator for Receiver<T, R> {
        type Item = T;
        type IntoIter = IntoIter<T, R>;

        fn into_iter(self) -> IntoIter<T, R> {
            IntoIter(self)
        }
    }
}

/// As [`poll_recv`](Receiver::poll_recv), which see.
#[cfg(feature = "stream")]
impl<T, R: IndexRing> futures_core::Stream for Receiver<T, R> {
    type Item = T;

    fn poll_next(self: core::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_recv(cx).map(Result::ok)
    }
}

impl<T, R: IndexRing> fmt::Debug for Receiver<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("channel", &self.shared).finish_non_exhaustive()
    }
}
