//! What can go wrong.

use core::{error::Error, fmt};

/// The sequence has given its last id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sequence has given its last id")
    }
}

impl Error for Exhausted {}

/// A sequence was to begin outside of its range, and is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// What was asked for.
    pub asked: u64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sequence cannot begin at {}: that is outside of its range", self.asked)
    }
}

impl Error for OutOfRange {}

/// These limits make no sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A step of 0 would give one id again and again.
    ZeroStep,
    /// The sequence was to begin outside of its range.
    StartOutOfRange {
        /// Where it was to begin.
        start: u64,
        /// The least id.
        min: u64,
        /// The greatest id.
        max: u64,
    },
    /// The least id is above the greatest.
    EmptyRange {
        /// The least id.
        min: u64,
        /// The greatest id.
        max: u64,
    },
    /// `max - min + |step|` is above `u64::MAX`: there is no place left behind the last id.
    RangeTooWide {
        /// The least id.
        min: u64,
        /// The greatest id.
        max: u64,
        /// The size of a step.
        step: u64,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroStep => f.write_str("a step of 0 would give one id again and again"),
            Self::StartOutOfRange { start, min, max } => {
                write!(f, "a sequence from {min} to {max} cannot begin at {start}")
            }
            Self::EmptyRange { min, max } => write!(f, "there is no id from {min} to {max}"),
            Self::RangeTooWide { min, max, step } => write!(
                f,
                "from {min} to {max} is too far for steps of {step}: range and step together are \
                 at most {}",
                u64::MAX
            ),
        }
    }
}

impl Error for BuildError {}
