//! The ring of slots and its two counters: what the lock-free and the wait-free ring have in common.
//!
//! # State
//!
//! ```text
//! slots    [ full, cell 7 ]  [ full, cell 2 ]  [ free, cell 0 ]  [ free, cell 5 ]
//!            ^ first position not popped          ^ first position not pushed
//! hands    cell 1, cell 6, cell 3, cell 4
//! ```
//!
//! A *cell* is a number; what it stands for is the user's. Every cell is in a slot or in a hand. A push
//! exchanges a free slot's cell for the hand's and makes the slot full; a pop exchanges a full slot's
//! cell and makes it free, for the next lap. Each is one compare-exchange, so that there is nothing
//! between claim and publication to be stopped at. The words are packed in [`state`](crate::state).
//!
//! `tail` and `head` are hints: each is a position that all positions before are final for, and may
//! lag. A search starts there, or where its hand knows better, and goes on to the first position that
//! its slot does not show to be final. Who is undisturbed needs no search: it goes on from its own last
//! position (`exchange_next`), a path that is kept apart and short, since each store before a
//! compare-exchange has to reach the cache first.
//!
//! # Invariants
//!
//! * I1. The turn of a slot only grows (around its circle of 2^32 or more).
//! * I2. A position's push, or pop, is made final only by who has seen all earlier ones of its kind
//!   final. So the pushes are final up to one position, the pops up to another.
//! * I6. Each cell is in exactly one slot or in exactly one hand.
//!
//! (Numbered as those of the [wait-free ring](crate::ring::WaitFreeRing), which add claims.)
//!
//! By I2, a push that finds its slot a half lap behind has found the ring full at the moment when it
//! read the slot: the tail was there, and the pop one lap before was not made. A pop is refused alike.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | exchange | `exchange_next`, `attempt` | `exchange_next`, `find` | what was done to the cell that is given away: its value, or that it was read out | `exchange_*` |
//! | passed | `advance` | `find` | that the slots of all positions before are final | `passed_*` |

use alloc::boxed::Box;
use core::fmt;

use lockfree_core::{
    Backoff, CachePadded,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::state::{HALF_LAP, Kind, Shape, Side, Stand, WHOLE_LAP};

/// Every so many places, who passes moves the counter up.
pub(super) const LAG: u64 = 16;

/// How often [`Circle::len`] looks for a tail that stands still.
const LOOKS: usize = 4;

/// How long who was overtaken stays away: long enough for the other to make some operations on the line
/// that it has just fetched, and too short to be seen among the slowest operations.
#[inline]
pub(super) const fn backoff() -> Backoff {
    Backoff::within(16, 64)
}

pub(crate) struct Circle {
    tail: CachePadded<AtomicU64>,
    head: CachePadded<AtomicU64>,
    slots: Box<[AtomicU64]>,
    pub(super) shape: Shape,
}

/// The cell that a hand holds, and how far it knows each side to be final.
#[derive(Debug)]
pub(super) struct Grip {
    pub(super) cell: u64,
    known: [u64; 2],
}

impl Grip {
    pub(super) const fn new(cell: u64) -> Self {
        Self { cell, known: [0; 2] }
    }
}

/// The first position of a side that was not final, and its slot's word then.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) position: u64,
    pub(super) word: u64,
    pub(super) stand: Stand,
}

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The cells are exchanged.
    Exchanged,
    /// They are, and the hand got the oldest full cell of a full ring.
    Displaced,
    /// The ring was full, or empty, at the moment of the look.
    Refused,
}

/// How a single attempt ended.
pub(super) enum Attempt {
    Decided(Outcome),
    /// Another thread was faster, or the search has been long.
    Lost,
    /// The slot is claimed; `place` and word.
    Claimed(u64, u64),
}

