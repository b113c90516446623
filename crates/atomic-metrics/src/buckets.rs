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
//! * I3: the counts of both banks add up to the finite values of the blocks that were folded, and of the block that
//!   is being folded to as many of its first ones as have been counted.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free, 3 accesses a value, or an allocation and 2 more for a chunk's first. A part of the fold that
//!   publishes it.
//! * `collect`: wait-free, a load for each chunk that there may be, and one for each bucket of those that are.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | chunk | store of the pointer in `grow` | load in `collect` | that the counts began at 0 | `chunk_is_seen_initialized` |
//! | early | store of the count in `add` | fence in `collect` | all that was counted before, and the values of the block: who sees a value counted too early sees which ones are | `values_counted_early_are_taken_back` |

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

/// What a shard keeps beside its folds, and how it is read with them.
pub(crate) trait Detail: Default + fmt::Debug {
    /// What all shards of a structure know.
    type Grid: Copy + fmt::Debug;
    /// A copy of a shard's detail.
    type Counts: Default + PartialEq + fmt::Debug;

    /// Counts finite values in a bank, one after another. Only the owner may call it.
    fn add(&self, grid: Self::Grid, bank: usize, values: &[f64]);

    /// Adds what a bank holds to a copy, with an acquire fence behind the loads.
    fn collect(&self, grid: Self::Grid, bank: usize, into: &mut Self::Counts);

    /// How many values a copy has more than so many.
    fn beyond(counts: &Self::Counts, count: u64) -> u64;

    /// Counts finite values in a copy, or takes them back.
    fn count(
        grid: Self::Grid,
        counts: &mut Self::Counts,
        values: impl Iterator<Item = f64>,
        change: Change,
    );

    /// Adds up.
    fn merge(into: &mut Self::Counts, from: Self::Counts);
}

/// What becomes of the count of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    More,
    Less,
}

impl Detail for () {
    type Grid = ();
    type Counts = ();

    fn add(&self, (): (), _bank: usize, _values: &[f64]) {}
    fn collect(&self, (): (), _bank: usize, (): &mut ()) {}
    fn beyond((): &(), _count: u64) -> u64 {
        0
    }
    fn count((): (), (): &mut (), _values: impl Iterator<Item = f64>, _change: Change) {}
    fn merge((): &mut (), (): ()) {}
}

/// The counts of both banks of a shard.
pub(crate) struct Buckets {
    chunks: [AtomicPtr<AtomicU64>; CHUNKS],
    /// Words of a chunk, for the drop; 0 while there is none.
    words: AtomicU64,
}

/// Counts of chunks, in the order of their numbers.
pub(crate) type Counts = Vec<(u8, Vec<u64>)>;

/// Those of a chunk, which come with the first use.
fn chunk_of(counts: &mut Counts, number: u8, grid: Grid) -> &mut [u64] {
    let place = match counts.binary_search_by_key(&number, |(number, _)| *number) {
        Ok(place) => place,
        Err(place) => {
            counts.insert(place, (number, alloc::vec![0; grid.chunk()]));
            place
        }
    };
    &mut counts[place].1
}

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
    fn add(&self, grid: Grid, bank: usize, values: &[f64]) {
        for value in values {
            let Place { chunk: number, bucket } = grid.place(value.to_bits());
            // Relaxed: only we write it.
            let mut chunk = self.chunks[usize::from(number) % CHUNKS].load(Relaxed);
            if chunk.is_null() {
                chunk = self.grow(grid, number);
            }
            // SAFETY: I2: the place's bucket is below `grid.chunk()`, and the bank below 2.
            let count = unsafe { chunk.add(bank * grid.chunk() + bucket) };
            // SAFETY: I2: an initialized word, which lives as long as the table.
            let count = unsafe { &*count };
            // Relaxed: only we write it.
            let more = count.load(Relaxed).wrapping_add(1);
            // Release [early]: what was counted before, and the block, are visible to who sees this value counted.
            count.store(more, Release);
        }
    }

    fn collect(&self, grid: Grid, bank: usize, into: &mut Counts) {
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
            for (count, word) in chunk_of(into, number, grid).iter_mut().zip(words) {
                // Relaxed: the fence below, and who looks at the version, make them belong together.
                *count += word.load(Relaxed);
            }
        }
        // Acquire [early]: pairs with the store in `add` of a count that was seen.
        fence(Acquire);
    }

    fn beyond(counts: &Counts, count: u64) -> u64 {
        let seen: u64 = counts.iter().flat_map(|(_, words)| words).sum();
        seen.saturating_sub(count)
    }

    fn count(grid: Grid, counts: &mut Counts, values: impl Iterator<Item = f64>, change: Change) {
        for value in values {
            let Place { chunk, bucket } = grid.place(value.to_bits());
            #[expect(clippy::cast_possible_truncation, reason = "as many as fit")]
            let number = (usize::from(chunk) % CHUNKS) as u8;
            let count = &mut chunk_of(counts, number, grid)[bucket];
            *count = match change {
                Change::More => *count + 1,
                // What was disturbed is thrown away: until then it may be anything.
                Change::Less => count.saturating_sub(1),
            };
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
