//! Limiters: who may go on now, and who when.

#[cfg(feature = "std")]
mod keyed;
mod live;
mod paced;
mod quota;
mod sliding;
#[cfg(feature = "std")]
mod table;

use core::{fmt, time::Duration};

use lockfree_core::clock::Clock;
#[cfg(feature = "std")]
use lockfree_core::clock::MonotonicClock;

#[cfg(feature = "std")]
pub use keyed::KeyedLimiter;
pub use quota::Quota;

use self::{paced::Paced, quota::Terms, sliding::Sliding};
use crate::error::{BadQuota, Denied};

/// Admits as many events as its [`Quota`] allows, and tells others when to come again.
///
/// One word decides: all threads together are admitted exactly what the quota says, never more. What
/// is admitted is taken in one step, what is denied writes nothing.
///
/// A clock that steps back, against its promise, makes a limiter stricter, not looser: until the clock
/// has come back to where it was, time stands still for what was admitted before.
///
/// Limiters publish nothing: what a thread did before it was admitted is not thereby visible to others.
/// Who waits is not in a line: of several that wait, anyone may be next.
///
/// ```
/// use core::time::Duration;
/// use event_buckets::{Quota, RateLimiter};
/// use lockfree_core::clock::ManualClock;
///
/// let clock = ManualClock::new();
/// let quota = Quota::gcra(10, Duration::from_secs(1))?.with_burst(2)?;
/// let limiter = RateLimiter::with_clock(quota, &clock);
/// assert!(limiter.acquire(2).is_ok());
/// let denied = limiter.check().unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_millis(100)));
/// clock.advance(Duration::from_millis(100));
/// assert!(limiter.check().is_ok());
/// # Ok::<(), event_buckets::BadQuota>(())
/// ```
#[cfg(feature = "std")]
pub struct RateLimiter<C = MonotonicClock> {
    gate: Gate,
    clock: C,
}

/// Admits as many events as its [`Quota`] allows, and tells others when to come again.
#[cfg(not(feature = "std"))]
pub struct RateLimiter<C> {
    gate: Gate,
    clock: C,
}

#[cfg_attr(not(loom), expect(clippy::large_enum_variant, reason = "it is not moved about"))]
enum Gate {
    Paced(Paced),
    Sliding(Sliding),
}

#[cfg(feature = "std")]
impl RateLimiter {
    /// A limiter on the system's monotonic clock, which begins to run now.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        Self::with_clock(quota, MonotonicClock::new())
    }
}

impl<C: Clock> RateLimiter<C> {
    /// A limiter on a clock of the caller's.
    #[must_use]
    pub fn with_clock(quota: Quota, clock: C) -> Self {
        let now = clock.now_nanos();
        let gate = match quota.0 {
            Terms::Paced(pace) => Gate::Paced(Paced::new(pace)),
            Terms::Sliding { limit, window } => Gate::Sliding(Sliding::new(limit, window, now)),
        };
        Self { gate, clock }
    }

    /// Admits one event now. As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// It is over the limit.
    #[inline]
    pub fn check(&self) -> Result<(), Denied> {
        self.acquire(1)
    }

    /// Admits `n` events now, all or none. Never waits. Lock-free; a denial writes nothing.
    ///
    /// # Errors
    /// They are over the limit. Nothing was taken.
    #[inline]
    pub fn acquire(&self, n: u32) -> Result<(), Denied> {
        let now = self.clock.now_nanos();
        let ended = self.acquire_at_nanos(now, n);
        match &self.gate {
            // This thread stood still between the clock and the word. Once: a clock that has stepped back
            // is not waited for.
            Gate::Paced(paced) if ended.is_err() && paced.is_ahead_of(now) => {
                self.acquire_at_nanos(self.clock.now_nanos(), n)
            }
            _ => ended,
        }
    }

