//! What can go wrong without a file.

use core::{error::Error, fmt};

/// The version that was asked for is not in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKept(
    /// The version.
    pub u64,
);

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} is not kept", self.0)
    }
}

impl Error for NotKept {}

/// Why there is no further version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitError {
    /// None came in time.
    Timeout,
    /// None will come: every `HotConfig` is dropped.
    Closed,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no new version came in time",
            Self::Closed => "no new version will come",
        })
    }
}

impl Error for WaitError {}
