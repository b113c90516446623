//! Clocks that never step back, so that what depends on time can be given the time.
//!
//! | clock | a reading is | nanoseconds, here | exact to |
//! | --- | --- | --- | --- |
//! | `MonotonicClock` (`std`) | a call of the operating system | 68 | 1 ns |
//! | `RawClock` (`raw-clock`) | a barrier and the processor's counter | 52; 29 without the barrier | some ns; its rate is measured once |
//! | [`CoarseClock`] | one load of a published tick | 1.6 | the tick's period |
//! | [`ManualClock`] | one load of what a test has set | 1.6 | exact |
//!
//! Here: a busy virtual machine with 2 cores of an AMD EPYC, rustc 1.95, November 2026, medians of
//! nine; read them as ratios.
//!
//! # Orderings
//!
//! The shared clocks ([`CoarseClock`], [`ManualClock`]) have no edge: each is one word that only
//! grows, and coherence alone keeps a reader from going back. That holds across threads too: if
//! one reading happens before another, the later one finds the same value or a newer one (C++20
//! \[intro.races\], read-read coherence; loom tests `clocks_never_go_back_*`).

#[cfg(target_has_atomic = "64")]
mod coarse;
#[cfg(target_has_atomic = "64")]
mod manual;
#[cfg(feature = "std")]
mod monotonic;
#[cfg(feature = "raw-clock")]
mod raw;

use core::time::Duration;

#[cfg(target_has_atomic = "64")]
pub use coarse::CoarseClock;
#[cfg(all(target_has_atomic = "64", feature = "std"))]
pub use coarse::Ticker;
#[cfg(target_has_atomic = "64")]
pub use manual::{ManualClock, StepBack};
#[cfg(feature = "std")]
pub use monotonic::MonotonicClock;
#[cfg(feature = "raw-clock")]
pub use raw::RawClock;

/// Tells the time since its own start, and never steps back.
///
/// If one call of [`now`](Self::now) happens before another, on one thread or by way of whatever
/// orders two threads, the later returns no less. Two clocks, even of one type, have nothing to do
/// with each other: compare only what one clock returned.
///
/// References and `Arc`s to clocks are clocks, so that several structures may share one.
pub trait Clock {
    /// The time since the clock's start.
    fn now(&self) -> Duration;

    /// The same in nanoseconds, where the caller has no use for a [`Duration`]: a clock that keeps
    /// nanoseconds returns them as they are. Ends at `u64::MAX`, after 584 years.
    #[inline]
    fn now_nanos(&self) -> u64 {
        nanos(self.now())
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now(&self) -> Duration {
        (**self).now()
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        (**self).now_nanos()
    }
}

#[cfg(feature = "alloc")]
impl<C: Clock + ?Sized> Clock for alloc::sync::Arc<C> {
    #[inline]
    fn now(&self) -> Duration {
        (**self).now()
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        (**self).now_nanos()
    }
}

fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}
