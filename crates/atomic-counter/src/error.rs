//! What can go wrong.

use core::{error::Error, fmt};

/// A checked operation would have left the range of the counter, which is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange<T> {
    /// What the counter held.
    pub held: T,
    /// What was to be added or subtracted.
    pub operand: T,
}

impl<T> fmt::Display for OutOfRange<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the counter would leave its range")
    }
}

impl<T: fmt::Debug> Error for OutOfRange<T> {}

/// A slab has no more room for another counter.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlabFull;

#[cfg(feature = "std")]
impl fmt::Display for SlabFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the slab holds all the counters it can")
    }
}

#[cfg(feature = "std")]
impl Error for SlabFull {}
