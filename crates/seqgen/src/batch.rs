//! Ids that were taken in one go.

use core::iter::FusedIterator;

use crate::state::{Claim, Rule};

/// Some ids of a sequence, one step apart, that nobody else has.
///
/// It is a plain range: going through it touches nothing shared. Those that nobody takes out of it
/// are skipped. What was taken before a [`reset`](crate::Sequence::reset) stays what it is.
///
/// ```
/// let mut batch = seqgen::Sequence::new(1000, 2000, 10)?.next_batch(4).unwrap();
/// assert_eq!((batch.front(), batch.back(), batch.len()), (Some(1010), Some(1040), 4));
/// assert_eq!((batch.next(), batch.next_back()), (Some(1010), Some(1040)));
/// assert!(batch.eq([1020, 1030]));
/// # Ok::<(), seqgen::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "ids that are dropped are skipped"]
pub struct Batch {
    /// The next id.
    next: u64,
    /// What is added to an id to get the one after it, modulo 2^64.
    delta: u64,
    left: usize,
}

impl Batch {
    /// No ids.
    #[inline]
    pub(crate) const fn empty() -> Self {
        Self { next: 0, delta: 0, left: 0 }
    }

    #[inline]
    pub(crate) const fn new(rule: &Rule, claim: Claim) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "no more are asked for than fit")]
        let left = claim.count as usize;
        Self { next: rule.id(claim.first), delta: rule.delta(), left }
    }

    /// The id at the front, unless the batch is used up.
    pub const fn front(&self) -> Option<u64> {
        if self.left == 0 { None } else { Some(self.next) }
    }

    /// The id at the back, unless the batch is used up.
    pub const fn back(&self) -> Option<u64> {
        match self.left.checked_sub(1) {
            Some(further) => Some(self.ahead(further)),
            None => None,
        }
    }

    /// The id that is `further` behind the next.
    #[inline]
    const fn ahead(&self, further: usize) -> u64 {
        self.next.wrapping_add(self.delta.wrapping_mul(further as u64))
    }
}

impl Iterator for Batch {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        let id = self.next;
        self.next = self.ahead(1);
        Some(id)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }

    #[inline]
    fn last(mut self) -> Option<u64> {
        self.next_back()
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<u64> {
        let skipped = n.min(self.left);
        self.next = self.ahead(skipped);
        self.left -= skipped;
        self.next()
    }
}

impl DoubleEndedIterator for Batch {
    #[inline]
    fn next_back(&mut self) -> Option<u64> {
        let id = self.back()?;
        self.left -= 1;
        Some(id)
    }
}

impl ExactSizeIterator for Batch {}
impl FusedIterator for Batch {}
