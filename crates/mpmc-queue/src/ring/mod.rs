//! Rings of numbers: the queues without their values, for whoever keeps those elsewhere.
//!
//! A ring of capacity n for H hands has n + H *cells*, numbered from 0. Each is at any moment in one
//! slot of the ring or in one [hand](IndexRing::Hand), and whoever has the hand has the cell for
//! itself. To push is to give the hand's cell away, full, and to get a free one for it; to pop is to
//! give the hand's cell away, free, and to get the oldest full one. What *full* means is the user's:
//! that a value lies there, that a connection is idle.
//!
//! ```
//! use mpmc_queue::ring::{IndexRing, LockFreeRing};
//!
//! let (ring, mut hands) = LockFreeRing::with_hands(1, 2);
//! let (mut one, mut other) = (hands.next().unwrap(), hands.next().unwrap());
//!
//! let given = LockFreeRing::cell(&one);
//! assert!(ring.push(&mut one));
//! assert!(!ring.push(&mut other)); // full
//! assert!(ring.pop(&mut other));
//! assert_eq!(LockFreeRing::cell(&other), given);
//! ```

mod circle;
mod lock_free;
mod wait_free;

use core::fmt;

pub use lock_free::{Hand, LockFreeRing};
pub use wait_free::{HelpingHand, Rules, Sound, WaitFreeRing};

pub(crate) use circle::Circle;

/// A ring of cells, see the [module](self).
///
/// # Safety
/// Of a ring and the hands that [`with_hands`](Self::with_hands) made with it, used with no other
/// ring: each cell below `capacity + hands` is at any moment in one slot or one hand. What the last
/// holder of a cell did before it gave the cell away *happened before* it is another hand's.
pub unsafe trait IndexRing: Sized + fmt::Debug + Send + Sync {
    /// What holds the one cell that belongs to a thread.
    type Hand: fmt::Debug + Send;

    /// A ring of free slots and all the hands there will ever be. Allocates here and nowhere else.
    ///
    /// # Panics
    /// `capacity` is 0, or the ring cannot have so many cells, or so many hands.
    fn with_hands(capacity: usize, hands: usize) -> (Self, impl Iterator<Item = Self::Hand>);

    /// The cell in the hand.
    fn cell(hand: &Self::Hand) -> usize;

    /// Gives the hand's cell away as the newest full one, for a free cell. False if the ring is
    /// full: the hand keeps its cell.
    #[must_use]
    fn push(&self, hand: &mut Self::Hand) -> bool;

    /// Gives the hand's cell away as a free one, for the oldest full cell. False if the ring is
    /// empty: the hand keeps its cell.
    #[must_use]
    fn pop(&self, hand: &mut Self::Hand) -> bool;

    /// Gives the hand's cell away as the newest full one, for a free cell or, if the ring is full,
    /// for the oldest full one, in one step: then true.
    #[must_use]
    fn replace(&self, hand: &mut Self::Hand) -> bool;

    /// A [`push`](Self::push) for who is undisturbed. False says nothing, and nothing has happened.
    #[doc(hidden)]
    fn push_next(&self, hand: &mut Self::Hand) -> bool;

    /// A [`pop`](Self::pop) for who is undisturbed. False says nothing, and nothing has happened.
    #[doc(hidden)]
    fn pop_next(&self, hand: &mut Self::Hand) -> bool;

    /// How many cells are full: at some moment of the call, unless others push without pause all
    /// the while; then a number between 0 and the capacity.
    fn len(&self) -> usize;

    /// Whether no cell was full at some moment of the call. False may also mean that others were
    /// too busy to tell.
    fn is_empty(&self) -> bool;

    /// Whether all slots were full at some moment of the call. False may also mean that others were
    /// too busy to tell.
    fn is_full(&self) -> bool;

    /// How many cells can be full.
    fn capacity(&self) -> usize;

    /// The full cells, oldest first, provided that nobody pushes or pops meanwhile.
    fn full_cells(&self) -> impl Iterator<Item = usize>;
}

/// What both rings say of themselves in the same way: `IndexRing`'s queries, each search bounded.
macro_rules! queries {
    ($walk:expr) => {
        #[expect(clippy::cast_possible_truncation, reason = "the capacity is a usize")]
        fn len(&self) -> usize {
            self.circle.len($walk(self)) as usize
        }

        fn is_empty(&self) -> bool {
            self.circle.refuses(Side::Pop, $walk(self))
        }

        fn is_full(&self) -> bool {
            self.circle.refuses(Side::Push, $walk(self))
        }

        #[expect(clippy::cast_possible_truncation, reason = "the capacity is a usize")]
        fn capacity(&self) -> usize {
            self.circle.shape.capacity() as usize
        }

        #[expect(clippy::cast_possible_truncation, reason = "cells number less than 2^32")]
        fn full_cells(&self) -> impl Iterator<Item = usize> {
            self.circle.full_cells().map(|cell| cell as usize)
        }
    };
}
use queries;
