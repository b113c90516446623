//! The end that receives.

use alloc::sync::Arc;
use core::fmt;
#[cfg(feature = "blocking")]
use core::time::Duration;
#[cfg(feature = "async")]
use core::{
    future::poll_fn,
    task::{Context, Poll},
};
#[cfg(feature = "blocking")]
use std::time::Instant;

#[cfg(feature = "blocking")]
use super::RecvTimeoutError;
use super::{Closed, TryRecvError, Waiting};
use crate::Consumer;

#[cfg(feature = "blocking")]
pub use iter::{IntoIter, Iter};

/// The end of a [`channel`](super::channel()) that receives.
///
/// A loop over it (feature `blocking`) waits for each value, and ends when the sender is gone and all
/// that it sent has been received. As a `Stream` (feature `stream`) it does likewise.
pub struct Receiver<T> {
    // Dropped in this order: the sender that is woken sees this end gone.
    consumer: Consumer<T>,
    sender: WakeAtDrop,
}

struct WakeAtDrop(Arc<Waiting>);

impl Drop for WakeAtDrop {
    fn drop(&mut self) {
        self.0.sender.wake();
    }
}

impl<T> Receiver<T> {
    pub(super) fn new(consumer: Consumer<T>, waiting: Arc<Waiting>) -> Self {
        Self { consumer, sender: WakeAtDrop(waiting) }
    }

    /// Receives the oldest value if there is one. Wait-free.
    ///
    /// # Errors
    /// There is no value now, or there never will be one.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        attempt(&mut self.consumer, &self.sender.0)
            .map_or(Err(TryRecvError::Empty), |end| end.map_err(|Closed(())| TryRecvError::Closed))
    }

    /// Receives as many values as there are, at most `most`, into `values`; returns how many. Wakes
    /// the sender once. Wait-free, as far as `values` is.
    ///
    /// If `values` panics, what it has not been given is still in the channel.
    ///
    /// # Errors
    /// The sender is gone, and all that it sent has been received.
    pub fn try_recv_into(
        &mut self,
        values: &mut impl Extend<T>,
        most: usize,
    ) -> Result<usize, Closed> {
        recv_into(&mut self.consumer, &self.sender.0, values, most).unwrap_or(Ok(0))
    }

    /// Receives the oldest value; parks the thread while there is none.
    ///
    /// # Errors
    /// The sender is gone, and all that it sent has been received.
    #[cfg(feature = "blocking")]
    pub fn recv(&mut self) -> Result<T, Closed> {
        self.recv_until(None).map_err(|_| Closed(()))
    }

    /// Receives the oldest value; parks the thread while there is none, `timeout` long at most.
    ///
    /// # Errors
    /// There was none in time, or there never will be one.
    #[cfg(feature = "blocking")]
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        // A timeout beyond the end of time is none.
        self.recv_until(Instant::now().checked_add(timeout))
    }

    /// Receives the oldest value; parks the thread while there is none, until `deadline` at most.
    ///
    /// # Errors
    /// There was none in time, or there never will be one.
    #[cfg(feature = "blocking")]
    pub fn recv_deadline(&mut self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        self.recv_until(Some(deadline))
    }

    #[cfg(feature = "blocking")]
    fn recv_until(&mut self, deadline: Option<Instant>) -> Result<T, RecvTimeoutError> {
        let Self { consumer, sender: WakeAtDrop(waiting) } = self;
        waiting
            .receiver
            .block_until(deadline, || attempt(consumer, waiting))
            .ok_or(RecvTimeoutError::Timeout)?
            .map_err(|Closed(())| RecvTimeoutError::Closed)
    }

    /// Receives at least one value and as many as there are, at most `most`, into `values`; parks
    /// the thread while there is none. Returns how many; 0 only if `most` is.
    ///
    /// # Errors
    /// The sender is gone, and all that it sent has been received.
    #[cfg(feature = "blocking")]
    pub fn recv_into(&mut self, values: &mut impl Extend<T>, most: usize) -> Result<usize, Closed> {
        let Self { consumer, sender: WakeAtDrop(waiting) } = self;
        waiting
            .receiver
            .block_until(None, || recv_into(consumer, waiting, values, most))
            .unwrap_or_else(|| unreachable!("there is no deadline"))
    }

    /// Receives the oldest value, as soon as there is one. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has received nothing.
    ///
    /// # Errors
    /// The sender is gone, and all that it sent has been received.
    #[cfg(feature = "async")]
    pub async fn recv_async(&mut self) -> Result<T, Closed> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives at least one value and as many as there are, at most `most`, into `values`, as soon
    /// as there is one. Returns how many; 0 only if `most` is. Cancel-safe.
    ///
    /// # Errors
    /// The sender is gone, and all that it sent has been received.
    #[cfg(feature = "async")]
    pub async fn recv_into_async(
        &mut self,
        values: &mut impl Extend<T>,
        most: usize,
    ) -> Result<usize, Closed> {
        let Self { consumer, sender: WakeAtDrop(waiting) } = self;
        let mut attempt = || recv_into(consumer, waiting, values, most);
        poll_fn(|cx| waiting.receiver.poll_until(cx, &mut attempt)).await
    }

    /// Receives the oldest value as soon as there is one: the poll behind
    /// [`recv_async`](Self::recv_async), for futures written by hand.
    #[cfg(feature = "async")]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Closed>> {
        let Self { consumer, sender: WakeAtDrop(waiting) } = self;
        waiting.receiver.poll_until(cx, || attempt(consumer, waiting))
    }

    /// The oldest value, left where it is.
    pub fn peek(&self) -> Option<&T> {
        self.consumer.peek()
    }

    /// How many values the channel holds at most.
    pub fn capacity(&self) -> usize {
        self.consumer.capacity()
    }

    /// How many values are in the channel, at some moment of this call.
    pub fn len(&self) -> usize {
        self.consumer.len()
    }

    /// Whether there is no value now.
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }

    /// Whether there is no room now.
    pub fn is_full(&self) -> bool {
        self.consumer.is_full()
    }

    /// Whether the sender is gone. What it sent is still there to be received.
    pub fn is_closed(&self) -> bool {
        self.consumer.is_closed()
    }
}

