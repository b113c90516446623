//! A table that grows by doubling and never moves what it holds.
//!
//! # State
//!
//! `levels[k]` is null, or points to 2^k cells. Cells are numbered from 1, so that the level of cell
//! `n` is the place of its highest bit and the cell's place in the level is the rest:
//!
//! ```text
//! level   0    1       2             3
//!        [1] [2 3] [4 5 6 7] [8 9 10 11 12 13 14 15]  ...
//! ```
//!
//! # Invariants
//!
//! * I1: a level goes from null to a pointer once, and stays until the table is dropped.
//! * I2: a pointer in `levels[k]` came out of a `Box<[T]>` of 2^k initialized cells.
//! * I3: a [`Place`] lies in one of the first `LEVELS` levels, at an offset that the level has.
//!
//! # Progress and linearization
//!
//! * `get`, `get_unchecked`: wait-free, one access, where it linearizes; `iter`: one for each level.
//! * `get_or_grow`: the same where the level exists, else an allocation and one more access. Of
//!   threads that race to make a level one wins, and the others free what they made: nobody waits.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | segment | the exchange in `grow` | the loads in `get` and `iter`, the failed exchange in `grow` | the initial values of a level's cells | `segment_cells_are_seen_initialized`, `segment_iterator_sees_cells_initialized`, `segment_race_has_one_winner` |

use alloc::boxed::Box;
use core::{
    fmt,
    marker::PhantomData,
    num::{NonZeroU8, NonZeroU32},
    ptr,
};

use crate::{
    array_of, const_unless_loom,
    sync::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Where a cell stands in a table of `LEVELS` levels, ready for use: a level and an offset in it.
///
/// Finding it from the number takes a bit scan, which a hot path may want to have behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Place<const LEVELS: usize> {
    /// The level plus one, so that an `Option` of this is no larger.
    level: NonZeroU8,
    offset: u32,
}

impl<const LEVELS: usize> Place<LEVELS> {
    /// The place of the cell of this number, unless that is above 2^`LEVELS` - 1.
    #[inline]
    pub const fn of(number: NonZeroU32) -> Option<Self> {
        let level = number.ilog2();
        let offset = number.get() ^ (1 << level);
        #[expect(clippy::cast_possible_truncation, reason = "a level is below 32")]
        let level = NonZeroU8::MIN.saturating_add(level as u8);
        if level.get() as usize <= LEVELS { Some(Self { level, offset }) } else { None }
    }

    /// The place at this offset of this level, if there is one: for who keeps these two instead of the
    /// number, and spares the bit scan.
    #[inline]
    pub const fn at(level: u32, offset: u32) -> Option<Self> {
        if level as usize >= LEVELS || offset >> level != 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a level is below 32")]
        let level = NonZeroU8::MIN.saturating_add(level as u8);
        Some(Self { level, offset })
    }

    /// The number of the cell there.
    #[inline]
    pub const fn number(self) -> NonZeroU32 {
        NonZeroU32::MIN.saturating_add((1 << self.level()) - 1 + self.offset)
    }

    /// The level, from 0: it has 2^`level` cells.
    #[inline]
    pub const fn level(self) -> usize {
        self.level.get() as usize - 1
    }

    /// Where in the level, from 0.
    #[inline]
    pub const fn offset(self) -> usize {
        self.offset as usize
    }
}

impl<const LEVELS: usize> fmt::Debug for Place<LEVELS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.number()).finish()
    }
}

/// A table of cells numbered from 1, at most 2^`LEVELS` - 1 of them.
///
/// Levels of 1, 2, 4, ... cells are allocated when first used and freed when the table is dropped;
/// a reference into it stays good as long as the table. An empty table holds no memory but its
/// `LEVELS` pointers, and a table used up to cell `n` has fewer than 2`n` cells.
///
/// ```
/// use core::{num::NonZeroU32, sync::atomic::{AtomicU64, Ordering::Relaxed}};
/// use lockfree_core::segments::{Place, Segments};
///
/// static TABLE: Segments<AtomicU64, 8> = Segments::new();
///
/// let third = Place::of(NonZeroU32::new(3).unwrap()).unwrap();
/// assert!(TABLE.get(third).is_none());
/// TABLE.get_or_grow(third).store(7, Relaxed);
/// assert_eq!(TABLE.iter().map(|cell| cell.load(Relaxed)).sum::<u64>(), 7);
/// ```
pub struct Segments<T, const LEVELS: usize> {
    levels: [AtomicPtr<T>; LEVELS],
    owns: PhantomData<*mut T>,
}

// SAFETY: I2: the table owns its cells as a vector does.
unsafe impl<T: Send, const LEVELS: usize> Send for Segments<T, LEVELS> {}
// SAFETY: I1: a shared table lends `&T` to any thread, and drops cells that another one built.
unsafe impl<T: Send + Sync, const LEVELS: usize> Sync for Segments<T, LEVELS> {}

