#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "std")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod builder;
mod count;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
mod handle;
#[cfg(feature = "std")]
mod hint;
#[cfg(feature = "std")]
mod pool;
#[cfg(feature = "std")]
mod shared;
#[cfg(feature = "std")]
mod slot;
mod state;
#[cfg(feature = "std")]
mod stats;
#[cfg(feature = "std")]
mod tally;

#[cfg(feature = "std")]
pub use builder::Builder;
pub use count::RefCount;
#[cfg(feature = "std")]
pub use error::{AcquireTimeoutError, Closed, TryAcquireError};
#[cfg(feature = "std")]
pub use handle::{Handle, Owned, Ref};
#[cfg(feature = "std")]
pub use pool::Pool;
#[cfg(feature = "std")]
pub use stats::Stats;
