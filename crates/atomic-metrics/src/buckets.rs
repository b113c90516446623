//! Counts of buckets that one thread writes, in chunks that come when they are first needed.
//!
//! # State
//!
//! `chunks[c]` is null or points to the counts of the buckets of chunk `c`, 16 powers of two: those of bank 0,
//! then those of bank 1. See [`Grid`] for what falls into which.
//!
//! # Invariants
//!
//! * I1: only the owner writes, both pointers and counts.
//! * I2: a pointer goes from null to that of a `Box<[AtomicU64]>` of `2 * grid.chunk()` words once, and stays
//!   until the table is dropped; the grid is that of all calls.
//! * I3: in a bank whose published version has `n` finite values, the counts add up to `n`, or to `n + 1` where
//!   the next record has counted its value, which then is staged.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free, 3 accesses, or an allocation and 2 more for a chunk's first value. A part of the record
//!   that publishes it.
//! * `copy`: wait-free, a load for each chunk that there may be, and one for each bucket of those that are.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | chunk | store of the pointer in `grow` | load in `copy` | that the counts began at 0 | `chunk_is_seen_initialized` |
//! | pending | store of the count in `add` | fence in `copy` | the staged value: who sees a count too many sees of which bucket it is | `pending_value_is_taken_back` |

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, ptr};

use lockfree_core::{
    array_of,
    sync::{
        AtomicPtr, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
};

use crate::grid::{Grid, Place};

/// As many as a place's chunk has numbers. Few under the models, in which they lie together.
const CHUNKS: usize = if cfg!(loom) { 2 } else { 256 };

/// What a shard keeps beside its banks, and how it is read with them.
pub(crate) trait Detail: Default + fmt::Debug {
    /// What all shards of a structure know.
    type Grid: Copy + fmt::Debug;
    /// A copy of a bank's detail.
    type Counts: Default + fmt::Debug;

    /// Counts a finite value in a bank. Only the owner may call it.
    fn add(&self, grid: Self::Grid, bank: usize, value: f64);

    /// What a bank holds, with an acquire fence behind the loads.
    fn copy(&self, grid: Self::Grid, bank: usize) -> Self::Counts;

    /// Takes back what does not belong to `count` values: the pending one, if it was seen.
    fn settle(grid: Self::Grid, counts: &mut Self::Counts, count: u64, pending: f64);

    /// Adds up.
    fn merge(into: &mut Self::Counts, from: Self::Counts);
}

impl Detail for () {
    type Grid = ();
    type Counts = ();

    #[inline]
    fn add(&self, (): (), _bank: usize, _value: f64) {}
    fn copy(&self, (): (), _bank: usize) {}
    fn settle((): (), (): &mut (), _count: u64, _pending: f64) {}
    fn merge((): &mut (), (): ()) {}
}

/// The counts of both banks of a shard.
pub(crate) struct Buckets {
    chunks: [AtomicPtr<AtomicU64>; CHUNKS],
    /// Words of a chunk, for the drop; 0 while there is none.
    words: AtomicU64,
}

/// The counts of a bank's chunks.
pub(crate) type Counts = Vec<(u8, Vec<u64>)>;

impl Default for Buckets {
    fn default() -> Self {
        Self {
            chunks: array_of![AtomicPtr::new(ptr::null_mut()); CHUNKS],
            words: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").finish_non_exhaustive()
    }
}

impl Detail for Buckets {
    type Grid = Grid;
    type Counts = Counts;

    #[inline]
    fn add(&self, grid: Grid, bank: usize, value: f64) {
        let place = grid.place(value.to_bits());
        // Relaxed: only we write it.
        let mut chunk = self.chunks[usize::from(place.chunk) % CHUNKS].load(Relaxed);
        if chunk.is_null() {
            chunk = self.grow(grid, place.chunk);
        }
        // SAFETY: I2: the place's bucket is below `grid.chunk()`, and the bank below 2.
        let count = unsafe { chunk.add(bank * grid.chunk() + place.bucket) };
        // SAFETY: I2: an initialized word, which lives as long as the table.
        let count = unsafe { &*count };
        // Relaxed: only we write it.
        let more = count.load(Relaxed).wrapping_add(1);
        // Release [pending]: the staged value is visible to who sees it counted.
        count.store(more, Release);
    }

    fn copy(&self, grid: Grid, bank: usize) -> Counts {
        let mut counts = Counts::new();
        for (number, chunk) in (0..=u8::MAX).zip(&self.chunks) {
            // Acquire [chunk]: pairs with the store in `grow`.
            let chunk = chunk.load(Acquire);
            if chunk.is_null() {
                continue;
            }
            // SAFETY: I2: the bank's part of the chunk.
            let first = unsafe { chunk.add(bank * grid.chunk()) };
            let words = ptr::slice_from_raw_parts(first, grid.chunk());
            // SAFETY: I2: initialized words, which live as long as the table.
            let words = unsafe { &*words };
            // Relaxed: the fence below, and what `settle` does, make them belong together.
            counts.push((number, words.iter().map(|count| count.load(Relaxed)).collect()));
        }
        // Acquire [pending]: pairs with the store in `add` of a count that was seen.
        fence(Acquire);
        counts
    }

    fn settle(grid: Grid, counts: &mut Counts, count: u64, pending: f64) {
        let seen: u64 = counts.iter().flat_map(|(_, words)| words).sum();
        if seen != count {
            debug_assert_eq!(seen, count + 1, "one record at most is pending");
            let Place { chunk, bucket } = grid.place(pending.to_bits());
            let own = usize::from(chunk) % CHUNKS;
            let words = counts.iter_mut().find(|(number, _)| usize::from(*number) == own);
            if let Some(pending) = words.and_then(|(_, words)| words.get_mut(bucket)) {
                *pending -= 1;
            }
        }
    }

    fn merge(into: &mut Counts, from: Counts) {
        for (number, words) in from {
            match into.binary_search_by_key(&number, |(number, _)| *number) {
                Ok(own) => into[own].1.iter_mut().zip(words).for_each(|(own, more)| *own += more),
                Err(place) => into.insert(place, (number, words)),
            }
        }
    }
}

impl Buckets {
    #[cold]
    fn grow(&self, grid: Grid, chunk: u8) -> *mut AtomicU64 {
        let words = 2 * grid.chunk();
        let made: Box<[AtomicU64]> = (0..words).map(|_| AtomicU64::new(0)).collect();
        let made = Box::into_raw(made).cast();
        // Relaxed: read by the drop alone.
        self.words.store(words as u64, Relaxed);
        // Release [chunk]: that the counts are 0 is visible to readers.
        self.chunks[usize::from(chunk) % CHUNKS].store(made, Release);
        made
    }
}

impl Drop for Buckets {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let words = usize::try_from(self.words.load(Relaxed)).unwrap_or_default();
        for chunk in &self.chunks {
            // Relaxed: as above.
            let chunk = chunk.load(Relaxed);
            if !chunk.is_null() {
                let chunk = ptr::slice_from_raw_parts_mut(chunk, words);
                // SAFETY: I2: the box of so many words, which nobody can reach any more.
                drop(unsafe { Box::from_raw(chunk) });
            }
        }
    }
}
