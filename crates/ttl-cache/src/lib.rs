#![doc = include_str!("../README.md")]

mod block;
mod builder;
mod cache;
mod cells;
mod engine;
mod entry;
mod evict;
mod flight;
mod garbage;
mod hash;
mod iter;
mod kept;
mod load;
mod moving;
mod pages;
#[cfg(loom)]
#[doc(hidden)]
pub mod parts;
mod pile;
mod policy;
mod reclaim;
mod session;
mod shape;
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
