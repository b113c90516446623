#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "std")]
mod cells;
mod counter;
mod error;
#[cfg(feature = "std")]
mod sharded;
mod signed;
#[cfg(feature = "std")]
mod signed_sharded;
#[cfg(feature = "std")]
mod slab;
mod word;

pub use counter::Counter;
pub use error::OutOfRange;
#[cfg(feature = "std")]
pub use error::SlabFull;
#[cfg(feature = "std")]
pub use sharded::{DeltaReader, ShardedCounter};
pub use signed::SignedCounter;
#[cfg(feature = "std")]
pub use signed_sharded::SignedShardedCounter;
#[cfg(feature = "std")]
pub use slab::{CounterSlab, SlabCounter};
