//! What others publish, and what one writes by hand.

use super::Ids;
use crate::case::Role;
use core::{fmt, hint};
use ferroid::generator::AtomicSnowflakeGenerator;
use ferroid::id::SnowflakeMastodonId;
use ferroid::time::{MonotonicClock, UNIX_EPOCH};
use lockfree_core::CachePadded;
use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

const LIMIT: u64 = u64::MAX / 2;

/// A padded atomic word, with no limit: the least that shared ids can cost one by one.
#[derive(Debug)]
pub struct Bare(CachePadded<AtomicU64>);

impl Ids for Bare {
    const NAME: &'static str = "AtomicU64";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Peer;
    type Id = u64;
    type Way<'a> = &'a AtomicU64;

    fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    fn way(&self) -> &AtomicU64 {
        &self.0
    }

    #[inline]
    fn next(way: &mut &AtomicU64) -> u64 {
        way.fetch_add(1, Relaxed)
    }

    fn taken(&self) -> Option<u64> {
        Some(self.0.load(Relaxed))
    }
}

/// The same with a limit that is checked before each exchange.
#[derive(Debug)]
pub struct Checked(CachePadded<AtomicU64>);

impl Ids for Checked {
    const NAME: &'static str = "checked CAS loop";
    const PACKAGE: Option<&'static str> = None;
    type Id = u64;
    type Way<'a> = &'a AtomicU64;

    fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    fn way(&self) -> &AtomicU64 {
        &self.0
    }

    #[inline]
    fn next(way: &mut &AtomicU64) -> u64 {
        let mut current = way.load(Relaxed);
        loop {
            let next = current.checked_add(1).filter(|&next| next <= hint::black_box(LIMIT));
            let next = next.expect("no round takes so many");
            match way.compare_exchange_weak(current, next, Relaxed, Relaxed) {
                Ok(_) => return next,
                Err(now) => current = now,
            }
        }
    }

    fn taken(&self) -> Option<u64> {
        Some(self.0.load(Relaxed))
    }
}

/// A number behind a lock.
#[derive(Debug)]
pub struct Locked(CachePadded<Mutex<u64>>);

impl Ids for Locked {
    const NAME: &'static str = "Mutex<u64>";
    const PACKAGE: Option<&'static str> = None;
    type Id = u64;
    type Way<'a> = &'a Mutex<u64>;

    fn new() -> Self {
        Self(CachePadded::new(Mutex::new(0)))
    }

    fn way(&self) -> &Mutex<u64> {
        &self.0
    }

    #[inline]
    fn next(way: &mut &Mutex<u64>) -> u64 {
        let mut last = way.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        *last
    }

    fn taken(&self) -> Option<u64> {
        Some(*self.way().lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Mastodon = AtomicSnowflakeGenerator<SnowflakeMastodonId, MonotonicClock<1>>;

/// 48 bits of milliseconds and 16 of numbers, by a clock that a thread ticks; spins in a full tick.
pub struct Ferroid(Mastodon);

impl fmt::Debug for Ferroid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ferroid").finish_non_exhaustive()
    }
}

impl Ids for Ferroid {
    const NAME: &'static str = "ferroid";
    const PACKAGE: Option<&'static str> = Some("ferroid");
    type Id = u64;
    type Way<'a> = &'a Mastodon;

    fn new() -> Self {
        Self(AtomicSnowflakeGenerator::new(0, MonotonicClock::with_epoch(UNIX_EPOCH)))
    }

    fn way(&self) -> &Mastodon {
        &self.0
    }

    #[inline]
    fn next(way: &mut &Mastodon) -> u64 {
        way.next_id(|_| hint::spin_loop()).to_raw()
    }
}

/// 12 bits of numbers a millisecond; waits in a full one.
pub struct SnowflakeMe(snowflake_me::Snowflake);

impl fmt::Debug for SnowflakeMe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnowflakeMe").finish_non_exhaustive()
    }
}

impl Ids for SnowflakeMe {
    const NAME: &'static str = "snowflake_me";
    const PACKAGE: Option<&'static str> = Some("snowflake_me");
    type Id = u64;
    type Way<'a> = &'a snowflake_me::Snowflake;

    fn new() -> Self {
        let builder = snowflake_me::Snowflake::builder();
        let builder = builder.machine_id(&|| Ok(1)).data_center_id(&|| Ok(1));
        Self(builder.finalize().expect("these settings are sound"))
    }

    fn way(&self) -> &snowflake_me::Snowflake {
        &self.0
    }

    #[inline]
    fn next(way: &mut &snowflake_me::Snowflake) -> u64 {
        *way.next_id().expect("it has ids for years")
    }
}

/// 128 bits, of which 74 are random or count.
#[derive(Debug)]
pub struct V7;

impl Ids for V7 {
    const NAME: &'static str = "uuid v7";
    const PACKAGE: Option<&'static str> = Some("uuid");
    type Id = u128;
    type Way<'a> = ();

    fn new() -> Self {
        Self
    }

    fn way(&self) {}

    #[inline]
    fn next((): &mut ()) -> u128 {
        Uuid::now_v7().as_u128()
    }
}
