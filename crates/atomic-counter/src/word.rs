//! The padded word under the plain counters: arithmetic modulo 2^64, with no order but its own.

use lockfree_core::{
    CachePadded, const_unless_loom,
    sync::{AtomicU64, Ordering::Relaxed},
};

pub(crate) struct Word(CachePadded<AtomicU64>);

impl Word {
    const_unless_loom! {
        pub(crate) fn new(value: u64) -> Self {
            Self(CachePadded::new(AtomicU64::new(value)))
        }
    }

    #[inline]
    pub(crate) fn load(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.0.load(Relaxed)
    }

    #[inline]
    pub(crate) fn store(&self, value: u64) {
        // Relaxed: a count, which publishes nothing.
        self.0.store(value, Relaxed);
    }

    #[inline]
    pub(crate) fn swap(&self, value: u64) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.0.swap(value, Relaxed)
    }

    #[inline]
    pub(crate) fn add(&self, n: u64) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.0.fetch_add(n, Relaxed)
    }

    /// Replaces the value by what `next` makes of it, unless that is nothing. Both results are the
    /// value before.
    #[inline]
    pub(crate) fn update(&self, next: impl Fn(u64) -> Option<u64>) -> Result<u64, u64> {
        let mut held = self.load();
        while let Some(new) = next(held) {
            // Relaxed: a count, which publishes nothing.
            match self.0.compare_exchange_weak(held, new, Relaxed, Relaxed) {
                Ok(held) => return Ok(held),
                Err(other) => held = other,
            }
        }
        Err(held)
    }

    /// Replaces the value by what `next` makes of it, and returns the value before.
    #[inline]
    pub(crate) fn replace(&self, next: impl Fn(u64) -> u64) -> u64 {
        match self.update(|held| Some(next(held))) {
            Ok(held) | Err(held) => held,
        }
    }
}
