//! The processor's own counter.

use core::time::Duration;

use super::Clock;

/// The processor's counter (TSC on x86-64, the generic timer on aarch64), scaled to nanoseconds as
/// the `quanta` crate has calibrated it. Wait-free.
///
/// Where the processor does not promise a counter of constant rate, `quanta` reads the system's
/// monotonic clock instead. Two things keep it from stepping back between threads. A reading waits
/// for the loads before it, so it is later than what its thread has learned from others. And the
/// counters of all cores run in step: that is the system's promise and not ours. On a machine whose
/// firmware breaks it, take [`MonotonicClock`](super::MonotonicClock).
///
/// Its rate is measured once for the process, which takes up to 200 ms in the first
/// [`new`](Self::new); from then on it drifts from the system's clock by some parts in a million.
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
    /// The nanoseconds of a tick: whole ones, and 2^-64ths.
    whole: u64,
    fraction: u64,
}

/// The scale is what 2^52 ticks last: less than 2^64 nanoseconds, where a tick lasts less than 4096. Its
/// last bit is a second in 50 million years.
const SAMPLE: u32 = 52;

impl RawClock {
    /// Starts at 0 now.
    #[must_use]
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let scale = counter.delta_as_nanos(0, 1 << SAMPLE);
        let (whole, fraction) = (scale >> SAMPLE, scale << (u64::BITS - SAMPLE));
        let start = counter.raw();
        Self { counter, start, whole, fraction }
    }

    /// As [`now_nanos`](Clock::now_nanos) without waiting for earlier loads, at about half the cost.
    /// It may be less than what another thread has read and passed on, by as far as the processor
    /// works ahead.
    #[inline]
    pub fn hasty_nanos(&self) -> u64 {
        self.nanos(self.counter.raw().saturating_sub(self.start))
    }

    /// What the calibration says, by a multiplication without its variable shift.
    #[inline]
    fn nanos(&self, ticks: u64) -> u64 {
        let rest = ((u128::from(ticks) * u128::from(self.fraction)) >> u64::BITS) as u64;
        // It wraps after 584 years.
        ticks.wrapping_mul(self.whole).wrapping_add(rest)
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
        self.hasty_nanos()
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::RawClock;

    #[test]
    fn it_counts_as_it_was_calibrated() {
        let clock = RawClock::new();
        for ticks in (0..52).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, 7 << bit >> 3]) {
            let (ours, calibrated) = (clock.nanos(ticks), clock.counter.delta_as_nanos(0, ticks));
            assert!(ours.abs_diff(calibrated) <= 1, "{ticks}: {ours}, {calibrated}");
        }
    }
}
