//! A sender as a `Sink`.

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_sink::Sink;

use super::{Closed, Sender};
use crate::ring::{IndexRing, LockFreeRing};

/// A sender as a `futures_sink::Sink`, see [`Sender::into_sink`].
///
/// A sink is asked for room first and given the value later, and in between others may take the room.
/// So it keeps the last value until that has been sent: flush it before you wait for an answer. What it
/// keeps is dropped with it.
///
/// It is closed by leaving the channel: the others there may go on.
pub struct SendSink<T, R: IndexRing = LockFreeRing> {
    /// None once it is closed.
    sender: Option<Sender<T, R>>,
    kept: Option<T>,
}

/// Nothing is pinned in it.
impl<T, R: IndexRing> Unpin for SendSink<T, R> {}

impl<T, R: IndexRing> Sender<T, R> {
    /// This sender as a `Sink` (feature `sink`).
    ///
    /// ```
    /// use futures_util::{SinkExt as _, StreamExt as _, stream};
    /// use mpmc_queue::channel;
    ///
    /// let (sender, receiver) = channel::channel(8);
    /// let values = stream::iter(0..5).map(Ok);
    /// lockfree_core::wait::block_on(values.forward(sender.into_sink())).unwrap();
    /// assert!(receiver.iter().eq(0..5));
    /// ```
    pub fn into_sink(self) -> SendSink<T, R> {
        SendSink { sender: Some(self), kept: None }
    }
}

impl<T, R: IndexRing> SendSink<T, R> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Closed<T>>> {
        match (&mut self.sender, &mut self.kept) {
            (Some(sender), kept @ Some(_)) => sender.poll_send(cx, kept),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<T, R: IndexRing> Sink<T> for SendSink<T, R> {
    type Error = Closed<T>;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed<T>>> {
        self.get_mut().poll_send(cx)
    }

    /// Sends at once if there is room.
    ///
    /// # Panics
    /// It has not been asked whether it is ready, and keeps another value.
    fn start_send(self: Pin<&mut Self>, value: T) -> Result<(), Closed<T>> {
        let Self { sender, kept } = self.get_mut();
        assert!(kept.is_none(), "a value is given to a sink that is not ready");
        let Some(sender) = sender else { return Err(Closed(value)) };
        *kept = Some(value);
        sender.attempt_send(kept).unwrap_or(Ok(()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed<T>>> {
        self.get_mut().poll_send(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Closed<T>>> {
        let this = self.get_mut();
        let flushed = this.poll_send(cx);
        if flushed.is_ready() {
            this.sender = None;
        }
        flushed
    }
}

impl<T, R: IndexRing> fmt::Debug for SendSink<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendSink")
            .field("sender", &self.sender)
            .field("keeps_a_value", &self.kept.is_some())
            .finish()
    }
}
