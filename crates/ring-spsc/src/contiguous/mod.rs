//! A ring whose values lie side by side: for blocks rather than single values.
//!
//! The two ends share two indices instead of a flag in each slot, so that free and filled slots can
//! be lent as slices: written in place and read in place, with nothing copied. Single values cost
//! more here than in [`ring`](crate::ring()): index and value travel on lines of their own.
//!
//! ```
//! use ring_spsc::contiguous;
//!
//! let (mut producer, mut consumer) = contiguous::ring(8);
//! assert_eq!(producer.push_slice(&[1, 2, 3, 4]), 4);
//!
//! let chunk = consumer.read_chunk(3);
//! let (first, second) = chunk.as_slices();
//! assert_eq!((first, second), (&[1, 2, 3][..], &[][..]));
//! chunk.commit(2);
//! assert_eq!(consumer.pop(), Some(3));
//! ```

mod chunks;
mod consumer;
mod producer;
mod ring;

use crate::fixed::Fixed;
#[cfg(feature = "alloc")]
use crate::storage::Heap;

pub use chunks::{IntoIter, ReadChunk, WriteChunk};
pub use consumer::Consumer;
pub use producer::Producer;
pub(crate) use ring::{Marks, Place};

/// A contiguous ring without allocation: `N` places that live where it is put.
///
/// `split` lends the two ends. Once both are dropped, what they left inside has been dropped too,
/// and the ring can be split again.
///
/// ```
/// use ring_spsc::contiguous::StaticRing;
///
/// static BLOCKS: StaticRing<u8, 512> = StaticRing::new();
///
/// let (mut producer, mut consumer) = BLOCKS.split().expect("split here only");
/// producer.push_slice(b"block");
/// assert_eq!(consumer.read_chunk(512).as_slices().0, b"block");
/// ```
pub type StaticRing<T, const N: usize> = Fixed<Place<T>, N>;

/// The two ends of a [`StaticRing`].
pub type StaticEnds<'a, T, const N: usize> =
    (Producer<T, &'a StaticRing<T, N>>, Consumer<T, &'a StaticRing<T, N>>);

/// A ring that holds at most `capacity` values, and its two ends. Allocates once, here.
///
/// Any capacity is exact. The ring is freed, with what is left inside, when both ends are dropped.
///
/// # Panics
/// `capacity` is 0, or the values exceed `isize::MAX` bytes.
#[cfg(feature = "alloc")]
#[must_use = "a ring without its ends is freed at once"]
pub fn ring<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    let (one, other) = Heap::pair(capacity);
    (Producer::new(one), Consumer::new(other))
}
