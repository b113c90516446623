//! What can go wrong.

use core::{error::Error, fmt};

/// The pool is closed: it gives out nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Why [`Pool::try_acquire`](crate::Pool::try_acquire) gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// Each resource was seen in use, and there may be no extra one.
    Empty,
    /// The pool is closed.
    Closed,
}

/// Why an acquisition with a limit of time gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcquireTimeoutError {
    /// None came back in time.
    Timeout,
    /// The pool is closed.
    Closed,
}

const CLOSED: &str = "the pool is closed";

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "all resources of the pool are in use",
            Self::Closed => CLOSED,
        })
    }
}

impl fmt::Display for AcquireTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no resource came back to the pool in time",
            Self::Closed => CLOSED,
        })
    }
}

impl Error for Closed {}
impl Error for TryAcquireError {}
impl Error for AcquireTimeoutError {}

impl From<Closed> for TryAcquireError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

impl From<Closed> for AcquireTimeoutError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}
