#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "alloc")]
mod arena;
mod error;
#[cfg(feature = "alloc")]
mod iter;
#[cfg(feature = "alloc")]
mod list;
#[cfg(feature = "std")]
mod magazine;
#[cfg(feature = "alloc")]
mod nodes;
#[cfg(feature = "alloc")]
mod owned;
#[cfg(feature = "alloc")]
pub mod rules;
#[cfg(feature = "alloc")]
mod stack;
#[cfg(feature = "alloc")]
mod state;

pub use error::Full;
#[cfg(feature = "alloc")]
pub use iter::{Drain, IntoIter, Taken};
#[cfg(feature = "alloc")]
pub use owned::IterMut;
#[cfg(feature = "alloc")]
pub use stack::Stack;
