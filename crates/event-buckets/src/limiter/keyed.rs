//! A limiter for each key, in bounded memory.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    marker::PhantomData,
    time::Duration,
};
use std::hash::RandomState;

use lockfree_core::clock::{Clock, MonotonicClock};

use super::{
    nanos,
    quota::{Quota, Terms},
    table::Table,
};
use crate::error::{BadQuota, Denied};

/// A quota for each key, in a table that is made once and never grows.
///
/// # What a key gets
///
/// Each key is admitted what the quota allows it, as by a [`RateLimiter`](crate::RateLimiter) of its own,
/// and *never more*, whatever the others do. A key is forgotten only when it owes nothing any more, and
/// would begin where it left off: with all its burst. Who has owed nothing for longest makes room first.
///
/// Memory is bounded, so a flood of keys must cost somebody something. The table holds
/// [`capacity`](Self::capacity) keys that owe something, in lines of 7. When a line is full of them,
/// a new key shares one quota with all others that came too late for that line, until one of the 7 has
/// paid. So under a flood of distinct keys it is the newcomers who are admitted less than their quota;
/// those who were there before keep theirs. Two keys whose hashes agree in their line and in 23 more
/// bits share a quota too.
///
/// Keys are not kept, only their hashes: by default a `SipHash` under a key that nobody knows, so that
/// nobody can choose whom to crowd out. A key takes 9.1 bytes of the capacity asked for, which is
/// rounded up to 7 times a power of two.
///
/// Only quotas of [`Quota::gcra`] fit. Times are kept to 2^-25 of what a burst takes to come back.
///
/// ```
/// use core::time::Duration;
/// use event_buckets::{KeyedLimiter, Quota};
///
/// let quota = Quota::gcra(5, Duration::from_secs(60))?;
/// let logins = KeyedLimiter::<str>::new(quota, 10_000)?;
/// assert!((0..5).all(|_| logins.check("ada").is_ok()));
/// assert!(logins.check("ada").is_err() && logins.check("grace").is_ok());
/// # Ok::<(), event_buckets::BadQuota>(())
/// ```
pub struct KeyedLimiter<K: ?Sized, C = MonotonicClock, S = RandomState> {
    table: Table,
    clock: C,
    hasher: S,
    of_keys: PhantomData<fn(&K)>,
}

impl<K: Hash + ?Sized> KeyedLimiter<K> {
    /// A limiter with room for `capacity` keys that owe something, on the system's monotonic clock.
    ///
    /// # Errors
    /// The quota is not one of [`Quota::gcra`], or its burst above 1,048,576.
    pub fn new(quota: Quota, capacity: usize) -> Result<Self, BadQuota> {
        Self::with_clock(quota, capacity, MonotonicClock::new())
    }
}

impl<K: Hash + ?Sized, C: Clock> KeyedLimiter<K, C> {
    /// As [`new`](KeyedLimiter::new), on a clock of the caller's.
    ///
    /// # Errors
    /// The quota is not one of [`Quota::gcra`], or its burst above 1,048,576.
    pub fn with_clock(quota: Quota, capacity: usize, clock: C) -> Result<Self, BadQuota> {
        Self::with_clock_and_hasher(quota, capacity, clock, RandomState::new())
    }
}

impl<K: Hash + ?Sized, C: Clock, S: BuildHasher> KeyedLimiter<K, C, S> {
    /// As [`new`](KeyedLimiter::new), with a hasher of the caller's, whose 64 bits must all be good.
    ///
    /// # Errors
    /// The quota is not one of [`Quota::gcra`], or its burst above 1,048,576.
    pub fn with_clock_and_hasher(
        quota: Quota,
        capacity: usize,
        clock: C,
        hasher: S,
    ) -> Result<Self, BadQuota> {
        let Terms::Paced(pace) = quota.0 else { return Err(BadQuota::OtherKind) };
        if !pace.is_even() {
            return Err(BadQuota::OtherKind);
        }
        Ok(Self { table: Table::new(pace, capacity)?, clock, hasher, of_keys: PhantomData })
    }

    /// Admits one event of `key` now. As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// It is over the limit.
    #[inline]
    pub fn check(&self, key: &K) -> Result<(), Denied> {
        self.acquire(key, 1)
    }

    /// Admits `n` events of `key` now, all or none. Never waits and never allocates. Lock-free; a denial
    /// of a key that the table knows writes nothing.
    ///
    /// # Errors
    /// They are over the limit. Nothing was taken from the key.
    #[inline]
    pub fn acquire(&self, key: &K, n: u32) -> Result<(), Denied> {
        self.acquire_by(key, n, || self.clock.now_nanos())
    }

    /// Admits `n` events of `key` at a time of the limiter's clock that the caller has just read.
    ///
    /// # Errors
    /// They are over the limit. Nothing was taken from the key.
    #[inline]
    pub fn acquire_at(&self, now: Duration, key: &K, n: u32) -> Result<(), Denied> {
        let now = nanos(now);
        self.acquire_by(key, n, || now)
    }

    fn acquire_by(&self, key: &K, n: u32, clock: impl Fn() -> u64) -> Result<(), Denied> {
        if n == 0 { Ok(()) } else { self.table.acquire(self.hasher.hash_one(key), n, clock) }
    }

    /// Whether `n` events of `key` would be admitted now. Takes nothing.
    ///
    /// # Errors
    /// They would not.
    pub fn peek(&self, key: &K, n: u32) -> Result<(), Denied> {
        self.table.peek(self.hasher.hash_one(key), n, self.clock.now_nanos())
    }

    /// Goes on under another quota, at once. What keys owe they owe in time, and still do.
    ///
    /// # Errors
    /// The quota is not one of [`Quota::gcra`], its burst is above 1,048,576, or it does not fit the
    /// resolution of the table: see [`BadQuota::OutOfScale`]. Nothing has changed then.
    pub fn reconfigure(&self, quota: Quota) -> Result<(), BadQuota> {
        match quota.0 {
            Terms::Paced(pace) if pace.is_even() => self.table.reconfigure(pace),
            _ => Err(BadQuota::OtherKind),
        }
    }

    /// Waits until `n` events of `key` are admitted, asleep in `sleep`, which a runtime provides: see
    /// [`RateLimiter::until_ready`](crate::RateLimiter::until_ready).
    ///
    /// # Errors
    /// They never will be.
    pub async fn until_ready<F: Future<Output = ()>>(
        &self,
        key: &K,
        n: u32,
        sleep: impl Fn(Duration) -> F,
    ) -> Result<(), Denied> {
        loop {
            let ended = self.acquire(key, n);
            match ended.err().and_then(|denied| denied.retry_after()) {
                Some(after) => sleep(after).await,
                None => return ended,
            }
        }
    }

    /// Blocks the thread until `n` events of `key` are admitted.
    ///
    /// # Errors
    /// They never will be.
    pub fn block_until_ready(&self, key: &K, n: u32) -> Result<(), Denied> {
        loop {
            let ended = self.acquire(key, n);
            match ended.err().and_then(|denied| denied.retry_after()) {
                Some(after) => std::thread::sleep(after),
                None => return ended,
            }
        }
    }

    /// How many keys that owe something have a place. It never changes.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// How many keys owe something now: a snapshot, which looks at the whole table.
    pub fn busy(&self) -> usize {
        self.table.busy(self.clock.now_nanos())
    }

    /// The clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }
}

impl<K: ?Sized, C, S> fmt::Debug for KeyedLimiter<K, C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedLimiter")
            .field("capacity", &self.table.capacity())
            .finish_non_exhaustive()
    }
}
