//! Leases of small dense numbers.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `live` | reservations: who holds a number, is getting one or is about to be refused |
//! | `high` | the most reservations there ever were at once: numbers given out lie below it |
//! | `leased` | a bit for each number: set while it is leased |
//!
//! A lease reserves, raises `high`, and claims the lowest free bit below it. A release clears the
//! bit, *then* gives back the reservation.
//!
//! # Invariants
//!
//! * I1: a bit is set by the one lease that then holds its number, and cleared by that lease alone.
//! * I2: whoever holds a bit holds a reservation.
//! * I3: of the reservations that have raised `high`, there are at most `high`: the latest of them
//!   counted all the others that are still there.
//!
//! So below `high` there is always a free bit for somebody who reserved and holds none (pigeonhole).
//!
//! # Progress and linearization
//!
//! * `lease`: lock-free. A search reads only last values, so one that finds nothing was overtaken by
//!   another thread's claim. Undisturbed it takes four steps, and one more for each full word below
//!   the number it gets. Linearizes at the `fetch_or` that sets the bit, or at the `fetch_add`
//!   that is refused.
//! * `visit_idle`: wait-free but for what it runs: two steps for a free number, one for a word of
//!   them, and three. It holds one number at a time.
//! * release (drop of a [`Lease`]): wait-free, two steps. Linearizes at the `fetch_and`.
//!
//! A thread that is stopped anywhere keeps at most one number or reservation from the others.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | hand-over | `fetch_and` in `unlease` | `fetch_or` in `claim_in` and `visit_idle` | all that the last holder of the number did | `hand_over_shows_what_the_last_holder_wrote` |
//!
//! `live` and `high` carry nothing: a number belongs to whom its bit says, and the order of the
//! words matters only to how soon a search succeeds.

use core::{cell::Cell, marker::PhantomData};

