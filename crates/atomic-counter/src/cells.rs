//! One word for each thread that adds, and one for those without a slot.

use lockfree_core::{
    CachePadded, const_unless_loom,
    slots::{self, PerSlot},
    sync::{AtomicU64, Ordering::Relaxed},
};

/// Adds `n` to a word that this thread alone writes: no locked instruction.
#[inline]
pub(crate) fn add_to_own(own: &AtomicU64, n: u64) {
    // Relaxed: our own last value; an earlier owner's came to us with the slot.
    let held = own.load(Relaxed);
    // Relaxed: a count, which publishes nothing.
    own.store(held.wrapping_add(n), Relaxed);
}

/// Adds `n` to a word that threads share.
pub(crate) fn add_to_shared(word: &AtomicU64, n: u64) {
    // Relaxed: a count, which publishes nothing.
    word.fetch_add(n, Relaxed);
}

/// The sum of words, modulo 2^64.
pub(crate) fn sum<'a>(words: impl Iterator<Item = &'a AtomicU64>) -> u64 {
    // Relaxed: a count, which publishes nothing; coherence keeps each word from going back.
    words.fold(0, |sum, word| sum.wrapping_add(word.load(Relaxed)))
}

/// A sum modulo 2^64 in parts.
pub(crate) struct Cells {
    own: PerSlot<AtomicU64>,
    rest: CachePadded<AtomicU64>,
}

impl Cells {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { own: PerSlot::new(), rest: CachePadded::new(AtomicU64::new(0)) }
        }
    }

    #[inline]
    pub(crate) fn add(&self, n: u64) {
        slots::with(|slot| match slot {
            Some(slot) => add_to_own(self.own.get(slot), n),
            None => self.add_to_rest(n),
        });
    }

    pub(crate) fn sum(&self) -> u64 {
        sum(self.own.iter().chain([&*self.rest]))
    }

    #[cold]
    fn add_to_rest(&self, n: u64) {
        add_to_shared(&self.rest, n);
    }
}
