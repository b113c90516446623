//! A published tick: reading the time is one load.

use core::time::Duration;
#[cfg(feature = "std")]
use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
};

use super::Clock;
#[cfg(feature = "std")]
use super::MonotonicClock;
use crate::{
    CachePadded,
    sync::{AtomicU64, Ordering::Relaxed},
};

/// Shows the time at which it was last ticked.
///
/// Somebody must call [`tick`](Self::tick): a loop that turns anyway, a timer of the runtime, or
/// the thread of `Ticker` (`std`). A clock that nobody ticks stands still. Reading is wait-free in
/// one load of a line that only ticks write; a tick is lock-free, and any thread may tick.
///
/// ```
/// use core::time::Duration;
/// use lockfree_core::clock::{Clock, CoarseClock, ManualClock};
///
/// let clock = CoarseClock::with_source(ManualClock::new());
/// clock.source().advance(Duration::from_millis(5));
/// assert_eq!(clock.now(), Duration::ZERO);
/// clock.tick();
/// assert_eq!(clock.now(), Duration::from_millis(5));
/// ```
#[derive(Debug)]
pub struct CoarseClock<C> {
    source: C,
    published: CachePadded<AtomicU64>,
}

#[cfg(feature = "std")]
impl CoarseClock<MonotonicClock> {
    /// Publishes the operating system's monotonic clock, from 0 on.
    #[must_use]
    pub fn new() -> Self {
        Self::with_source(MonotonicClock::new())
    }
}

#[cfg(feature = "std")]
impl Default for CoarseClock<MonotonicClock> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Clock> CoarseClock<C> {
    /// Publishes `source`, which it reads once now.
    pub fn with_source(source: C) -> Self {
        let published = CachePadded::new(AtomicU64::new(source.now_nanos()));
        Self { source, published }
    }

    /// Reads the source and publishes the time that it shows, which is returned. Of two ticks at
    /// once the later time stays.
    #[allow(clippy::must_use_candidate, reason = "it is called to publish")]
    pub fn tick(&self) -> Duration {
        let now = self.source.now_nanos();
        // Relaxed: coherence alone; see the module.
        Duration::from_nanos(self.published.fetch_max(now, Relaxed).max(now))
    }

    /// What it publishes.
    pub fn source(&self) -> &C {
        &self.source
    }
}

impl<C: Clock> Clock for CoarseClock<C> {
    #[inline]
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_nanos())
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        // Relaxed: coherence alone; see the module.
        self.published.load(Relaxed)
    }
}

/// A thread that ticks a [`CoarseClock`] until it is dropped.
///
/// It wakes once a period: at 1 ms that is about a thousandth of one processor. Readers then lag
/// by one period and by however late the system schedules the thread.
///
/// ```
/// use std::{sync::Arc, thread, time::Duration};
/// use lockfree_core::clock::{Clock, CoarseClock, Ticker};
///
/// let clock = Arc::new(CoarseClock::new());
/// let ticker = Ticker::start(Arc::clone(&clock), Duration::from_millis(1))?;
/// while clock.now() < Duration::from_millis(3) {
///     thread::yield_now();
/// }
/// drop(ticker); // ends the thread; the clock stands still
/// # std::io::Result::Ok(())
/// ```
#[cfg(feature = "std")]
#[derive(Debug)]
#[must_use = "it stops ticking when it is dropped"]
pub struct Ticker {
    /// Its end tells the thread to end. Nothing is ever sent.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[cfg(feature = "std")]
impl Ticker {
    /// Starts a thread that ticks `clock` now and then each `period`.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start<C>(clock: Arc<CoarseClock<C>>, period: Duration) -> io::Result<Self>
    where
        C: Clock + Send + Sync + 'static,
    {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("coarse-clock".into()).spawn(move || {
            loop {
                clock.tick();
                if stopped.recv_timeout(period) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

#[cfg(feature = "std")]
impl Drop for Ticker {
    /// Ends the thread and waits for it: at most one tick.
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A clock whose source panics has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}
