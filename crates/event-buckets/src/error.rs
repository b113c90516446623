//! What was asked for and cannot be.

use core::{error, fmt, time::Duration};

/// Buckets that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadBuckets {
    /// A bucket must last at least a nanosecond.
    WidthIsZero,
    /// A bucket must not last longer than the clock counts: 584 years.
    WidthTooLong,
    /// A history needs a bucket at least.
    NoBuckets,
    /// More buckets than memory can hold: 2^32, or 2^24 on small machines.
    TooManyBuckets,
}

impl fmt::Display for BadBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WidthIsZero => "a bucket must be wider than zero",
            Self::WidthTooLong => "a bucket must not be wider than 2^64 nanoseconds",
            Self::NoBuckets => "a history needs at least one bucket",
            Self::TooManyBuckets => "more buckets than memory can hold",
        })
    }
}

impl error::Error for BadBuckets {}

/// A quota that cannot be, or not in this limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadQuota {
    /// A limit or a burst of 0 would admit nothing ever.
    LimitIsZero,
    /// A window or a period of 0.
    PeriodIsZero,
    /// Longer than a limiter can hold: a window of more than 2^60 nanoseconds (36 years), or a burst
    /// that takes longer than that to come back.
    TooLong,
    /// More than one each nanosecond; in a sliding window more than 4,194,304; a burst of more than
    /// 1,048,576 for each key.
    TooMany,
    /// A sliding window shorter than a millisecond.
    TooShort,
    /// Another kind of quota than the limiter's.
    OtherKind,
    /// A limiter that runs keeps its resolution, and this quota does not fit it: a sliding window of
    /// less than a sixteenth or more than 3.8 times the first one; for keys, a burst that comes back
    /// in more than 1,024 times the first one's time, or an interval too short to be told.
    OutOfScale,
}

impl fmt::Display for BadQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LimitIsZero => "a limit of zero admits nothing",
            Self::PeriodIsZero => "a window or period of zero has no rate",
            Self::TooLong => "a window or a burst that lasts more than 2^60 nanoseconds",
            Self::TooMany => "more events than the limiter can tell apart",
            Self::TooShort => "a sliding window must last at least a millisecond",
            Self::OtherKind => "a limiter cannot change to another kind of quota",
            Self::OutOfScale => "the quota does not fit the resolution of the running limiter",
        })
    }
}

impl error::Error for BadQuota {}

/// A request that a limiter did not admit. It took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Nanoseconds; the most there are stand for never.
    after: u64,
}

impl Denied {
    pub(crate) const NEVER: Self = Self { after: u64::MAX };

    pub(crate) const fn for_nanos(after: u64) -> Self {
        Self { after }
    }

    /// After how long the same request would be admitted, if nobody else came; `None` if never,
    /// since it is for more than the limit.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.after {
            u64::MAX => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry_after() {
            Some(after) => write!(f, "over the limit; try again in {after:?}"),
            None => f.write_str("more than the limit allows at once"),
        }
    }
}

impl error::Error for Denied {}
