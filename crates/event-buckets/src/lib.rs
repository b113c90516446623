#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "std")]
mod counter;
#[cfg(feature = "alloc")]
mod error;
#[cfg(feature = "alloc")]
mod limiter;
#[cfg(feature = "alloc")]
mod read;
#[cfg(feature = "alloc")]
mod reciprocal;
#[cfg(feature = "alloc")]
mod ring;
#[cfg(feature = "std")]
mod shard;
#[cfg(feature = "alloc")]
mod shared;
#[cfg(feature = "alloc")]
mod span;
#[cfg(feature = "alloc")]
mod state;

#[cfg(feature = "std")]
pub use counter::EventCounter;
#[cfg(feature = "alloc")]
pub use error::{BadBuckets, BadQuota, Denied};
#[cfg(feature = "std")]
pub use limiter::KeyedLimiter;
#[cfg(feature = "alloc")]
pub use limiter::{Quota, RateLimiter};
#[cfg(feature = "alloc")]
pub use read::Snapshot;
#[cfg(feature = "alloc")]
pub use shared::SharedEventCounter;
