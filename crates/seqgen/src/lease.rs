//! Ids in advance, for one owner.

use core::ops::Deref;

use crate::{batch::Batch, error::Exhausted, sequence::Sequence};

/// Takes ids from a sequence a block at a time, and gives them out one by one.
///
/// Most ids cost a load of a line that hardly anybody writes and an addition; one in a block costs
/// what a [`Sequence::next`] does.
///
/// What the ids are worth: each is *unique*, and they *increase within a lease* (or fall, or begin
/// anew, as the sequence does). Between leases, and between a lease and the sequence, there is no
/// order: a block is taken long before its last id is given.
///
/// # What becomes of unused ids
///
/// * When a lease is dropped, the ids that it holds are skipped; nobody else gets them. The owner may
///   have them: [`into_unused`](Self::into_unused).
/// * After [`Sequence::reset`] a lease gives no id of a block from before it, provided that the reset
///   *happened before* the call: those are skipped, and the next block is a new one. While a reset is
///   under way, leases of other threads may still give what they hold.
/// * At the end of the range, other callers find the sequence exhausted while a lease still holds some.
///
/// ```
/// let sequence = seqgen::Sequence::new(0, 1_000_000, 1)?;
/// let (mut one, mut other) = (sequence.lease(64), sequence.lease(64));
/// assert_eq!((one.next(), other.next(), one.next()), (Ok(1), Ok(65), Ok(2)));
///
/// sequence.reset(500_000).unwrap();
/// assert_eq!(one.next(), Ok(500_001));
/// # Ok::<(), seqgen::BuildError>(())
/// ```
///
/// A lease borrows the sequence, or holds whatever else leads to one, an `Arc` for instance:
///
/// ```
/// use {seqgen::{Lease, Sequence}, std::sync::Arc};
///
/// let sequence = Arc::new(Sequence::new(0, 1_000_000, 1)?);
/// let mut lease = Lease::new(Arc::clone(&sequence), 1024);
/// std::thread::spawn(move || assert_eq!(lease.next(), Ok(1))).join().unwrap();
/// # Ok::<(), seqgen::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "it takes nothing until it is asked"]
pub struct Lease<S> {
    held: Batch,
    /// How many resets there had been before the block was taken.
    resets: u64,
    block: u64,
    sequence: S,
}

impl<S> Lease<S> {
    /// A lease that holds nothing yet. A block of 0 is taken as one of 1.
    pub const fn new(sequence: S, block: u64) -> Self {
        let block = if block == 0 { 1 } else { block };
        Self { held: Batch::empty(), resets: 0, block, sequence }
    }

    /// How many ids a block has.
    pub const fn block(&self) -> u64 {
        self.block
    }
}

impl<S: Deref<Target = Sequence>> Lease<S> {
    /// The next id of the block, or the first of a new one.
    ///
    /// Wait-free, 1 access; one in a block takes 1 more than [`Sequence::next_batch`].
    ///
    /// # Errors
    /// The block is used up, and the sequence has given its last id.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an end may be followed by a reset")]
    pub fn next(&mut self) -> Result<u64, Exhausted> {
        if self.sequence.still_has(self.resets)
            && let Some(id) = self.held.next()
        {
            return Ok(id);
        }
        let (resets, held) = block_of(&self.sequence, self.block)?;
        (self.resets, self.held) = (resets, held);
        self.held.next().ok_or(Exhausted)
    }

    /// The ids that it holds and has not given: none if there was a reset.
    pub fn into_unused(self) -> Batch {
        if self.sequence.still_has(self.resets) { self.held } else { Batch::empty() }
    }
}

/// A block, and how many resets there had been before it was taken. It knows nothing of the lease, which
/// can so stay in registers.
#[cold]
#[inline(never)]
fn block_of(sequence: &Sequence, n: u64) -> Result<(u64, Batch), Exhausted> {
    // First, so that a reset in between makes the block stale at worst.
    let resets = sequence.resets();
    sequence.next_batch(n).map(|batch| (resets, batch))
}
