//! Waiting a little longer each time: exponential backoff (Anderson, *The Performance of Spin Lock
//! Alternatives*, 1990).

use core::cell::Cell;

#[cfg(not(loom))]
use crate::sync::hint;
#[cfg(any(feature = "std", loom, stepped))]
use crate::sync::thread;

/// The first pause is 2^5 = 32 spins: a few cache-line hand-offs.
const FIRST: u32 = 5;
/// The longest pause is 2^10 = 1024 spins, some microseconds. To a model, pauses are all alike.
const LAST: u32 = if cfg!(loom) { FIRST } else { 10 };

/// How long to stay away from a word that others are at.
///
/// One value lives as long as one operation, on its thread's stack. It starts at 32 spins and
/// doubles up to 1024, and has two voices:
///
/// * [`spin`](Self::spin) after a failed compare-exchange: somebody else was faster, so the
///   structure moves on, and the less one disturbs it the faster. It never leaves the processor.
/// * [`snooze`](Self::snooze) while waiting for what another thread must do: that thread may need
///   this very processor, so after the longest pause it yields (with `std`).
///
/// `crossbeam_utils::Backoff` starts at 1 spin and ends at 64; on a contended stack that made pairs
/// 2 to 4 times slower. Where the slowest operation counts as much as all of them together, take
/// [shorter pauses](Self::within). Under `--cfg loom` both voices only yield, which is all that a model
/// needs.
///
/// ```
/// use lockfree_core::{Backoff, sync::{AtomicU64, Ordering::Relaxed}};
///
/// fn double(word: &AtomicU64) {
///     let backoff = Backoff::new();
///     let mut seen = word.load(Relaxed);
///     while let Err(now) = word.compare_exchange_weak(seen, seen * 2, Relaxed, Relaxed) {
///         backoff.spin();
///         seen = now;
///     }
/// }
/// # let word = AtomicU64::new(21);
/// # double(&word);
/// # assert_eq!(word.load(Relaxed), 42);
/// ```
#[derive(Debug)]
pub struct Backoff {
    /// The next pause is `2^exponent` spins; above `last`, the spinning is over.
    exponent: Cell<u32>,
    first: u32,
    last: u32,
}

impl Backoff {
    /// Starts with the shortest pause.
    #[inline]
    #[must_use]
    pub const fn new() -> Self {
        Self::of(FIRST, LAST)
    }

    /// Starts with a pause of `first` spins, and doubles it up to `last`; each is taken as the power of
    /// two at or below it, and as 1 at least.
    #[inline]
    #[must_use]
    pub const fn within(first: u32, last: u32) -> Self {
        let first = (first | 1).ilog2();
        let last = (last | 1).ilog2();
        // To a model, pauses are all alike.
        Self::of(first, if cfg!(loom) || last < first { first } else { last })
    }

    #[inline]
    const fn of(first: u32, last: u32) -> Self {
        Self { exponent: Cell::new(first), first, last }
    }

    /// Starts again with the shortest pause.
    #[inline]
    pub fn reset(&self) {
        self.exponent.set(self.first);
    }

    /// Pauses after a failed compare-exchange.
    #[inline]
    pub fn spin(&self) {
        let exponent = self.exponent.get().min(self.last);
        pause(exponent);
        self.exponent.set(exponent + 1);
    }

    /// Pauses while another thread must do something first; yields once the pauses have become
    /// long. Without `std` there is nothing to yield to, and it goes on with the longest pause.
    #[inline]
    pub fn snooze(&self) {
        if self.is_completed() {
            relinquish();
        } else {
            self.spin();
        }
    }

    /// Whether the longest pause has passed: time to park, if the caller can.
    #[inline]
    pub fn is_completed(&self) -> bool {
        self.exponent.get() > self.last
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(not(loom))]
#[inline]
fn pause(exponent: u32) {
    for _ in 0..1_u32 << exponent {
        hint::spin_loop();
    }
}

#[cfg(loom)]
fn pause(_exponent: u32) {
    thread::yield_now();
}

#[cfg(any(feature = "std", loom, stepped))]
fn relinquish() {
    thread::yield_now();
}

#[cfg(not(any(feature = "std", loom, stepped)))]
fn relinquish() {
    pause(LAST);
}
