//! The packed words, as pure functions.

pub(crate) mod bucket;
pub(crate) mod mark;
#[cfg(feature = "std")]
pub(crate) mod slot;
