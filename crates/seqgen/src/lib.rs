#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod batch;
mod builder;
#[cfg(feature = "durable")]
pub mod durable;
mod error;
mod lease;
mod sequence;
#[cfg(feature = "alloc")]
mod set;
pub mod snowflake;
mod state;

pub use batch::Batch;
pub use builder::Builder;
#[cfg(feature = "durable")]
pub use durable::DurableSequence;
pub use error::{BuildError, Exhausted, OutOfRange};
pub use lease::Lease;
pub use sequence::Sequence;
#[cfg(feature = "alloc")]
pub use set::{SequenceSet, Taken};
pub use snowflake::Snowflake;