impl Circle {
    /// A ring of free slots, which hold the first `capacity` cells.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            tail: CachePadded::new(AtomicU64::new(0)),
            head: CachePadded::new(AtomicU64::new(0)),
            slots: (0..shape.capacity()).map(|cell| AtomicU64::new(Shape::first(cell))).collect(),
            shape,
        }
    }

    #[inline(always)]
    fn counter(&self, side: Side) -> &AtomicU64 {
        match side {
            Side::Push => &self.tail,
            Side::Pop => &self.head,
        }
    }

    #[inline(always)]
    pub(super) fn slot(&self, place: u64) -> &AtomicU64 {
        debug_assert!(place < self.shape.capacity());
        // SAFETY: places of positions are below the capacity, which is the number of slots.
        #[expect(clippy::cast_possible_truncation, reason = "there are so many slots")]
        unsafe {
            self.slots.get_unchecked(place as usize)
        }
    }

    /// Exchanges the hand's cell where the hand left off, if nobody has been there since: what an
    /// undisturbed operation comes to. False if it is not so, and at every `pause`-th place: nothing
    /// has happened then.
    #[inline(always)]
    pub(super) fn exchange_next(&self, side: Side, grip: &mut Grip, pause: u64) -> bool {
        let position = grip.known[side as usize];
        let place = self.shape.place(position);
        // Relaxed: only tells whether to search from further on.
        if place.is_multiple_of(pause) || self.counter(side).load(Relaxed) > position {
            return false;
        }
        let slot = self.slot(place);
        // Acquire [exchange, claim, final]: as in `find`.
        let word = slot.load(Acquire);
        let due = self.shape.due(position, side);
        if !self.shape.is_due(word, due) {
            return false;
        }
        let later = self.shape.later(due, HALF_LAP, grip.cell);
        // Release [exchange]: what was done to the hand's cell is visible to whoever takes it.
        // Relaxed: a loser looks again.
        if slot.compare_exchange(word, later, Release, Relaxed).is_err() {
            return false;
        }
        grip.cell = self.shape.cell(word);
        grip.known[side as usize] = self.shape.next(position);
        true
    }

    /// Exchanges the hand's cell, at the first position that is not final.
    #[inline(always)]
    pub(super) fn attempt(&self, kind: Kind, grip: &mut Grip, walk: u64) -> Attempt {
        let side = kind.side();
        let Some(Found { position, word, stand }) = self.find(side, grip, walk) else {
            return Attempt::Lost;
        };
        let (turns, outcome) = match (stand, kind) {
            (Stand::Due, _) => (HALF_LAP, Outcome::Exchanged),
            (Stand::Behind, Kind::Replace) => (WHOLE_LAP, Outcome::Displaced),
            (Stand::Behind, _) => return Attempt::Decided(Outcome::Refused),
            _ => return Attempt::Claimed(self.shape.place(position), word),
        };
        let later = self.shape.later(word, turns, grip.cell);
        let slot = self.slot(self.shape.place(position));
        // Release [exchange]: what was done to the hand's cell is visible to whoever takes it.
        // Relaxed: a loser looks again.
        if slot.compare_exchange(word, later, Release, Relaxed).is_err() {
            return Attempt::Lost;
        }
        grip.cell = self.shape.cell(word);
        grip.known[side as usize] = self.pass(side, position);
        Attempt::Decided(outcome)
    }

    /// The first position of `side` that is not final; none if the search takes more than `walk`
    /// looks.
    #[inline(always)]
    pub(super) fn find(&self, side: Side, grip: &mut Grip, walk: u64) -> Option<Found> {
        let known = &mut grip.known[side as usize];
        // Acquire [passed]: pairs with `advance`.
        let mut position = self.counter(side).load(Acquire).max(*known);
        for _ in 0..walk {
            // Acquire [exchange, claim, final]: pairs with `attempt`, for the cell in the slot, and with
            // who claimed the slot or made it final.
            let word = self.slot(self.shape.place(position)).load(Acquire);
            let stand = self.shape.stand(word, position, side);
            if stand != Stand::Final {
                *known = position;
                return Some(Found { position, word, stand });
            }
            position = self.pass(side, position);
        }
        *known = position;
        None
    }

    /// The position after one that the caller has seen final.
    #[inline(always)]
    fn pass(&self, side: Side, position: u64) -> u64 {
        let next = self.shape.next(position);
        if self.shape.place(position).is_multiple_of(LAG) {
            self.advance(side, next);
        }
        next
    }

    /// Moves the counter up to `position`, before which all is final.
    #[inline(always)]
    fn advance(&self, side: Side, position: u64) {
        let counter = self.counter(side);
        // Relaxed: the counter only grows, so an old value costs an exchange that fails.
        let seen = counter.load(Relaxed);
        if seen < position {
            // Release [passed]: the slots before are final for whoever reads the position.
            // Relaxed: another thread moves it, and the next to pass moves it on.
            let _ = counter.compare_exchange(seen, position, Release, Relaxed);
        }
    }

    /// The first position of `side` that is not final, or where a search of `walk` looks ends.
    fn reach(&self, side: Side, walk: u64) -> u64 {
        let mut grip = Grip::new(0);
        match self.find(side, &mut grip, walk) {
            Some(found) => found.position,
            None => grip.known[side as usize],
        }
    }

    /// How many cells are full; see `IndexRing::len`.
    pub(super) fn len(&self, walk: u64) -> u64 {
        let mut tail = self.reach(Side::Push, walk);
        let mut len = 0;
        for _ in 0..LOOKS {
            let head = self.reach(Side::Pop, walk);
            let still = self.reach(Side::Push, walk);
            len = self.shape.distance(head, still).min(self.shape.capacity());
            if still == tail {
                break;
            }
            tail = still;
        }
        len
    }

    /// Whether `side` would be refused at the moment of the look.
    pub(super) fn refuses(&self, side: Side, walk: u64) -> bool {
        let found = self.find(side, &mut Grip::new(0), walk);
        found.is_some_and(|found| found.stand == Stand::Behind)
    }

    /// The full cells, oldest first. They are told apart by looks of their own: exact only while
    /// nobody pushes or pops.
    pub(super) fn full_cells(&self) -> impl Iterator<Item = u64> {
        let first = self.reach(Side::Pop, u64::MAX);
        let places =
            core::iter::successors(Some(first), |&position| Some(self.shape.next(position)));
        places.take(self.slots.len()).filter_map(|position| {
            // Relaxed: the caller is alone, or counts.
            let word = self.slot(self.shape.place(position)).load(Relaxed);
            self.shape.is_full(word).then(|| self.shape.cell(word))
        })
    }
}

impl fmt::Debug for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circle")
            .field("head", &self.reach(Side::Pop, LAG))
            .field("tail", &self.reach(Side::Push, LAG))
            .field("capacity", &self.shape.capacity())
            .finish_non_exhaustive()
    }
}
