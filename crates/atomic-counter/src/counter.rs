//! An unsigned counter in one word.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::{error::OutOfRange, word::Word};

/// A `u64` that any thread may change, alone on its cache lines.
///
/// Every operation is linearizable: at one atomic access, which is *relaxed*. Counts are exact, and no
/// thread sees them go back in time; nothing else that a thread wrote becomes visible by them.
///
/// `increment`, `decrement`, `add` and `sub` return the value before, as `fetch_add` does, and wrap
/// around modulo 2^64. They are wait-free where the processor has such an instruction. The checked
/// and saturating forms are lock-free: they repeat when another thread changed the counter meanwhile.
///
/// ```
/// use atomic_counter::Counter;
///
/// static REQUESTS: Counter = Counter::new(0);
///
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| (0..1000).for_each(|_| _ = REQUESTS.increment()));
///     }
/// });
/// assert_eq!(REQUESTS.load(), 4000);
/// ```
pub struct Counter(Word);

impl Counter {
    const_unless_loom! {
        /// A counter that holds `value`.
        pub fn new(value: u64) -> Self {
            Self(Word::new(value))
        }
    }

    /// Adds 1 and returns the value before. Wraps around.
    #[inline]
    pub fn increment(&self) -> u64 {
        self.0.add(1)
    }

    /// Subtracts 1 and returns the value before. Wraps around.
    #[inline]
    pub fn decrement(&self) -> u64 {
        self.0.add(1_u64.wrapping_neg())
    }

    /// Adds `n` and returns the value before. Wraps around.
    #[inline]
    pub fn add(&self, n: u64) -> u64 {
        self.0.add(n)
    }

    /// Subtracts `n` and returns the value before. Wraps around.
    #[inline]
    pub fn sub(&self, n: u64) -> u64 {
        self.0.add(n.wrapping_neg())
    }

    /// Adds `n` and returns the value before, unless the sum is above `u64::MAX`.
    ///
    /// # Errors
    /// It is; the counter is as it was.
    #[inline]
    pub fn checked_add(&self, n: u64) -> Result<u64, OutOfRange<u64>> {
        let added = self.0.update(|held| held.checked_add(n));
        added.map_err(|held| OutOfRange { held, operand: n })
    }

    /// Subtracts `n` and returns the value before, unless that is below `n`.
    ///
    /// # Errors
    /// It is; the counter is as it was.
    #[inline]
    pub fn checked_sub(&self, n: u64) -> Result<u64, OutOfRange<u64>> {
        let subtracted = self.0.update(|held| held.checked_sub(n));
        subtracted.map_err(|held| OutOfRange { held, operand: n })
    }

    /// Adds `n`, or as much of it as fits, and returns the value before.
    #[inline]
    pub fn saturating_add(&self, n: u64) -> u64 {
        self.0.replace(|held| held.saturating_add(n))
    }

    /// Subtracts `n`, or as much of it as there is, and returns the value before.
    #[inline]
    pub fn saturating_sub(&self, n: u64) -> u64 {
        self.0.replace(|held| held.saturating_sub(n))
    }

    /// The value now.
    #[inline]
    pub fn load(&self) -> u64 {
        self.0.load()
    }

    /// Replaces the value. What was counted until then is lost: see [`take`](Self::take).
    #[inline]
    pub fn store(&self, value: u64) {
        self.0.store(value);
    }

    /// Sets the counter to 0 and returns the value before: no count is lost or seen twice.
    #[inline]
    #[must_use = "what was counted is gone from the counter"]
    pub fn take(&self) -> u64 {
        self.0.swap(0)
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new(0)
    }
}

impl From<u64> for Counter {
    fn from(value: u64) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.load()).finish()
    }
}
