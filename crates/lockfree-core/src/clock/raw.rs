//! The processor's own counter.

use core::time::Duration;

use super::Clock;

/// The processor's counter (TSC on x86-64, the generic timer on aarch64), scaled to nanoseconds by
/// the `quanta` crate. Wait-free.
///
/// Where the processor says that its counter is neither invariant nor there, `quanta` reads the
/// system's monotonic clock instead. What keeps it from stepping back between threads: a
/// reading waits for the loads before it, so it happens after what the thread has learned from
/// others; and the counters of all cores run in step, which is the system's promise and not ours:
/// on a machine of several sockets whose firmware breaks it, take
/// [`MonotonicClock`](super::MonotonicClock). Its rate is measured once for the process, which takes up to 200 ms in the
/// first [`new`](Self::new); it then drifts from the system's clock by some parts in a million.
///
/// ```
/// use lockfree_core::clock::{Clock, RawClock};
///
/// let clock = RawClock::new();
/// let first = clock.now();
/// assert!(clock.now() >= first);
/// ```
#[derive(Clone, Debug)]
pub struct RawClock {
    counter: quanta::Clock,
    start: u64,
}

impl RawClock {
    /// Starts at 0 now.
    #[must_use]
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let start = counter.raw();
        Self { counter, start }
    }
}

impl Default for RawClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RawClock {
    #[inline]
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_nanos())
    }

    #[inline]
    fn now_nanos(&self) -> u64 {
        after_earlier_loads();
        self.counter.delta_as_nanos(self.start, self.counter.raw())
    }
}

/// A counter is read out of order with what stands before it, unless it is told to wait.
#[inline(always)]
fn after_earlier_loads() {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    // SAFETY: the target has SSE2, which the instruction came with.
    unsafe {
        core::arch::x86_64::_mm_lfence();
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the barrier has no operands and touches neither memory nor flags.
    unsafe {
        core::arch::asm!("isb", options(nostack, preserves_flags));
    }
}
