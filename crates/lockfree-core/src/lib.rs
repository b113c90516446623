#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", loom, stepped))]
extern crate std;

mod backoff;
pub mod clock;
#[cfg(feature = "alloc")]
pub mod segments;
#[cfg(feature = "std")]
pub mod slots;
pub mod sync;
#[cfg(target_has_atomic = "64")]
mod tagged_index;
mod tagged_ptr;
pub mod wait;

pub use backoff::Backoff;
pub use crossbeam_utils::CachePadded;
#[cfg(target_has_atomic = "64")]
pub use tagged_index::{AtomicTaggedIndex, TaggedIndex};
pub use tagged_ptr::{AtomicTaggedPtr, TaggedPtr, Unpackable};
