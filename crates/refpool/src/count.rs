//! A count of references that never leaves zero: the *sticky counter* (Anderson, Blelloch and Wei,
//! "Turning Manual Concurrent Memory Reclamation into Automatic Reference Counting", PLDI 2022).
//!
//! # State
//!
//! One word: `ZERO` in the top bit, the count below. A release that brings the count to 0 has not
//! ended it yet: the count ends where that release sets `ZERO`, which it does only if the word is
//! still 0. A reference that was added in between has kept it alive.
//!
//! # Invariants
//!
//! * I1: `ZERO` is set by one compare-exchange, from 0. What it says is never taken back: only
//!   releases of what nobody had borrow from it, each for two accesses.
//! * I2: the low bits are the references, and one more for each thread that is adding one and will be
//!   refused: so they stay in the lower half of the guard band between `MOST` and `ZERO`, and
//!   releases of nothing in its upper half, as long as there are fewer threads than a half is wide.
//!
//! # Progress and linearization
//!
//! All operations are wait-free. `retain`, `try_retain`: 1 access, 2 if refused; `release`: 1, the
//! last 2; `count`: 1. They linearize at their first access, the last release at its second.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | last-release | `fetch_sub` in `release` | the exchange in `release` | what every holder did, to the one that is told that it was the last | `last_release_sees_what_every_holder_did` |

use core::fmt;

use lockfree_core::{
    const_unless_loom,
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::state::count::{ZERO, is_held, may_grow, references};

/// A count of references to something that lives elsewhere: the last one who lets go is told so, and
/// may take it down.
///
/// It begins with one reference, its maker's. Once it has come to zero it stays there, whatever is
/// called: that is what a plain `fetch_add` cannot promise.
///
/// ```
/// use refpool::RefCount;
///
/// let count = RefCount::new();
/// count.retain();
/// assert!(!count.release());
/// assert!(count.release(), "the last one");
/// assert!(!count.try_retain(), "and nobody comes back");
/// assert_eq!(count.count(), 0);
/// ```
///
/// What each holder did before its `release` *happened before* the release that returns true. A
/// reference that is added synchronizes with nothing, as with an `Arc`'s clone: what one may read by
/// it is published by whatever led there.
pub struct RefCount(AtomicUsize);

impl RefCount {
    const_unless_loom! {
        /// A count of one reference.
        #[must_use]
        pub fn new() -> Self {
            Self(AtomicUsize::new(1))
        }
    }

    /// Adds a reference. The caller has one, which keeps the count above zero meanwhile. Wait-free.
    ///
    /// # Panics
    /// The count is zero, or `usize::MAX / 4` and cannot grow. It stays so.
    #[inline]
    pub fn retain(&self) {
        if !self.try_retain() {
            refuse("a reference was added to a count that is zero or at its limit");
        }
    }

    /// Adds a reference, unless the count is zero. Wait-free.
    ///
    /// False says that it was zero and always will be, or, as [`retain`](Self::retain) has it, is at
    /// its limit. What the word lives in must be there still: a count does not keep itself alive.
    #[inline]
    #[must_use = "a reference that was added must be released"]
    pub fn try_retain(&self) -> bool {
        // Relaxed: as an `Arc`'s clone: the count says only that it is not zero.
        let before = self.0.fetch_add(1, Relaxed);
        let added = may_grow(before);
        if !added {
            self.take_back();
        }
        added
    }

    #[cold]
    fn take_back(&self) {
        // Relaxed: takes back what this thread has just added, and was no reference.
        self.0.fetch_sub(1, Relaxed);
    }

    /// Gives a reference back; true for the last one, and for nobody else. Wait-free.
    ///
    /// What every other holder did before its release is then visible. If another thread's
    /// `try_retain` and `release` come between the two steps of a last release, either of these
    /// two may be the one that is told, and the other may look at the count once more after that: so
    /// where `try_retain` is called by threads that hold no reference, what they were let in by must
    /// keep the count itself in place, also for who is in `release`.
    ///
    /// # Panics
    /// There is no reference to give back. The count stays at zero.
    #[inline]
    #[must_use = "the last one takes down what was counted"]
    pub fn release(&self) -> bool {
        // Release [last-release]: what this holder did is visible to the last one.
        let before = self.0.fetch_sub(1, Release);
        if before == 1 {
            return self.end();
        }
        if !is_held(before) {
            self.restore();
        }
        false
    }

    #[inline]
    fn end(&self) -> bool {
        // Acquire [last-release]: pairs with every release before, through a chain of
        // read-modify-writes.
        // Relaxed: on failure somebody else has a reference, or has been told.
        self.0.compare_exchange(0, ZERO, Acquire, Relaxed).is_ok()
    }

    #[cold]
    fn restore(&self) {
        // Relaxed: takes back a release of nothing.
        self.0.fetch_add(1, Relaxed);
        refuse("a reference was released that nobody had");
    }

    /// How many references there are: a snapshot, unless the caller has the only one and no other
    /// thread can reach the count. Zero is final. Wait-free.
    pub fn count(&self) -> usize {
        // Relaxed: a figure, which publishes nothing.
        references(self.0.load(Relaxed))
    }
}

#[cold]
#[inline(never)]
fn refuse(why: &str) -> ! {
    panic!("{why}");
}

impl Default for RefCount {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RefCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RefCount").field(&self.count()).finish()
    }
}
