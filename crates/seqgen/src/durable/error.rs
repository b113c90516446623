//! What can go wrong with a file.

use core::{error::Error, fmt};
use std::io;

use crate::error::{BuildError, Exhausted, OutOfRange};

/// A durable sequence cannot be made, or has no id to give. In no case is an id given twice.
#[derive(Debug)]
#[non_exhaustive]
pub enum DurableError {
    /// The limits make no sequence.
    Build(BuildError),
    /// A sequence that cycles would give ids twice, which is what the file is there to prevent.
    Cycles,
    /// The sequence has given its last id.
    Exhausted,
    /// It cannot begin there.
    OutOfRange(OutOfRange),
    /// The file is in use, by this process or another.
    Locked,
    /// The file has not the size that it was made with: something cut or stretched it.
    WrongSize {
        /// Its size in bytes.
        found: u64,
        /// What it should be.
        expected: u64,
    },
    /// The file is none of a durable sequence.
    Foreign,
    /// Both copies of the record are damaged. Where the sequence stood is not to be known from this
    /// file: make a new one that begins behind the last id that anybody has seen.
    Damaged,
    /// The file is that of a sequence with another range, step or direction.
    OtherRule,
    /// The operating system refuses.
    Io {
        /// What was tried.
        doing: &'static str,
        /// What it said.
        source: io::Error,
    },
}

impl DurableError {
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl fmt::Display for DurableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Cycles => f.write_str("a durable sequence cannot cycle: it would give ids twice"),
            Self::Exhausted => Exhausted.fmt(f),
            Self::OutOfRange(error) => error.fmt(f),
            Self::Locked => f.write_str("the sequence's file is in use"),
            Self::WrongSize { found, expected } => {
                write!(f, "the sequence's file has {found} bytes instead of {expected}")
            }
            Self::Foreign => f.write_str("the file is none of a durable sequence"),
            Self::Damaged => f.write_str("both copies of the record in the file are damaged"),
            Self::OtherRule => f.write_str("the file belongs to a sequence with other limits"),
            Self::Io { doing, source } => write!(f, "{doing} the sequence's file: {source}"),
        }
    }
}

impl Error for DurableError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::OutOfRange(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<BuildError> for DurableError {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<OutOfRange> for DurableError {
    fn from(error: OutOfRange) -> Self {
        Self::OutOfRange(error)
    }
}
