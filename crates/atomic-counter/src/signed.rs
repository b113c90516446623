//! A signed counter in one word.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::{error::OutOfRange, word::Word};

/// An `i64` that any thread may change, alone on its cache lines: a gauge, a balance.
///
/// As [`Counter`](crate::Counter) in progress, order and wrapping, in two's complement.
///
/// ```
/// use atomic_counter::SignedCounter;
///
/// static OPEN: SignedCounter = SignedCounter::new(0);
///
/// OPEN.increment();
/// OPEN.sub(3);
/// assert_eq!(OPEN.load(), -2);
/// ```
pub struct SignedCounter(Word);

impl SignedCounter {
    const_unless_loom! {
        /// A counter that holds `value`.
        pub fn new(value: i64) -> Self {
            Self(Word::new(value.cast_unsigned()))
        }
    }

    /// Adds 1 and returns the value before. Wraps around.
    #[inline]
    pub fn increment(&self) -> i64 {
        self.add(1)
    }

    /// Subtracts 1 and returns the value before. Wraps around.
    #[inline]
    pub fn decrement(&self) -> i64 {
        self.add(-1)
    }

    /// Adds `n` and returns the value before. Wraps around.
    #[inline]
    pub fn add(&self, n: i64) -> i64 {
        self.0.add(n.cast_unsigned()).cast_signed()
    }

    /// Subtracts `n` and returns the value before. Wraps around.
    #[inline]
    pub fn sub(&self, n: i64) -> i64 {
        self.add(n.wrapping_neg())
    }

    /// Adds `n` and returns the value before, unless the sum is no `i64`.
    ///
    /// # Errors
    /// It is none; the counter is as it was.
    #[inline]
    pub fn checked_add(&self, n: i64) -> Result<i64, OutOfRange<i64>> {
        self.update(n, |held| held.checked_add(n))
    }

    /// Subtracts `n` and returns the value before, unless the difference is no `i64`.
    ///
    /// # Errors
    /// It is none; the counter is as it was.
    #[inline]
    pub fn checked_sub(&self, n: i64) -> Result<i64, OutOfRange<i64>> {
        self.update(n, |held| held.checked_sub(n))
    }

    /// Adds `n`, or as much of it as fits, and returns the value before.
    #[inline]
    pub fn saturating_add(&self, n: i64) -> i64 {
        let added = |held: u64| held.cast_signed().saturating_add(n).cast_unsigned();
        self.0.replace(added).cast_signed()
    }

    /// Subtracts `n`, or as much of it as fits, and returns the value before.
    #[inline]
    pub fn saturating_sub(&self, n: i64) -> i64 {
        let subtracted = |held: u64| held.cast_signed().saturating_sub(n).cast_unsigned();
        self.0.replace(subtracted).cast_signed()
    }

    /// The value now.
    #[inline]
    pub fn load(&self) -> i64 {
        self.0.load().cast_signed()
    }

    /// Replaces the value. What was counted until then is lost: see [`take`](Self::take).
    #[inline]
    pub fn store(&self, value: i64) {
        self.0.store(value.cast_unsigned());
    }

    /// Sets the counter to 0 and returns the value before: no count is lost or seen twice.
    #[inline]
    #[must_use = "what was counted is gone from the counter"]
    pub fn take(&self) -> i64 {
        self.0.swap(0).cast_signed()
    }

    fn update(
        &self,
        operand: i64,
        next: impl Fn(i64) -> Option<i64>,
    ) -> Result<i64, OutOfRange<i64>> {
        match self.0.update(|held| next(held.cast_signed()).map(i64::cast_unsigned)) {
            Ok(held) => Ok(held.cast_signed()),
            Err(held) => Err(OutOfRange { held: held.cast_signed(), operand }),
        }
    }
}

impl Default for SignedCounter {
    fn default() -> Self {
        Self::new(0)
    }
}

impl From<i64> for SignedCounter {
    fn from(value: i64) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for SignedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignedCounter").field(&self.load()).finish()
    }
}
