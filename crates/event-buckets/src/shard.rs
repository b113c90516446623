//! The events of one thread: a running total, and marks of what it was when each bucket began.
//!
//! Prefix sums in place of counts: a bucket holds what its mark and the next one differ by. So nothing
//! is moved, zeroed or folded when time goes on, and there is nothing that could be lost.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `total` | all events of the shard |
//! | `next` | the newest bucket, plus 1; 0 before the first event |
//! | `until` | the time at which the newest bucket ends |
//! | `late` | events that came with a tick before the newest bucket, and count in it |
//! | `marks` | for each place of the ring the bucket that began there, plus 1, and the total before it |
//!
//! ```text
//!  bucket        7         8         9 (next = 10)
//!  mark        | 100     | 130     | 130          total = 142
//!  events         30        0         12
//! ```
//!
//! # Invariants
//!
//! * I1: only the present owner of the thread slot writes; all words have 64 bits and never wrap.
//! * I2: `next` and `total` never fall.
//! * I3: whoever sees `next` sees the ring, and each mark of a bucket below `next` as it was
//!   written, or overwritten by a later one.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free, 3 accesses in the newest bucket, 10 when a bucket begins, and then an allocation
//!   the first time. An idle gap costs what one new bucket costs. Linearizes at the store of `total`.
//! * `visit`: wait-free, 3 accesses and 3 for each bucket that it asks for.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | total | store of `total` | load of `total` in `visit` | that the bucket of its events has begun | `total_shows_that_its_buckets_have_begun` |
//! | next | store of `next` in `roll` | load of `next` in `visit` | the ring, and the marks up to there | `next_shows_the_marks` |
//! | overwritten | store of a mark's total | load of a mark's total | that the mark is of a later bucket now | `overwritten_marks_are_left_out` |

use alloc::boxed::Box;

use lockfree_core::sync::{
    AtomicPtr, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{read::Tally, span::Span};

/// The last bucket: its number plus 1 is a number too.
const LAST: u64 = u64::MAX - 1;

#[derive(Default)]
pub(crate) struct Shard {
    total: AtomicU64,
    next: AtomicU64,
    until: AtomicU64,
    late: AtomicU64,
    ring: AtomicPtr<Marks>,
}

/// Behind a thin pointer.
struct Marks(Box<[Mark]>);

#[derive(Default)]
struct Mark {
    /// The bucket, plus 1.
    next: AtomicU64,
    before: AtomicU64,
}

impl Shard {
    /// Adds `n` events at the time `now`. For the owner only.
    #[inline]
    pub(crate) fn add_at_time(&self, now: u64, n: u64, span: Span) {
        // Relaxed: only we write it.
        if now < self.until.load(Relaxed) {
            self.count(n);
        } else {
            self.add_slowly(span.tick(now).min(LAST), n, span);
        }
    }

    /// Adds `n` events to bucket `tick`. For the owner only.
    #[inline]
    pub(crate) fn add_at(&self, tick: u64, n: u64, span: Span) {
        let tick = tick.min(LAST);
        // Relaxed: only we write it.
        if tick + 1 == self.next.load(Relaxed) {
            self.count(n);
        } else {
            self.add_slowly(tick, n, span);
        }
    }

    pub(crate) fn late(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.late.load(Relaxed)
    }

    #[inline]
    fn count(&self, n: u64) {
        // Relaxed: our own last value; an earlier owner's came to us with the slot.
        let total = self.total.load(Relaxed);
        // Release [total]: who sees these events sees their bucket in `next`.
        self.total.store(total.wrapping_add(n), Release);
    }

    #[cold]
    fn add_slowly(&self, tick: u64, n: u64, span: Span) {
        // Relaxed: only we write it.
        let newest = self.next.load(Relaxed);
        if tick >= newest {
            self.roll(tick, span);
        } else if tick + 1 < newest {
            // Relaxed: only we write it.
            let late = self.late.load(Relaxed);
            // Relaxed: a count, which publishes nothing.
            self.late.store(late.wrapping_add(n), Relaxed);
        }
        self.count(n);
    }

    /// Begins bucket `tick`.
    fn roll(&self, tick: u64, span: Span) {
        let mark = self.own_ring(span).place(tick);
        let next = tick + 1;
        // Relaxed: only we write it.
        let total = self.total.load(Relaxed);
        // Relaxed: `next` publishes it; who looks for the bucket that was here sees the total below.
        mark.next.store(next, Relaxed);
        // Release [overwritten]: who sees this total sees whose it is.
        mark.before.store(total, Release);
        // Release [next]: the mark, and the ring.
        self.next.store(next, Release);
        // Relaxed: only we read it.
        self.until.store(span.start(next), Relaxed);
    }

    fn own_ring(&self, span: Span) -> &Marks {
        // Relaxed: only we write it.
        let mut ring = self.ring.load(Relaxed);
        if ring.is_null() {
            let marks = (0..span.places()).map(|_| Mark::default()).collect();
            ring = Box::into_raw(Box::new(Marks(marks)));
            // Relaxed: `next` publishes it.
            self.ring.store(ring, Relaxed);
        }
        // SAFETY: I3: a box that only the drop of the shard frees.
        unsafe { &*ring }
    }
}

impl Marks {
    fn place(&self, tick: u64) -> &Mark {
        #[expect(clippy::cast_possible_truncation, reason = "the mask is below the length")]
        &self.0[tick as usize & (self.0.len() - 1)]
    }

    /// The total before bucket `tick`, if it has a mark.
    fn before(&self, tick: u64) -> Option<u64> {
        let mark = self.place(tick);
        // Relaxed: `next` has shown it to us.
        if mark.next.load(Relaxed) != tick + 1 {
            return None;
        }
        // Acquire [overwritten]: pairs with `roll`.
        let before = mark.before.load(Acquire);
        // Relaxed: the total has shown it to us, if that is a later one's.
        (mark.next.load(Relaxed) == tick + 1).then_some(before)
    }
}

impl Tally for Shard {
    fn visit(&self, first: u64, each: &mut dyn FnMut(u64, u64)) -> u64 {
        // Acquire [total]: pairs with `count`.
        let total = self.total.load(Acquire);
        // Acquire [next]: pairs with `roll`.
        let next = self.next.load(Acquire);
        if next <= first {
            return total;
        }
        // Relaxed: `next` has shown it to us.
        let ring = self.ring.load(Relaxed);
        // SAFETY: I3: `next` has shown us the ring, which lives as long as the shard.
        let ring = unsafe { &*ring };
        let oldest = next.saturating_sub(ring.0.len() as u64).max(first);
        let mut older = None;
        let mut open: Option<(u64, u64)> = None;
        for tick in oldest..next {
            let Some(before) = ring.before(tick) else { continue };
            older.get_or_insert(before);
            if let Some((tick, since)) = open.replace((tick, before)) {
                each(tick, before - since);
            }
        }
        if let Some((tick, since)) = open {
            // A bucket that has begun after our look at the total shows nothing yet.
            each(tick, total.max(since) - since);
        }
        older.unwrap_or(total)
    }

    fn newest(&self) -> Option<u64> {
        // Relaxed: a bucket's number; what is read of the bucket comes with `visit`.
        self.next.load(Relaxed).checked_sub(1)
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let ring = self.ring.load(Relaxed);
        if !ring.is_null() {
            // SAFETY: I3: the box of `own_ring`, which nobody can reach any more.
            drop(unsafe { Box::from_raw(ring) });
        }
    }
}
