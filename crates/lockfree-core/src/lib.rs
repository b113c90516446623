//! The ground that every crate of the workspace stands on.
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", loom, stepped))]
extern crate std;

#[cfg(feature = "alloc")]
pub mod segments;
#[cfg(feature = "std")]
pub mod slots;
pub mod sync;

pub use crossbeam_utils::CachePadded;
