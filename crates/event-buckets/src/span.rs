//! Buckets of one width, as numbers: which one a time lies in, and what a window covers.

use core::{num::NonZeroU64, time::Duration};

use crate::{error::BadBuckets, reciprocal::Reciprocal};

/// The width of a bucket and how many make the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    width: Reciprocal,
    buckets: u64,
}

/// How much of which buckets an interpolated window covers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weights {
    /// The oldest bucket, and the part of it.
    pub(crate) first: (u64, f64),
    /// The bucket of the present, and the part of it.
    pub(crate) last: (u64, f64),
    /// The window, cut to the history, in seconds.
    pub(crate) seconds: f64,
}

impl Weights {
    /// The part of bucket `tick` that the window covers. What is newer than the present counts as its.
    pub(crate) fn of(&self, tick: u64) -> f64 {
        match tick {
            tick if tick >= self.last.0 => self.last.1,
            tick if tick == self.first.0 => self.first.1,
            _ => 1.0,
        }
    }
}

impl Span {
    /// More buckets than this are a mistake: 64 GiB of them.
    const MOST: usize = if usize::BITS > 32 { 1 << 32 } else { 1 << 24 };

    pub(crate) fn new(width: Duration, buckets: usize) -> Result<Self, BadBuckets> {
        let nanos = u64::try_from(width.as_nanos()).map_err(|_| BadBuckets::WidthTooLong)?;
        let nanos = NonZeroU64::new(nanos).ok_or(BadBuckets::WidthIsZero)?;
        match buckets {
            0 => Err(BadBuckets::NoBuckets),
            _ if buckets > Self::MOST => Err(BadBuckets::TooManyBuckets),
            _ => Ok(Self { width: Reciprocal::new(nanos), buckets: buckets as u64 }),
        }
    }

    pub(crate) const fn width(self) -> Duration {
        Duration::from_nanos(self.width.divisor())
    }

    pub(crate) const fn buckets(self) -> u64 {
        self.buckets
    }

    /// Places in a ring: one for each bucket of the history, and for the one that a window begins in
    /// when the present bucket is young; a power of two.
    pub(crate) const fn places(self) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "it came out of a usize")]
        let buckets = self.buckets as usize;
        (buckets + 1).next_power_of_two()
    }

    #[inline]
    pub(crate) const fn tick(self, nanos: u64) -> u64 {
        self.width.quotient(nanos)
    }

    /// The time at which bucket `tick` begins.
    pub(crate) const fn start(self, tick: u64) -> u64 {
        tick.saturating_mul(self.width.divisor())
    }

    /// The oldest bucket of the history at `now`.
    pub(crate) const fn oldest(self, now: u64) -> u64 {
        self.tick(now).saturating_sub(self.buckets - 1)
    }

    /// How many whole buckets a window reaches: rounded up, at most the history.
    pub(crate) fn whole(self, window: Duration) -> u64 {
        let buckets = window.as_nanos().div_ceil(u128::from(self.width.divisor()));
        u64::try_from(buckets).unwrap_or(u64::MAX).min(self.buckets)
    }

    /// What the window that ends at `now` covers, if it covers anything.
    pub(crate) fn weights(self, now: u64, window: Duration) -> Option<Weights> {
        let width = self.width.divisor();
        let history = u128::from(width) * u128::from(self.buckets);
        let window = window.as_nanos().min(history);
        if window == 0 {
            return None;
        }
        let present = self.tick(now);
        // Of the present bucket as much has passed as lies between its start and now.
        let passed = now - self.start(present);
        let begin = u64::try_from(window).map_or(0, |window| now.saturating_sub(window));
        let first = self.tick(begin);
        let last = if window < u128::from(passed) { ratio(window, passed.into()) } else { 1.0 };
        let rest = self.start(first).saturating_add(width) - begin;
        let part = if first == present { last } else { ratio(rest.into(), width.into()) };
        let seconds = ratio(window, 1_000_000_000);
        Some(Weights { first: (first, part), last: (present, last), seconds })
    }
}

#[expect(clippy::cast_precision_loss, reason = "an interpolation is no more exact than a float")]
pub(crate) fn ratio(part: u128, whole: u128) -> f64 {
    part as f64 / whole as f64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{BadBuckets, Duration, Span};

    const MICRO: Duration = Duration::from_micros(1);

    fn span(nanos: u64, buckets: usize) -> Span {
        Span::new(Duration::from_nanos(nanos), buckets).unwrap()
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(Span::new(Duration::ZERO, 1), Err(BadBuckets::WidthIsZero));
        assert_eq!(Span::new(Duration::MAX, 1), Err(BadBuckets::WidthTooLong));
        assert_eq!(Span::new(MICRO, 0), Err(BadBuckets::NoBuckets));
        assert_eq!(Span::new(MICRO, usize::MAX), Err(BadBuckets::TooManyBuckets));
        assert!(Span::new(Duration::from_hours(24), 1).is_ok());
    }

    #[test]
    fn a_window_is_rounded_up_to_buckets_and_cut_to_the_history() {
        let span = span(10, 4);
        let windows = [(0, 0), (1, 1), (10, 1), (11, 2), (40, 4), (41, 4), (u64::MAX, 4)];
        for (window, buckets) in windows {
            assert_eq!(span.whole(Duration::from_nanos(window)), buckets, "{window}");
        }
        assert_eq!(span.whole(Duration::MAX), 4);
    }

    #[test]
    fn weights_add_up_to_the_window() {
        let span = span(10, 4);
        for now in 40..200 {
            for window in 1..=40 {
                let weights = span.weights(now, Duration::from_nanos(window)).unwrap();
                let passed = now % 10;
                let (present, first) = (weights.last.0, weights.first.0);
                let covered = (first..=present).map(|tick| {
                    let long = if tick == present { passed } else { 10 };
                    weights.of(tick) * f64::from(u32::try_from(long).unwrap())
                });
                let covered: f64 = covered.sum();
                let window = f64::from(u32::try_from(window).unwrap());
                assert!((covered - window).abs() < 1e-9, "{now} {window} {covered}");
            }
        }
    }
}
