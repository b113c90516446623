//! A ring whose ends wait for each other: by parking the thread, or as a future of any runtime.
//!
//! The values go through a slotted [`ring`](crate::ring()). Beside it each end has a cell in which it
//! leaves word of how to be woken. An operation that need not wait costs, over the plain ring's, a
//! fence and a load; the plain ring pays nothing. Whoever must wait spins for some microseconds at
//! most and then sleeps.
//!
//! One end may wait in either form, at different times; the other end wakes it the same way.
//!
//! ```
//! use ring_spsc::channel;
//!
//! # #[cfg(feature = "blocking")] {
//! let (mut sender, receiver) = channel::channel::<u64>(8);
//! let doubling = std::thread::spawn(move || receiver.into_iter().map(|value| value * 2).sum::<u64>());
//! for value in 1..=100 {
//!     sender.send(value).unwrap();
//! }
//! drop(sender);
//! assert_eq!(doubling.join().unwrap(), 10_100);
//! # }
//! ```

mod error;
mod receiver;
mod sender;

use alloc::sync::Arc;

use lockfree_core::{CachePadded, wait::WakerCell};

pub use error::{Closed, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError};
pub use receiver::Receiver;
#[cfg(feature = "blocking")]
pub use receiver::{IntoIter, Iter};
pub use sender::Sender;

/// A channel that holds at most `capacity` values, and its two ends. Allocates twice, here.
///
/// # Panics
/// `capacity` is 0, or the slots exceed `isize::MAX` bytes.
#[must_use = "a channel without its ends is freed at once"]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (producer, consumer) = crate::ring(capacity);
    let waiting = Arc::new(Waiting::default());
    (Sender::new(producer, Arc::clone(&waiting)), Receiver::new(consumer, waiting))
}

/// Where each end leaves word of how to be woken.
#[derive(Debug, Default)]
struct Waiting {
    /// The sender, for room.
    sender: CachePadded<WakerCell>,
    /// The receiver, for a value.
    receiver: CachePadded<WakerCell>,
}
