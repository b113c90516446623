//! The state of a paced limiter: one word.
//!
//! The generic cell rate algorithm in its virtual-scheduling form (ITU-T I.371, 1996), as the word of
//! a compare-exchange.
//!
//! # State
//!
//! `word` is the time, in nanoseconds of the limiter's clock, at which all that was admitted will have
//! been worked off: see [`Pace`]. 64 bits of nanoseconds do not wrap for 584 years.
//!
//! # Invariants
//!
//! * I1: an event is admitted by the compare-exchange that adds its interval to the word, and by
//!   nothing else. A denial writes nothing.
//! * I2: the word never falls but in `reconfigure`, and there to that of an empty bucket.
//!
//! # Progress and linearization
//!
//! * `acquire`: lock-free: 9 accesses, and one more for each other event that is admitted meanwhile.
//!   A denial is one load beside the terms. Linearizes at the compare-exchange; a denial, at the load.
//!
//! # Orderings
//!
//! No edge of its own: the word admits, and publishes nothing.

use lockfree_core::{
    CachePadded,
    sync::{AtomicU64, Ordering::Relaxed},
};

use super::{live::Live, quota::Pace};
use crate::error::Denied;

pub(super) struct Paced {
    word: CachePadded<AtomicU64>,
    terms: Live<5>,
}

impl Paced {
    pub(super) fn new(pace: Pace) -> Self {
        Self { word: CachePadded::default(), terms: Live::new(pace.to_words()) }
    }

    #[inline]
    pub(super) fn acquire(&self, now: u64, n: u32) -> Result<(), Denied> {
        let pace = self.pace();
        // Relaxed: the compare-exchange checks it.
        let mut state = self.word.load(Relaxed);
        loop {
            let after = pace.admit(state, now, n)?;
            // Relaxed: admits, and publishes nothing.
            match self.word.compare_exchange_weak(state, after, Relaxed, Relaxed) {
                Ok(_) => return Ok(()),
                Err(found) => state = found,
            }
        }
    }

    pub(super) fn peek(&self, now: u64, n: u32) -> Result<(), Denied> {
        self.pace().admit(self.state(), now, n).map(|_| ())
    }

    pub(super) fn available(&self, now: u64) -> u32 {
        self.pace().available(self.state(), now)
    }

    pub(super) fn reconfigure(&self, pace: Pace, now: u64) {
        self.terms.store(pace.to_words());
        // Relaxed: admits nothing. Under the old terms more may have been owed than the new ones know.
        self.word.fetch_min(pace.spent(now), Relaxed);
    }

    #[inline]
    fn pace(&self) -> Pace {
        Pace::from_words(self.terms.load())
    }

    fn state(&self) -> u64 {
        // Relaxed: a look, which decides nothing.
        self.word.load(Relaxed)
    }
}
