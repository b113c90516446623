//! What a cache is built of.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
    time::Duration,
};
use std::sync::Arc;

use lockfree_core::clock::Clock;

use crate::{
    Cache, Cause, FoldedState,
    engine::{Engine, Listener, Settings, Weigher},
    state::NEVER,
    time::{self, Time},
};

/// The longest time to idle: 26 days.
const LONGEST_IDLE: Duration = Duration::from_hours(26 * 24);

/// Sets a cache up; made by [`Cache::builder`]. Nothing is bounded unless it is set here.
#[must_use = "it builds nothing before `build`"]
pub struct Builder<K, V, S = FoldedState> {
    settings: Settings<K, V>,
    clock: Option<Box<dyn Clock + Send + Sync>>,
    background: bool,
    hasher: S,
}

impl<K, V> Builder<K, V> {
    pub(crate) fn new() -> Self {
        let settings = Settings {
            capacity: None,
            time_to_live: NEVER,
            time_to_idle: NEVER,
            time_to_live_absent: NEVER,
            stale: 0,
            weigher: None,
            listener: None,
        };
        Self { settings, clock: None, background: true, hasher: FoldedState::new() }
    }
}

impl<K, V, S> Builder<K, V, S> {
    /// At most so many entries; with a [`weigher`](Self::weigher), entries of at most this weight
    /// together.
    ///
    /// What came last is in the cache when a call that puts it in returns, unless it alone weighs more
    /// than the capacity. While several threads put entries in, there may be up to an eighth more,
    /// and as many as there are threads.
    pub fn capacity(mut self, capacity: u64) -> Self {
        self.settings.capacity = Some(capacity);
        self
    }

    /// How long entries live that are put in without a time to live of their own. 292 years and more
    /// is for ever.
    pub fn time_to_live(mut self, span: Duration) -> Self {
        self.settings.time_to_live = time::nanos(span);
        self
    }

    /// How long an entry lives that nobody reads, within its time to live. Kept in steps of 2^20 ns:
    /// an idle entry may go up to 1.05 ms early.
    ///
    /// Reads then write to the entry, at most once in 1.05 ms.
    ///
    /// # Panics
    /// It is above 26 days.
    pub fn time_to_idle(mut self, span: Duration) -> Self {
        assert!(span <= LONGEST_IDLE, "a time to idle of {span:?} is above 26 days");
        self.settings.time_to_idle = time::nanos(span);
        self
    }

    /// How long it is remembered that a key has no value, see
    /// [`set_absent`](Cache::set_absent); else as long as values live.
    pub fn time_to_live_absent(mut self, span: Duration) -> Self {
        self.settings.time_to_live_absent = time::nanos(span);
        self
    }

    /// For so long after its time to live a value may still be served by the calls that load, while
    /// *one* of them loads another (RFC 5861 calls it stale-while-revalidate). Plain reads never serve
    /// it.
    pub fn stale_while_revalidate(mut self, span: Duration) -> Self {
        self.settings.stale = time::nanos(span);
        self
    }

    /// What an entry weighs against the capacity; else 1. Asked once, when the value is put in. An
    /// absence weighs 1.
    pub fn weigher(mut self, weigher: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        let weigher: Weigher<K, V> = Box::new(weigher);
        self.settings.weigher = Some(weigher);
        self
    }

    /// Told of each value that leaves the cache, once and why, by the thread that took it out, after
    /// the fact and with nothing locked: it may use the cache. Others may still be reading the value.
    ///
    /// Not told of absences, nor of what is in the cache when that is dropped. If it panics, the call
    /// that took the value out does, and all else is done.
    pub fn listener(mut self, listener: impl Fn(&K, &V, Cause) + Send + Sync + 'static) -> Self {
        let listener: Listener<K, V> = Box::new(listener);
        self.settings.listener = Some(listener);
        self
    }

    /// The clock that times are by, read at each operation; else the system's monotonic clock, as
    /// published each [`TICK`](crate::TICK).
    pub fn clock(mut self, clock: impl Clock + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Whether the program's sweeper looks after this cache; it does unless this says otherwise. If
    /// not, what has expired is freed by those who put entries in, and by
    /// [`maintain`](Cache::maintain); and each operation reads the system's clock.
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// What hashes the keys.
    pub fn hasher<H: BuildHasher>(self, hasher: H) -> Builder<K, V, H> {
        let Self { settings, clock, background, .. } = self;
        Builder { settings, clock, background, hasher }
    }
}

impl<K, V, S> Builder<K, V, S>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// The cache. Starts the program's sweeper if it is not there; where the system has no thread to
    /// give, the cache goes on without, as if [`background`](Self::background) were off.
    #[must_use]
    pub fn build(self) -> Cache<K, V, S> {
        let Self { mut settings, clock, background, hasher } = self;
        settings.time_to_live_absent = settings.time_to_live_absent.min(settings.time_to_live);
        Cache::of(match clock {
            Some(clock) => {
                let engine = Arc::new(Engine::new(hasher, Time::Own(clock), settings));
                #[cfg(not(loom))]
                if background {
                    // Without a sweeper there are the writers.
                    let _ = crate::sweeper::look_after(Arc::downgrade(&engine) as _);
                }
                engine
            }
            None => by_the_system(hasher, settings, background),
        })
    }
}

#[cfg(not(loom))]
fn by_the_system<K, V, S>(
    hasher: S,
    settings: Settings<K, V>,
    background: bool,
) -> Arc<Engine<K, V, S>>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    S: Send + Sync + 'static,
{
    use crate::{sweeper, time::published};
    use lockfree_core::clock::MonotonicClock;

    published().tick();
    let engine = Arc::new(Engine::new(hasher, Time::Published(published()), settings));
    if background && sweeper::look_after(Arc::downgrade(&engine) as _).is_ok() {
        return engine;
    }
    let Ok(engine) = Arc::try_unwrap(engine) else { unreachable!("nobody else has it") };
    Arc::new(engine.with_time(Time::Own(Box::new(MonotonicClock::new()))))
}

#[cfg(loom)]
fn by_the_system<K, V, S>(hasher: S, settings: Settings<K, V>, _: bool) -> Arc<Engine<K, V, S>> {
    use lockfree_core::clock::ManualClock;
    Arc::new(Engine::new(hasher, Time::Own(Box::new(ManualClock::new())), settings))
}

impl<K, V, S> fmt::Debug for Builder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("capacity", &self.settings.capacity)
            .field("time_to_live", &Duration::from_nanos(self.settings.time_to_live))
            .field("time_to_idle", &Duration::from_nanos(self.settings.time_to_idle))
            .field("background", &self.background)
            .finish_non_exhaustive()
    }
}
