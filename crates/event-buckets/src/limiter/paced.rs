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
//! * `acquire`: lock-free: 6 accesses, 12 where there is a window, and as many again, after a pause, when
//!   another was admitted meanwhile. A denial is one load beside the terms, and then another, to see
//!   whether the caller's time is of the past. Linearizes at the compare-exchange; a denial, at the first
//!   load.
//!
//! # Orderings
//!
//! No edge of its own: the word admits, and publishes nothing.

use lockfree_core::{
    Backoff, CachePadded,
    sync::{AtomicU64, Ordering::Relaxed},
};

use super::{live::Live, quota::Pace};
use crate::error::Denied;

pub(super) struct Paced {
    word: CachePadded<AtomicU64>,
    terms: Live<4>,
}

impl Paced {
    pub(super) fn new(pace: Pace) -> Self {
        Self { word: CachePadded::default(), terms: Live::new(pace.to_words()) }
    }

    #[inline]
    pub(super) fn acquire(&self, now: u64, n: u32) -> Result<(), Denied> {
        if self.try_acquire(now, n)? { Ok(()) } else { self.acquire_beside_others(now, n) }
    }

    /// Leaves the word to those who were faster for a while: so its line moves from one to the other
    /// less often.
    #[cold]
    #[inline(never)]
    fn acquire_beside_others(&self, now: u64, n: u32) -> Result<(), Denied> {
        let backoff = Backoff::new();
        loop {
            backoff.spin();
            if self.try_acquire(now, n)? {
                return Ok(());
            }
        }
    }

    /// False if another was faster.
    #[inline]
    fn try_acquire(&self, now: u64, n: u32) -> Result<bool, Denied> {
        match Pace::from_even(self.terms.load()) {
            Some(pace) => self.try_acquire_at(pace, now, n),
            None => self.try_acquire_at(self.pace(), now, n),
        }
    }

    #[inline]
    fn try_acquire_at(&self, pace: Pace, now: u64, n: u32) -> Result<bool, Denied> {
        let state = self.state();
        let after = pace.admit(state, now, n)?;
        // Relaxed: admits, and publishes nothing.
        Ok(self.word.compare_exchange(state, after, Relaxed, Relaxed).is_ok())
    }

    /// Whether more is owed than can be at `now`: somebody was admitted at a later time.
    #[cold]
    pub(super) fn is_ahead_of(&self, now: u64) -> bool {
        let pace = Pace::from_even(self.terms.load()).unwrap_or_else(|| self.pace());
        self.state() > pace.spent(now)
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

    #[inline]
    fn state(&self) -> u64 {
        // Relaxed: a look; what is to be admitted is checked by the compare-exchange.
        self.word.load(Relaxed)
    }
}