use super::state;
use crate::{
    array_of, const_unless_loom,
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Gives out the numbers below its capacity, each to one holder at a time, low ones first.
///
/// `WORDS` machine words of bits bound the capacity. The threads of the program share one registry
/// of their own, see [`slots`](super); this type numbers anything else: handles, connections.
///
/// ```
/// use lockfree_core::slots::Registry;
///
/// let registry = Registry::<1>::new(2);
/// let first = registry.lease().unwrap();
/// let second = registry.lease().unwrap();
/// assert_eq!((first.index(), second.index()), (0, 1));
/// assert!(registry.lease().is_none());
///
/// drop(first);
/// assert_eq!(registry.lease().unwrap().index(), 0);
/// assert_eq!(registry.high_water(), 2);
/// ```
#[derive(Debug)]
pub struct Registry<const WORDS: usize> {
    live: AtomicUsize,
    high: AtomicUsize,
    leased: [AtomicUsize; WORDS],
    capacity: usize,
}

impl<const WORDS: usize> Registry<WORDS> {
    const_unless_loom! {
        /// A registry of `capacity` numbers.
        ///
        /// # Panics
        /// `capacity` is above `WORDS * usize::BITS`.
        pub fn new(capacity: usize) -> Self {
            assert!(capacity <= WORDS * state::BITS, "a number needs a bit");
            Self {
                live: AtomicUsize::new(0),
                high: AtomicUsize::new(0),
                leased: array_of![AtomicUsize::new(0); WORDS],
                capacity,
            }
        }
    }

    /// Leases the lowest number that is free, or none where all are taken or asked for. Lock-free.
    ///
    /// What the number's last holder did before its lease ended *happened before* this returns.
    pub fn lease(&self) -> Option<Lease<'_, WORDS>> {
        let index = self.claim()?;
        Some(Lease { registry: self, index, not_sync: PhantomData })
    }

    /// Leases each free number below [`high_water`](Self::high_water), one after another, and runs
    /// `visit` with it: for what its last holder left behind, which *happened before*. Nobody else
    /// gets the number meanwhile.
    ///
    /// The caller counts as one more holder; where all numbers are leased or asked for, nothing is
    /// visited. A number that is given back meanwhile may be missed. Wait-free but for what it runs.
    pub fn visit_idle(&self, mut visit: impl FnMut(usize)) {
        struct Visit<'r, const WORDS: usize> {
            registry: &'r Registry<WORDS>,
            held: Option<usize>,
        }

        impl<const WORDS: usize> Visit<'_, WORDS> {
            fn leave(&mut self) {
                if let Some(index) = self.held.take() {
                    self.registry.unlease(index);
                }
            }
        }

        // A visit that panics gives back what it holds.
        impl<const WORDS: usize> Drop for Visit<'_, WORDS> {
            fn drop(&mut self) {
                self.leave();
                // Relaxed: a count; the bit is free already.
                self.registry.live.fetch_sub(1, Relaxed);
            }
        }

        // Relaxed: a count; what is free is said by the bits. I3: it raises `high` as any other.
        let reserved = self.live.fetch_add(1, Relaxed) + 1;
        let mut visiting = Visit { registry: self, held: None };
        if reserved > self.capacity {
            return;
        }
        // Relaxed: a read-modify-write sees the last value, and the bits decide.
        let high = self.high.fetch_max(reserved, Relaxed).max(reserved);
        for word in 0..state::words(high) {
            // Relaxed: reads the last value, which a load need not; it claims nothing yet.
            let mut passed = self.leased[word].fetch_or(0, Relaxed);
            while let Some(place) = state::lowest_free(passed, state::width(high, word)) {
                passed |= 1 << place;
                // Acquire [hand-over]: pairs with the clearing of this bit in `unlease`.
                if self.leased[word].fetch_or(1 << place, Acquire) & (1 << place) == 0 {
                    let index = word * state::BITS + place;
                    visiting.held = Some(index);
                    visit(index);
                    visiting.leave();
                }
            }
        }
    }

    /// How many numbers there are.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The most leases that were ever alive or asked for at once: each number given out so far is
    /// below it. A snapshot.
    pub fn high_water(&self) -> usize {
        // Relaxed: a figure, which publishes nothing.
        self.high.load(Relaxed)
    }

    pub(super) fn claim(&self) -> Option<usize> {
        // Relaxed: a count; what is free is said by the bits.
        let reserved = self.live.fetch_add(1, Relaxed) + 1;
        if reserved > self.capacity {
            // Relaxed: takes the same count back.
            self.live.fetch_sub(1, Relaxed);
            return None;
        }
        loop {
            // Relaxed: a read-modify-write sees the last value, and the bits decide.
            let high = self.high.fetch_max(reserved, Relaxed).max(reserved);
            let mut words = 0..state::words(high);
            let claimed = words.find_map(|word| self.claim_in(word, state::width(high, word)));
            if claimed.is_some() {
                return claimed;
            }
        }
    }

    fn claim_in(&self, word: usize, width: usize) -> Option<usize> {
        let leased = &self.leased[word];
        // Relaxed: reads the last value, which a load need not; it claims nothing yet.
        let mut seen = leased.fetch_or(0, Relaxed);
        while let Some(place) = state::lowest_free(seen, width) {
            // Acquire [hand-over]: pairs with the clearing of this bit in `unlease`.
            seen = leased.fetch_or(1 << place, Acquire);
            if seen & (1 << place) == 0 {
                return Some(word * state::BITS + place);
            }
        }
        None
    }

    pub(super) fn release(&self, index: usize) {
        self.unlease(index);
        // Relaxed: a count; the bit is free already.
        self.live.fetch_sub(1, Relaxed);
    }

    fn unlease(&self, index: usize) {
        let (word, bit) = state::split(index);
        // Release [hand-over]: all that this holder did is visible to the next.
        self.leased[word].fetch_and(!bit, Release);
    }
}

/// A number that is leased until this is dropped.
///
/// May be sent to another thread. It is not `Sync`: a number stands for one thread at a time.
#[derive(Debug)]
pub struct Lease<'r, const WORDS: usize> {
    registry: &'r Registry<WORDS>,
    index: usize,
    not_sync: PhantomData<Cell<()>>,
}

impl<const WORDS: usize> Lease<'_, WORDS> {
    /// The number.
    pub fn index(&self) -> usize {
        self.index
    }
}

impl<const WORDS: usize> Drop for Lease<'_, WORDS> {
    fn drop(&mut self) {
        self.registry.release(self.index);
    }
}
