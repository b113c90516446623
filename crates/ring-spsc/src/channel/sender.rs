//! The end that sends.

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
use super::SendTimeoutError;
use super::{Closed, TrySendError, Waiting};
use crate::{Full, Producer};

/// The end of a [`channel`](super::channel()) that sends.
pub struct Sender<T> {
    // Dropped in this order: the receiver that is woken sees this end gone.
    producer: Producer<T>,
    receiver: WakeAtDrop,
}

struct WakeAtDrop(Arc<Waiting>);

impl Drop for WakeAtDrop {
    fn drop(&mut self) {
        self.0.receiver.wake();
    }
}

impl<T> Sender<T> {
    pub(super) fn new(producer: Producer<T>, waiting: Arc<Waiting>) -> Self {
        Self { producer, receiver: WakeAtDrop(waiting) }
    }

    /// Sends `value` if there is room. Wait-free.
    ///
    /// # Errors
    /// There is no room, or the receiver is gone; `value` is inside.
    pub fn try_send(&mut self, value: T) -> Result<(), TrySendError<T>> {
        try_send(&mut self.producer, &self.receiver.0, value)
    }

    /// Sends values of `values` until it ends or there is no room; returns how many. Takes no value
    /// from `values` that it does not send. Wakes the receiver once. Wait-free.
    ///
    /// If `values` panics, what it yielded has been sent.
    ///
    /// # Errors
    /// The receiver is gone; `values` was not touched.
    pub fn try_send_iter(&mut self, values: impl IntoIterator<Item = T>) -> Result<usize, Closed> {
        /// Wakes the receiver also when the iterator panics.
        struct Wake<'a>(&'a Waiting);

        impl Drop for Wake<'_> {
            fn drop(&mut self) {
                self.0.receiver.wake();
            }
        }

        if self.producer.is_closed() {
            return Err(Closed(()));
        }
        let _wake = Wake(&self.receiver.0);
        Ok(self.producer.push_iter(values))
    }

    /// Sends `value`; parks the thread while there is no room.
    ///
    /// # Errors
    /// The receiver is gone; `value` is inside.
    #[cfg(feature = "blocking")]
    pub fn send(&mut self, value: T) -> Result<(), Closed<T>> {
        match self.send_until(value, None) {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Timeout(_)) => unreachable!("there is no deadline"),
            Err(SendTimeoutError::Closed(value)) => Err(Closed(value)),
        }
    }

    /// Sends `value`; parks the thread while there is no room, `timeout` long at most.
    ///
    /// # Errors
    /// There was no room in time, or the receiver is gone; `value` is inside.
    #[cfg(feature = "blocking")]
    pub fn send_timeout(&mut self, value: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        // A timeout beyond the end of time is none.
        self.send_until(value, Instant::now().checked_add(timeout))
    }

    /// Sends `value`; parks the thread while there is no room, until `deadline` at most.
    ///
    /// # Errors
    /// There was no room in time, or the receiver is gone; `value` is inside.
    #[cfg(feature = "blocking")]
    pub fn send_deadline(
        &mut self,
        value: T,
        deadline: Instant,
    ) -> Result<(), SendTimeoutError<T>> {
        self.send_until(value, Some(deadline))
    }

    #[cfg(feature = "blocking")]
    fn send_until(
        &mut self,
        value: T,
        deadline: Option<Instant>,
    ) -> Result<(), SendTimeoutError<T>> {
        let Self { producer, receiver: WakeAtDrop(waiting) } = self;
        let mut value = Some(value);
        match waiting.sender.block_until(deadline, || attempt(producer, waiting, &mut value)) {
            Some(Ok(())) => Ok(()),
            Some(Err(Closed(value))) => Err(SendTimeoutError::Closed(value)),
            None => Err(SendTimeoutError::Timeout(value.expect("what was not sent is here"))),
        }
    }

    /// Sends `value`, as soon as there is room. Works under any runtime.
    ///
    /// Cancel-safe: a future that is dropped before it is ready has sent nothing; its value is
    /// dropped with it.
    ///
    /// # Errors
    /// The receiver is gone; `value` is inside.
    #[cfg(feature = "async")]
    pub async fn send_async(&mut self, value: T) -> Result<(), Closed<T>> {
        let mut value = Some(value);
        poll_fn(|cx| self.poll_send(cx, &mut value)).await
    }

    /// Sends what is in `value`, which must be there, as soon as there is room: the poll behind
    /// [`send_async`](Self::send_async), for futures written by hand.
    ///
    /// # Panics
    /// `value` is `None`.
    #[cfg(feature = "async")]
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        value: &mut Option<T>,
    ) -> Poll<Result<(), Closed<T>>> {
        let Self { producer, receiver: WakeAtDrop(waiting) } = self;
        waiting.sender.poll_until(cx, || attempt(producer, waiting, value))
    }

    /// How many values the channel holds at most.
    pub fn capacity(&self) -> usize {
        self.producer.capacity()
    }

    /// How many values are in the channel, at some moment of this call.
    pub fn len(&self) -> usize {
        self.producer.len()
    }

    /// Whether everything sent has been received.
    pub fn is_empty(&self) -> bool {
        self.producer.is_empty()
    }

    /// Whether there is no room now.
    pub fn is_full(&self) -> bool {
        self.producer.is_full()
    }

    /// Whether the receiver is gone.
    pub fn is_closed(&self) -> bool {
        self.producer.is_closed()
    }
}

fn try_send<T>(
    producer: &mut Producer<T>,
    waiting: &Waiting,
    value: T,
) -> Result<(), TrySendError<T>> {
    if producer.is_closed() {
        return Err(TrySendError::Closed(value));
    }
    match producer.push(value) {
        Ok(()) => {
            waiting.receiver.wake();
            Ok(())
        }
        Err(Full(value)) => Err(TrySendError::Full(value)),
    }
}

/// One attempt of a send that waits: takes the value out of `value` when that ends the wait.
#[cfg(any(feature = "async", feature = "blocking"))]
fn attempt<T>(
    producer: &mut Producer<T>,
    waiting: &Waiting,
    value: &mut Option<T>,
) -> Option<Result<(), Closed<T>>> {
    match try_send(producer, waiting, value.take().expect("there is a value to send")) {
        Ok(()) => Some(Ok(())),
        Err(TrySendError::Closed(value)) => Some(Err(Closed(value))),
        Err(TrySendError::Full(back)) => {
            *value = Some(back);
            None
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("ring", &self.producer).finish_non_exhaustive()
    }
}
