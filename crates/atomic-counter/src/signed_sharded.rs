//! The signed form of the sharded counter.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::cells::Cells;

/// A balance that many threads change and few read: as [`ShardedCounter`](crate::ShardedCounter), in
/// two's complement.
///
/// A sum counts each change that *happened before* it and of those beside it some, so it lies within
/// what these could make of the balance; where some go up and some down, it may be a value that the
/// balance never had, and sums of one reader go either way. What is added by one thread and
/// subtracted by another may be seen as subtracted only. A balance that must not be seen below 0 is a
/// [`SignedCounter`](crate::SignedCounter).
///
/// ```
/// use atomic_counter::SignedShardedCounter;
///
/// static IN_FLIGHT: SignedShardedCounter = SignedShardedCounter::new();
///
/// IN_FLIGHT.add(2);
/// std::thread::spawn(|| IN_FLIGHT.decrement()).join().unwrap();
/// assert_eq!(IN_FLIGHT.sum(), 1);
/// ```
pub struct SignedShardedCounter(Cells);

impl SignedShardedCounter {
    const_unless_loom! {
        /// A balance of 0, which allocates nothing yet.
        pub fn new() -> Self {
            Self(Cells::new())
        }
    }

    /// Adds 1. Wait-free: 3 accesses, none of them locked. A thread's first change may allocate.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Subtracts 1. Wait-free: 3 accesses, none of them locked. A thread's first change may allocate.
    #[inline]
    pub fn decrement(&self) {
        self.add(-1);
    }

    /// Adds `n`. Wait-free: 3 accesses, none of them locked. A thread's first change may allocate.
    #[inline]
    pub fn add(&self, n: i64) {
        self.0.add(n.cast_unsigned());
    }

    /// Subtracts `n`. Wait-free: 3 accesses, none of them locked. A thread's first change may
    /// allocate.
    #[inline]
    pub fn sub(&self, n: i64) {
        self.add(n.wrapping_neg());
    }

    /// Adds up what all threads changed, modulo 2^64. Wait-free.
    pub fn sum(&self) -> i64 {
        self.0.sum().cast_signed()
    }

    /// By how much the sum changed since the one in `baseline`, which becomes the present one.
    ///
    /// Wait-free. Deltas of one baseline add up to the sum; each change is in exactly one of them.
    pub fn take_delta(&self, baseline: &mut i64) -> i64 {
        let sum = self.sum();
        sum.wrapping_sub(core::mem::replace(baseline, sum))
    }
}

impl Default for SignedShardedCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SignedShardedCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedShardedCounter").field("sum", &self.sum()).finish_non_exhaustive()
    }
}