    /// Admits `n` events at a time of the limiter's clock that the caller has just read.
    ///
    /// # Errors
    /// They are over the limit. Nothing was taken.
    #[inline]
    pub fn acquire_at(&self, now: Duration, n: u32) -> Result<(), Denied> {
        self.acquire_at_nanos(nanos(now), n)
    }

    #[inline]
    fn acquire_at_nanos(&self, now: u64, n: u32) -> Result<(), Denied> {
        match &self.gate {
            _ if n == 0 => Ok(()),
            Gate::Paced(paced) => paced.acquire(now, n),
            Gate::Sliding(sliding) => sliding.acquire(now, n),
        }
    }

    /// Whether `n` events would be admitted now. Takes nothing.
    ///
    /// # Errors
    /// They would not.
    pub fn peek(&self, n: u32) -> Result<(), Denied> {
        let now = self.clock.now_nanos();
        match &self.gate {
            _ if n == 0 => Ok(()),
            Gate::Paced(paced) => paced.peek(now, n),
            Gate::Sliding(sliding) => sliding.peek(now, n),
        }
    }

    /// How many events would be admitted now. A snapshot.
    pub fn available(&self) -> u32 {
        let now = self.clock.now_nanos();
        match &self.gate {
            Gate::Paced(paced) => paced.available(now),
            Gate::Sliding(sliding) => sliding.available(now),
        }
    }

    /// Goes on under another quota: at once, while others acquire. Waits for another call of this
    /// function that is under way, and for nobody else; nobody waits for it.
    ///
    /// What was admitted still counts: in a sliding window as it is; otherwise a limiter that had
    /// something left has as much time's worth left, and one that had nothing begins with nothing. An
    /// `acquire` that runs meanwhile follows the old quota or the new one, never a mixture.
    ///
    /// # Errors
    /// It is a sliding window and the limiter's is not, or the reverse; or the window is less than a
    /// sixteenth or more than 3.8 times that with which the limiter began. Nothing has changed then.
    pub fn reconfigure(&self, quota: Quota) -> Result<(), BadQuota> {
        match (&self.gate, quota.0) {
            (Gate::Paced(paced), Terms::Paced(pace)) => {
                paced.reconfigure(pace, self.clock.now_nanos());
                Ok(())
            }
            (Gate::Sliding(sliding), Terms::Sliding { limit, window }) => {
                sliding.reconfigure(limit, window)
            }
            _ => Err(BadQuota::OtherKind),
        }
    }

    /// Waits until `n` events are admitted, asleep in `sleep`, which a runtime provides.
    ///
    /// Takes nothing before it is done, so it may be dropped at any time.
    ///
    /// # Errors
    /// They never will be.
    ///
    /// ```no_run
    /// # async fn tokio_sleep(_: core::time::Duration) {}
    /// # async fn example(limiter: event_buckets::RateLimiter) -> Result<(), event_buckets::Denied> {
    /// limiter.until_ready(1, tokio_sleep).await // tokio::time::sleep
    /// # }
    /// ```
    pub async fn until_ready<S: Future<Output = ()>>(
        &self,
        n: u32,
        sleep: impl Fn(Duration) -> S,
    ) -> Result<(), Denied> {
        loop {
            let ended = self.acquire(n);
            match ended.err().and_then(|denied| denied.retry_after()) {
                Some(after) => sleep(after).await,
                None => return ended,
            }
        }
    }

    /// Blocks the thread until `n` events are admitted.
    ///
    /// # Errors
    /// They never will be.
    #[cfg(feature = "std")]
    pub fn block_until_ready(&self, n: u32) -> Result<(), Denied> {
        loop {
            let ended = self.acquire(n);
            match ended.err().and_then(|denied| denied.retry_after()) {
                Some(after) => std::thread::sleep(after),
                None => return ended,
            }
        }
    }

    /// The clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl<C: Clock> fmt::Debug for RateLimiter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").field("available", &self.available()).finish_non_exhaustive()
    }
}
