#![doc = include_str!("../README.md")]

mod builder;
mod cache;
mod engine;
mod entry;
mod evict;
mod flight;
mod hash;
mod iter;
mod load;
mod moving;
#[cfg(loom)]
#[doc(hidden)]
pub mod parts;
mod pile;
mod policy;
mod reclaim;
mod state;
mod stats;
#[cfg(not(loom))]
mod sweeper;
mod table;
mod tables;
mod time;
mod upkeep;

pub use builder::Builder;
pub use cache::{Cache, Lookup};
pub use entry::EntryRef;
pub use hash::{Folded, FoldedState};
pub use iter::Iter;
pub use load::Loaded;
pub use lockfree_core::clock::{Clock, ManualClock};
pub use stats::{Cause, Stats};
pub use time::TICK;
