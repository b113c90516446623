//! What a limiter is to admit.

use core::{num::NonZeroU64, time::Duration};

use crate::{
    error::{BadQuota, Denied},
    reciprocal::Reciprocal,
};

/// The longest time that a quota speaks of, in nanoseconds: sums of a few stay below 2^64.
const LONGEST: u64 = 1 << 60;
/// Marks the tolerance of terms with a window, among their words.
const WINDOWED: u64 = 1 << 63;

/// How many events in what time.
///
/// | quota | admits at most | and so |
/// | --- | --- | --- |
/// | [`fixed`](Self::fixed) | `limit` in each window, one after the other from the clock's start | up to twice the limit around the border of two |
/// | [`sliding`](Self::sliding) | `limit` in *any* stretch of time as long as the window | an event counts for up to a sixteenth of the window longer |
/// | [`gcra`](Self::gcra) | `burst` at once, and from then on one each `period / rate` | `burst + t / interval` in any stretch `t` |
///
/// `gcra` is the generic cell rate algorithm (ITU-T I.371), a leaky bucket as a meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota(pub(super) Terms);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terms {
    Paced(Pace),
    Sliding { limit: u32, window: u64 },
}

impl Quota {
    /// `limit` in each window, which begin at multiples of `window` on the clock.
    ///
    /// # Errors
    /// The limit or the window is 0, the window longer than 36 years, or the limit more than one each
    /// nanosecond.
    pub fn fixed(limit: u32, window: Duration) -> Result<Self, BadQuota> {
        let (events, window) = (events(limit)?, nanos(window)?);
        let interval = window.get() / events;
        if interval == 0 {
            return Err(BadQuota::TooMany);
        }
        Ok(Self(Terms::Paced(Pace::new(interval, u64::from(limit), window)?)))
    }

    /// `limit` in any stretch of time as long as `window`.
    ///
    /// # Errors
    /// The limit is 0 or above 4,194,304, the window 0, shorter than a millisecond or longer than 36
    /// years.
    pub fn sliding(limit: u32, window: Duration) -> Result<Self, BadQuota> {
        events(limit)?;
        match nanos(window)?.get() {
            _ if limit > crate::state::mark::MOST => Err(BadQuota::TooMany),
            ..1_000_000 => Err(BadQuota::TooShort),
            window => Ok(Self(Terms::Sliding { limit, window })),
        }
    }

    /// `rate` events in each `period`, evenly, with a burst of as many after a pause. The interval
    /// between two is rounded up to nanoseconds.
    ///
    /// # Errors
    /// The rate or the period is 0, the period longer than 36 years, or the rate more than one each
    /// nanosecond.
    pub fn gcra(rate: u32, period: Duration) -> Result<Self, BadQuota> {
        let (events, period) = (events(rate)?, nanos(period)?);
        if events > period {
            return Err(BadQuota::TooMany);
        }
        let interval = period.get().div_ceil(events.get());
        Ok(Self(Terms::Paced(Pace::new(interval, u64::from(rate), NonZeroU64::MIN)?)))
    }

    /// The same with a burst of `burst`: how many are admitted at once after a pause.
    ///
    /// # Errors
    /// The burst is 0, or would take longer than 36 years to come back; or it is no quota of
    /// [`gcra`](Self::gcra).
    pub fn with_burst(self, burst: u32) -> Result<Self, BadQuota> {
        let burst = events(burst)?.get();
        match self.0 {
            Terms::Paced(pace) if pace.window.divisor() == 1 => {
                Ok(Self(Terms::Paced(Pace::new(pace.interval, burst, NonZeroU64::MIN)?)))
            }
            _ => Err(BadQuota::OtherKind),
        }
    }
}

fn events(n: u32) -> Result<NonZeroU64, BadQuota> {
    NonZeroU64::new(n.into()).ok_or(BadQuota::LimitIsZero)
}

fn nanos(time: Duration) -> Result<NonZeroU64, BadQuota> {
    let nanos = u64::try_from(time.as_nanos()).ok().filter(|&nanos| nanos <= LONGEST);
    NonZeroU64::new(nanos.ok_or(BadQuota::TooLong)?).ok_or(BadQuota::PeriodIsZero)
}

/// The generic cell rate algorithm, on a clock that ticks once a window.
///
/// The state is one time: when all that was admitted will have been worked off, at one event an
/// interval. An event is admitted if that time stays within `tolerance` of the present. On a clock that
/// shows every nanosecond this is the algorithm itself. On one that stands still for a window of
/// `limit` intervals nothing is worked off within the window and all at its end: a fixed window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) interval: u64,
    pub(super) tolerance: u64,
    window: Reciprocal,
}

impl Pace {
    fn new(interval: u64, burst: u64, window: NonZeroU64) -> Result<Self, BadQuota> {
        let tolerance = interval.checked_mul(burst).filter(|&time| time <= LONGEST);
        let tolerance = tolerance.ok_or(BadQuota::TooLong)?;
        Ok(Self { interval, tolerance, window: Reciprocal::new(window) })
    }

    #[inline]
    pub(super) fn is_even(self) -> bool {
        self.window.divisor() == 1
    }

    /// The first two words are all that is needed where there is no window.
    pub(super) fn to_words(self) -> [u64; 4] {
        let [divisor, magic] = self.window.to_words();
        let windowed = if self.is_even() { 0 } else { WINDOWED };
        [self.interval, self.tolerance | windowed, divisor, magic]
    }

    /// What `to_words` gave.
    #[inline]
    pub(super) fn from_words([interval, tolerance, divisor, magic]: [u64; 4]) -> Self {
        let window = Reciprocal::from_words([divisor, magic]);
        Self { interval, tolerance: tolerance & !WINDOWED, window }
    }

    /// The same of the first two words, unless there is a window.
    #[inline]
    pub(super) fn from_even([interval, tolerance]: [u64; 2]) -> Option<Self> {
        let even = Self { interval, tolerance, window: const { Reciprocal::new(NonZeroU64::MIN) } };
        (tolerance & WINDOWED == 0).then_some(even)
    }

    /// The state after `n` more events at `now`, if they are admitted.
    #[inline]
    pub(super) fn admit(self, state: u64, now: u64, n: u32) -> Result<u64, Denied> {
        let cost = self.interval.saturating_mul(n.into());
        let Some(most) = self.tolerance.checked_sub(cost) else { return Err(Denied::NEVER) };
        let start = self.start(now);
        let debt = state.saturating_sub(start);
        if debt <= most {
            return Ok(start.saturating_add(debt + cost));
        }
        // The clock must have ticked that far.
        let earliest = (state - most).saturating_add(self.window.divisor() - 1);
        Err(Denied::for_nanos(self.start(earliest).saturating_sub(now)))
    }

    /// The time that the clock shows which ticks once a window.
    #[inline]
    fn start(self, now: u64) -> u64 {
        if self.is_even() { now } else { self.window.floor(now) }
    }

    /// How many would be admitted at `now`.
    pub(super) fn available(self, state: u64, now: u64) -> u32 {
        let start = self.start(now);
        let room = start.saturating_add(self.tolerance).saturating_sub(state.max(start));
        u32::try_from(room / self.interval).unwrap_or(u32::MAX)
    }

    /// The state in which nothing is left at `now`.
    pub(super) fn spent(self, now: u64) -> u64 {
        self.start(now).saturating_add(self.tolerance)
    }
}
