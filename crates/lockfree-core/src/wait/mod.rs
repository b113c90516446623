//! Waiting for another thread, without losing its wake-up.
//!
//! [`WakerCell`] is where one waiting task, thread or future, leaves word of how to wake it. With
//! `std`, `WaitQueue` is the same for many, and `block_on` and `block_until` turn a future into a
//! thread that parks, so a structure that has an async form has a blocking one.

#[cfg(feature = "std")]
mod block;
mod cell;
#[cfg(feature = "std")]
mod queue;

#[cfg(feature = "std")]
pub use block::{block_on, block_until};
pub use cell::WakerCell;
#[cfg(feature = "std")]
pub use queue::{WaitQueue, WaitUntil, Waiter};
