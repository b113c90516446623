#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "async", feature = "blocking"))]
extern crate std;

#[cfg(any(feature = "async", feature = "blocking"))]
pub mod channel;
mod error;
#[cfg(feature = "std")]
mod handle;
#[cfg(feature = "std")]
mod queue;
#[cfg(feature = "alloc")]
mod request;
#[cfg(feature = "alloc")]
pub mod ring;
#[cfg(feature = "alloc")]
mod state;

pub use error::Full;
#[cfg(feature = "std")]
pub use handle::Handle;
#[cfg(feature = "std")]
pub use queue::{Bounded, IntoIter, Queue, Rest, WaitFreeQueue};
