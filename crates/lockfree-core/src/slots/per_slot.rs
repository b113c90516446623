//! A padded cell for each slot.

use core::fmt;

use super::{LEVELS, Slot};
use crate::{
    CachePadded, const_unless_loom,
    segments::{Place, Segments},
};

/// A table with a cell for each thread slot, each on cache lines of its own.
///
/// Cells are made, with `T::default()`, when a thread first touches a slot's level: a table touched
/// by slots up to the n-th has fewer than 2n cells. They are never reset: a slot's next thread finds
/// its cell as the last one left it. They are freed with the table.
///
/// That only the owner of a slot writes its cell is what a user of this table makes of it: the table
/// itself lends `&T` to the owner and to readers alike. See [`slots`](super) for an example.
pub struct PerSlot<T>(Segments<CachePadded<T>, LEVELS>);

impl<T> PerSlot<T> {
    const_unless_loom! {
        /// A table with no cell yet.
        pub fn new() -> Self {
            Self(Segments::new())
        }
    }

    /// The cell of `slot`. Wait-free, one atomic load; where it is the first of its level, an
    /// allocation and one more access, and nobody waits for it.
    ///
    /// # Panics
    /// `T::default` panics.
    #[inline]
    pub fn get(&self, slot: Slot<'_>) -> &T
    where
        T: Default,
    {
        self.0.get_or_grow(slot.place)
    }

    /// The cell at this place, if it was made.
    pub(super) fn at(&self, place: Place<LEVELS>) -> Option<&T> {
        self.0.get(place).map(|cell| &**cell)
    }

    /// All cells that there are, touched or not. Wait-free.
    ///
    /// A level made while the iterator is under way may be left out.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|cell| &**cell)
    }
}

impl<T> Default for PerSlot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for PerSlot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