impl<T, const LEVELS: usize> Segments<T, LEVELS> {
    const_unless_loom! {
        /// A table with no cell yet.
        pub fn new() -> Self {
            const { assert!(LEVELS <= 32, "cells are numbered in 32 bits") }
            Self { levels: array_of![AtomicPtr::new(ptr::null_mut()); LEVELS], owns: PhantomData }
        }
    }

    /// The cell at this place, if its level exists. Wait-free, one atomic load.
    #[inline]
    pub fn get(&self, place: Place<LEVELS>) -> Option<&T> {
        // Acquire [segment]: pairs with the exchange in `grow`.
        let first = self.level(place).load(Acquire);
        // SAFETY: I2: what the level's word held.
        if first.is_null() { None } else { Some(unsafe { Self::cell(first, place) }) }
    }

    /// The cell at this place, of which the caller knows that it is there: no branch, one relaxed load.
    ///
    /// # Safety
    /// [`get`](Self::get) or [`get_or_grow`](Self::get_or_grow) has returned a cell of this level, and
    /// that *happened before* this call.
    #[inline]
    pub unsafe fn get_unchecked(&self, place: Place<LEVELS>) -> &T {
        // Relaxed: by coherence what the earlier call saw, which had it by `segment`.
        let first = self.level(place).load(Relaxed);
        // SAFETY: I1, I2: what the level's word has held since then, which is not null.
        unsafe { Self::cell(first, place) }
    }

    /// The cell at this place; its level is made if there is none.
    ///
    /// Wait-free but for the allocator, which is called by the first users of a level only.
    ///
    /// # Panics
    /// `T::default` panics.
    #[inline]
    pub fn get_or_grow(&self, place: Place<LEVELS>) -> &T
    where
        T: Default,
    {
        self.get(place).unwrap_or_else(|| self.grow(place))
    }

    /// All cells of the levels that exist, in the order of their numbers.
    ///
    /// A level made while the iterator is under way may be left out.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.levels.iter().enumerate().flat_map(|(level, first)| {
            // Acquire [segment]: pairs with the exchange in `grow`.
            let first = first.load(Acquire);
            let cells = if first.is_null() { None } else { Some(level_of(first, level)) };
            // SAFETY: I1, I2: the cells are initialized and live as long as `self`.
            cells.map(|cells| unsafe { &*cells }).unwrap_or_default()
        })
    }

    #[cold]
    fn grow(&self, place: Place<LEVELS>) -> &T
    where
        T: Default,
    {
        let level = place.level();
        let made: Box<[T]> = (0..1_usize << level).map(|_| T::default()).collect();
        let made = Box::into_raw(made).cast::<T>();
        // Release [segment]: the initial values are visible to `get`, `iter` and a loser here.
        // Acquire [segment]: pairs with the exchange of the thread that was first.
        match self.level(place).compare_exchange(ptr::null_mut(), made, Release, Acquire) {
            // SAFETY: I2: what the level's word now holds.
            Ok(_) => unsafe { Self::cell(made, place) },
            Err(theirs) => {
                // SAFETY: I2: nobody else has seen this box of 2^level cells.
                drop(unsafe { Box::from_raw(level_of(made, level)) });
                // SAFETY: I2: what the level's word holds.
                unsafe { Self::cell(theirs, place) }
            }
        }
    }

    #[inline]
    fn level(&self, place: Place<LEVELS>) -> &AtomicPtr<T> {
        // SAFETY: I3: the level is below LEVELS.
        unsafe { self.levels.get_unchecked(place.level()) }
    }

    /// # Safety
    /// `first` is the pointer in the place's level, and the table outlives `'a`.
    #[inline]
    unsafe fn cell<'a>(first: *const T, place: Place<LEVELS>) -> &'a T {
        // SAFETY: I2, I3: the level has a cell at this offset.
        let cell = unsafe { first.add(place.offset()) };
        // SAFETY: I1, I2: the cell is initialized and lives as long as the table.
        unsafe { &*cell }
    }
}

const fn level_of<T>(first: *mut T, level: usize) -> *mut [T] {
    ptr::slice_from_raw_parts_mut(first, 1 << level)
}

impl<T, const LEVELS: usize> Drop for Segments<T, LEVELS> {
    fn drop(&mut self) {
        for (level, first) in self.levels.iter().enumerate() {
            // Relaxed: exclusive access; whoever gave it to us ordered the rest.
            let first = first.load(Relaxed);
            if !first.is_null() {
                // SAFETY: I1, I2: the box of 2^level cells, which nobody can reach any more.
                drop(unsafe { Box::from_raw(level_of(first, level)) });
            }
        }
    }
}

impl<T, const LEVELS: usize> Default for Segments<T, LEVELS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug, const LEVELS: usize> fmt::Debug for Segments<T, LEVELS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