/// One attempt to receive: `None` if there is reason to wait.
fn attempt<T>(consumer: &mut Consumer<T>, waiting: &Waiting) -> Option<Result<T, Closed>> {
    let is_closed = consumer.is_closed();
    match consumer.pop() {
        Some(value) => {
            waiting.sender.wake();
            Some(Ok(value))
        }
        None if is_closed => Some(Err(Closed(()))),
        None => None,
    }
}

/// One attempt to receive several: `None` if there is reason to wait.
fn recv_into<T>(
    consumer: &mut Consumer<T>,
    waiting: &Waiting,
    values: &mut impl Extend<T>,
    most: usize,
) -> Option<Result<usize, Closed>> {
    /// Wakes the sender if there is room for it, also when a collection panics.
    struct Wake<'a> {
        waiting: &'a Waiting,
        popped: usize,
    }

    impl Drop for Wake<'_> {
        fn drop(&mut self) {
            if self.popped > 0 {
                self.waiting.sender.wake();
            }
        }
    }

    let is_closed = consumer.is_closed();
    let mut wake = Wake { waiting, popped: 0 };
    values.extend(consumer.pop_iter().take(most).inspect(|_| wake.popped += 1));
    match wake.popped {
        0 if most == 0 => Some(Ok(0)),
        0 if is_closed => Some(Err(Closed(()))),
        0 => None,
        popped => Some(Ok(popped)),
    }
}

#[cfg(feature = "blocking")]
mod iter {
    use super::Receiver;

    /// Receives value after value, and waits for each; see [`Receiver::iter`].
    #[derive(Debug)]
    pub struct Iter<'a, T>(&'a mut Receiver<T>);

    /// Receives value after value, and waits for each.
    #[derive(Debug)]
    pub struct IntoIter<T>(Receiver<T>);

    impl<T> Receiver<T> {
        /// Receives value after value; parks the thread while there is none, and ends when the
        /// sender is gone and all that it sent has been received.
        pub fn iter(&mut self) -> Iter<'_, T> {
            Iter(self)
        }
    }

    impl<T> Iterator for Iter<'_, T> {
        type Item = T;

        fn next(&mut self) -> Option<T> {
            self.0.recv().ok()
        }
    }

    impl<T> Iterator for IntoIter<T> {
        type Item = T;

        fn next(&mut self) -> Option<T> {
            self.0.recv().ok()
        }
    }

    impl<T> IntoIterator for Receiver<T> {
        type Item = T;
        type IntoIter = IntoIter<T>;

        fn into_iter(self) -> IntoIter<T> {
            IntoIter(self)
        }
    }
}

#[cfg(feature = "stream")]
impl<T> futures_core::Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: core::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_recv(cx).map(Result::ok)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("ring", &self.consumer).finish_non_exhaustive()
    }
}
