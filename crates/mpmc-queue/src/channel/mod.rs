//! A queue whose ends wait for each other: by parking the thread, or as a future of any runtime.
//!
//! Values go through a [`Queue`], or any other [`Bounded`] queue. Beside it stand two lines: of who
//! waits for a value, and of who waits for room. An operation that need not wait costs, over the plain
//! queue's, two loads, and a fence where the processor is not an x86-64; the plain queue pays nothing.
//!
//! Whoever blocks spins for some microseconds, lets others have the processor once, and then sleeps. Who
//! finds no room stays away until about a quarter of the capacity may be there, so that it can send many
//! before it waits again. Each value wakes one who waits for it, each room made wakes one who waits for
//! that, in the order in which they came; a batch wakes once for each of its values, when all are there.
//!
//! Both ends can be cloned and shared. The channel is *closed* when all senders or all receivers are
//! gone, or when someone says so. Then nothing more is sent, values are given back, and what is
//! inside can still be received. What is sent is received or dropped, once: what is left goes with the
//! last end. A send that runs while the channel is being closed may be either before that or after.
//!
//! ```
//! use mpmc_queue::channel;
//!
//! # #[cfg(feature = "blocking")] {
//! let (sender, receiver) = channel::channel::<u64>(8);
//! let sum = std::thread::scope(|scope| {
//!     let adding = [(); 2].map(|()| scope.spawn(|| receiver.iter().sum::<u64>()));
//!     for value in 1..=100 {
//!         sender.send(value).unwrap();
//!     }
//!     drop(sender);
//!     adding.map(|adding| adding.join().unwrap()).iter().sum::<u64>()
//! });
//! assert_eq!(sum, 5050);
//! # }
//! ```
//!
//! # Progress
//!
//! Where nobody waits, `try_send` and `try_recv` make the progress of the queue: lock-free, or
//! wait-free. Those who wait stand in a line under a lock, which is held for a search among them. Who
//! finds somebody there to wake takes it too, and so waits for a thread that is stopped with it. It is
//! never held during an operation of the queue.

mod error;
mod receiver;
mod sender;
mod shared;
#[cfg(feature = "sink")]
mod sink;
mod weak;

use alloc::sync::Arc;

use crate::{
    Bounded, Queue, Rest, WaitFreeQueue,
    ring::{IndexRing, WaitFreeRing},
};
use shared::Shared;

pub use error::{Closed, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
pub use receiver::Receiver;
#[cfg(feature = "blocking")]
pub use receiver::{IntoIter, Iter};
pub use sender::Sender;
#[cfg(feature = "sink")]
pub use sink::SendSink;
pub use weak::{WeakReceiver, WeakSender};

/// A channel that holds at most `capacity` values in a lock-free queue, and its two ends.
///
/// Allocates here, and where more wait than ever before.
///
/// # Panics
/// As [`Bounded::new`].
#[must_use = "a channel without its ends is freed at once"]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    over(Queue::new(capacity))
}

/// As [`channel`], over a wait-free queue.
///
/// ```
/// let (sender, receiver) = mpmc_queue::channel::wait_free_channel(8);
/// sender.try_send("hello").unwrap();
/// assert_eq!(receiver.try_recv(), Ok("hello"));
/// ```
///
/// # Panics
/// As [`Bounded::new`].
#[must_use = "a channel without its ends is freed at once"]
pub fn wait_free_channel<T>(
    capacity: usize,
) -> (Sender<T, WaitFreeRing>, Receiver<T, WaitFreeRing>) {
    over(WaitFreeQueue::new(capacity))
}

/// A channel over this queue. What is in it already is there to be received.
///
/// ```
/// use mpmc_queue::{Queue, channel};
///
/// let (sender, receiver) = channel::over(Queue::with_hands(100, 4, 0));
/// sender.try_send(1).unwrap();
/// assert_eq!((receiver.len(), receiver.capacity()), (1, 100));
/// ```
#[must_use = "a channel without its ends is freed at once"]
pub fn over<T, R: IndexRing>(queue: Bounded<T, R>) -> (Sender<T, R>, Receiver<T, R>) {
    let shared = Arc::new(Shared::new(queue));
    (Sender::new(Arc::clone(&shared)), Receiver::new(shared))
}
