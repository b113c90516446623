//! Our cache and others'. Those that know no expiry get what a user would write: a deadline beside the
//! value, by a published clock, so that nobody pays for a clock that others do not.

use super::Store;
use crate::case::Role;
use core::time::Duration;
use lockfree_core::clock::{Clock, CoarseClock, MonotonicClock, Ticker};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use ttl_cache::{Cache, FoldedState, TICK};

const MINUTE: Duration = Duration::from_mins(1);
const MOMENT: Duration = Duration::from_millis(30);

fn now() -> u64 {
    static CLOCK: OnceLock<(Arc<CoarseClock<MonotonicClock>>, Ticker)> = OnceLock::new();
    let (clock, _) = CLOCK.get_or_init(|| {
        let clock = Arc::new(CoarseClock::new());
        let ticker = Ticker::start(Arc::clone(&clock), TICK).expect("there is a thread to be had");
        (clock, ticker)
    });
    clock.now_nanos()
}

fn after(span: Duration) -> u64 {
    now() + u64::try_from(span.as_nanos()).expect("spans are short")
}

/// A value and its deadline.
type Timed = (u64, u64);

#[inline]
fn fresh((value, deadline): Timed) -> Option<u64> {
    (now() < deadline).then_some(value)
}

impl Store for Cache<u64, u64> {
    const NAME: &'static str = "Cache";
    const PACKAGE: Option<&'static str> = Some("ttl-cache");
    const ROLE: Role = Role::Ours;

    fn new(capacity: usize) -> Self {
        Self::builder().capacity(capacity as u64).time_to_live(MINUTE).build()
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u64> {
        self.get(&key)
    }

    #[inline]
    fn set(&self, key: u64, value: u64) {
        self.set(key, value);
    }

    #[inline]
    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.set_with_ttl(key, value, MOMENT);
    }
}

/// moka, with a time to live by entry.
#[derive(Debug)]
pub struct Moka(moka::sync::Cache<u64, (u64, Duration), FoldedState>);

/// What an entry's value says.
struct ByEntry;

impl moka::Expiry<u64, (u64, Duration)> for ByEntry {
    fn expire_after_create(
        &self,
        _: &u64,
        value: &(u64, Duration),
        _: Instant,
    ) -> Option<Duration> {
        Some(value.1)
    }

    fn expire_after_update(
        &self,
        _: &u64,
        value: &(u64, Duration),
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(value.1)
    }
}

impl Store for Moka {
    const NAME: &'static str = "moka";
    const PACKAGE: Option<&'static str> = Some("moka");

    fn new(capacity: usize) -> Self {
        let builder =
            moka::sync::Cache::builder().max_capacity(capacity as u64).expire_after(ByEntry);
        Self(builder.build_with_hasher(FoldedState::new()))
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|(value, _)| value)
    }

    fn set(&self, key: u64, value: u64) {
        self.0.insert(key, (value, MINUTE));
    }

    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.0.insert(key, (value, MOMENT));
    }
}

/// cached's sharded store, with one time to live for all.
#[derive(Debug)]
pub struct Cached(cached::stores::ShardedTtlCache<u64, u64>);

impl Store for Cached {
    const NAME: &'static str = "cached";
    const PACKAGE: Option<&'static str> = Some("cached");
    const EXPIRES_BY_ENTRY: bool = false;

    fn new(_: usize) -> Self {
        Self(cached::stores::ShardedTtlCache::new(MINUTE))
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key)
    }

    fn set(&self, key: u64, value: u64) {
        self.0.set(key, value);
    }
}

/// `quick_cache`, with deadlines beside the values.
#[derive(Debug)]
pub struct QuickCache(quick_cache::sync::Cache<u64, Timed, quick_cache::UnitWeighter, FoldedState>);

impl Store for QuickCache {
    const NAME: &'static str = "quick_cache";
    const PACKAGE: Option<&'static str> = Some("quick_cache");

    fn new(capacity: usize) -> Self {
        Self(quick_cache::sync::Cache::with(
            capacity,
            capacity as u64,
            quick_cache::UnitWeighter,
            FoldedState::new(),
            quick_cache::sync::DefaultLifecycle::default(),
        ))
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).and_then(fresh)
    }

    fn set(&self, key: u64, value: u64) {
        self.0.insert(key, (value, after(MINUTE)));
    }

    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.0.insert(key, (value, after(MOMENT)));
    }
}

/// papaya, with deadlines beside the values. Nobody frees what has expired.
#[derive(Debug)]
pub struct Papaya(papaya::HashMap<u64, Timed, FoldedState>);

impl Store for Papaya {
    const NAME: &'static str = "papaya";
    const PACKAGE: Option<&'static str> = Some("papaya");

    fn new(_: usize) -> Self {
        Self(papaya::HashMap::with_hasher(FoldedState::new()))
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.pin().get(&key).copied().and_then(fresh)
    }

    fn set(&self, key: u64, value: u64) {
        self.0.pin().insert(key, (value, after(MINUTE)));
    }

    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.0.pin().insert(key, (value, after(MOMENT)));
    }
}

/// dashmap, with deadlines beside the values. Nobody frees what has expired.
#[derive(Debug)]
pub struct DashMap(dashmap::DashMap<u64, Timed, FoldedState>);

impl Store for DashMap {
    const NAME: &'static str = "dashmap";
    const PACKAGE: Option<&'static str> = Some("dashmap");

    fn new(_: usize) -> Self {
        Self(dashmap::DashMap::with_hasher(FoldedState::new()))
    }

    fn get(&self, key: u64) -> Option<u64> {
        self.0.get(&key).map(|entry| *entry).and_then(fresh)
    }

    fn set(&self, key: u64, value: u64) {
        self.0.insert(key, (value, after(MINUTE)));
    }

    fn set_for_a_moment(&self, key: u64, value: u64) {
        self.0.insert(key, (value, after(MOMENT)));
    }
}

/// A map behind a lock.
#[derive(Debug)]
pub struct Locked(Mutex<HashMap<u64, Timed, FoldedState>>);

impl Store for Locked {
    const NAME: &'static str = "Mutex<HashMap>";
    const PACKAGE: Option<&'static str> = None;

    fn new(_: usize) -> Self {
        Self(Mutex::new(HashMap::with_hasher(FoldedState::new())))
    }

    fn get(&self, key: u64) -> Option<u64> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        found.and_then(fresh)
    }

    fn set(&self, key: u64, value: u64) {
        let timed = (value, after(MINUTE));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, timed);
    }

    fn set_for_a_moment(&self, key: u64, value: u64) {
        let timed = (value, after(MOMENT));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, timed);
    }
}
