//! An index and a tag in one word, so that a word that comes back is not taken for the one that
//! was read: the ABA problem (IBM System/370 Extended Architecture, *Principles of Operation*,
//! 1983, appendix A).
//!
//! # State
//!
//! ```text
//!  63              INDEX_BITS             0
//! ┌──────────────────────┬────────────────┐
//! │ tag                  │ index          │
//! └──────────────────────┴────────────────┘
//! ```
//!
//! # Invariants
//!
//! * I1: `index <= MAX_INDEX` and `tag <= MAX_TAG`; the two never overlap.
//! * I2: [`advance`](TaggedIndex::advance) gives a tag that is one greater, or nothing at all.

use core::fmt;

use crate::{
    const_unless_loom,
    sync::{AtomicU64, Ordering},
};

/// An index of `INDEX_BITS` bits and a tag in the rest of a `u64`.
///
/// A compare-exchange on such a word fails if anybody has advanced it since it was read, even if
/// the index is the same again. Two rules keep that true:
///
/// * The tag is advanced from the word that the compare-exchange expects. After a failed one, from
///   the word that it returned: never from an older one.
/// * The tag outlives what is indexed: an empty structure keeps it.
///
/// The index takes 1 to 32 bits, anything else does not compile. At 45 million advances a second
/// on one word, 40 bits of tag (the default) last 6.8 hours and 48 bits 72 days. What happens then
/// is the caller's choice: [`advance`](Self::advance) seals,
/// [`advance_wrapping`](Self::advance_wrapping) begins again.
///
/// ```
/// use lockfree_core::TaggedIndex;
///
/// let empty = <TaggedIndex>::new(0, 0);
/// let head = empty.advance(7).expect("2^40 advances are left");
/// assert_eq!((head.index(), head.tag()), (7, 1));
/// ```
///
/// ```compile_fail
/// const TAG_TOO_SHORT: lockfree_core::TaggedIndex<40> = lockfree_core::TaggedIndex::new(0, 0);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct TaggedIndex<const INDEX_BITS: u32 = 24>(u64);

impl<const INDEX_BITS: u32> TaggedIndex<INDEX_BITS> {
    /// The greatest index. Structures that need a "none" commonly take this one.
    pub const MAX_INDEX: u32 = {
        assert!(INDEX_BITS >= 1 && INDEX_BITS <= 32, "the index takes 1 to 32 of the 64 bits");
        u32::MAX >> (32 - INDEX_BITS)
    };

    /// The greatest tag: the word that holds it is [sealed](Self::is_sealed).
    pub const MAX_TAG: u64 = u64::MAX >> INDEX_BITS;

    /// How many wrapping advances bring a tag back. A thread that sleeps through exactly this many
    /// (or a multiple) between its read and its compare-exchange is deceived.
    pub const WRAP_DISTANCE: u64 = Self::MAX_TAG + 1;

    /// The word of this index and this tag.
    ///
    /// # Panics
    /// One of them does not fit.
    #[inline]
    #[must_use]
    pub const fn new(index: u32, tag: u64) -> Self {
        assert!(index <= Self::MAX_INDEX, "the index does not fit its bits");
        assert!(tag <= Self::MAX_TAG, "the tag does not fit its bits");
        Self(tag << INDEX_BITS | index as u64)
    }

    /// The word with these bits. Each `u64` is one.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the word.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The index.
    #[inline]
    pub const fn index(self) -> u32 {
        // I1: the mask leaves at most 32 bits.
        #[expect(clippy::cast_possible_truncation, reason = "masked to 32 bits or fewer")]
        let index = self.0 as u32 & Self::MAX_INDEX;
        index
    }

    /// The tag.
    #[inline]
    pub const fn tag(self) -> u64 {
        self.0 >> INDEX_BITS
    }

    /// The word that follows this one and points to `index`: its tag is one greater. `None` if this
    /// one is sealed, and then for ever: the tag can never lie.
    ///
    /// # Panics
    /// The index does not fit.
    #[inline]
    #[must_use]
    pub const fn advance(self, index: u32) -> Option<Self> {
        if self.is_sealed() { None } else { Some(Self::new(index, self.tag() + 1)) }
    }

    /// As [`advance`](Self::advance), but after the greatest tag comes 0. The tag comes back after
    /// [`WRAP_DISTANCE`](Self::WRAP_DISTANCE) advances: for words of which no thread can sleep
    /// through that many.
    ///
    /// # Panics
    /// The index does not fit.
    #[inline]
    #[must_use]
    pub const fn advance_wrapping(self, index: u32) -> Self {
        Self::new(index, (self.tag() + 1) & Self::MAX_TAG)
    }

    /// Whether the tag is the last one. Such a word stays as it is: what it stands for is retired.
    #[inline]
    pub const fn is_sealed(self) -> bool {
        self.tag() == Self::MAX_TAG
    }
}

impl<const INDEX_BITS: u32> fmt::Debug for TaggedIndex<INDEX_BITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaggedIndex")
            .field("index", &self.index())
            .field("tag", &self.tag())
            .finish()
    }
}

/// A [`TaggedIndex`] that threads share.
///
/// Each operation is that of `core::sync::atomic::AtomicU64`, one atomic access and wait-free, and
/// orders what the caller says.
///
/// ```
/// use lockfree_core::{AtomicTaggedIndex, TaggedIndex, sync::Ordering::{AcqRel, Acquire}};
///
/// static HEAD: AtomicTaggedIndex = AtomicTaggedIndex::new(TaggedIndex::new(0, 0));
///
/// let mut head = HEAD.load(Acquire);
/// while let Some(next) = head.advance(3) {
///     match HEAD.compare_exchange_weak(head, next, AcqRel, Acquire) {
///         Ok(_) => break,
///         Err(now) => head = now, // and the next tag comes from it
///     }
/// }
/// ```
#[derive(Debug)]
#[repr(transparent)]
pub struct AtomicTaggedIndex<const INDEX_BITS: u32 = 24>(AtomicU64);

impl<const INDEX_BITS: u32> AtomicTaggedIndex<INDEX_BITS> {
    const_unless_loom! {
        /// A word that holds `word`.
        #[track_caller]
        #[must_use]
        pub fn new(word: TaggedIndex<INDEX_BITS>) -> Self {
            Self(AtomicU64::new(word.to_bits()))
        }
    }

    /// Reads the word.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: Ordering) -> TaggedIndex<INDEX_BITS> {
        TaggedIndex(self.0.load(order))
    }

    /// Writes the word.
    #[inline]
    #[track_caller]
    pub fn store(&self, word: TaggedIndex<INDEX_BITS>, order: Ordering) {
        self.0.store(word.to_bits(), order);
    }

    /// Writes `word` and returns what the word was.
    #[inline]
    #[track_caller]
    pub fn swap(&self, word: TaggedIndex<INDEX_BITS>, order: Ordering) -> TaggedIndex<INDEX_BITS> {
        TaggedIndex(self.0.swap(word.to_bits(), order))
    }

    /// Writes `new` if the word is `current`, tag included; returns what it was.
    ///
    /// # Errors
    /// The word was another one, which is returned.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: TaggedIndex<INDEX_BITS>,
        new: TaggedIndex<INDEX_BITS>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<TaggedIndex<INDEX_BITS>, TaggedIndex<INDEX_BITS>> {
        self.0
            .compare_exchange(current.to_bits(), new.to_bits(), success, failure)
            .map(TaggedIndex)
            .map_err(TaggedIndex)
    }

    /// As [`compare_exchange`](Self::compare_exchange), and may fail for no reason. For loops only.
    ///
    /// # Errors
    /// The word was another one, or it failed for no reason; what the word was is returned.
    #[inline]
    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: TaggedIndex<INDEX_BITS>,
        new: TaggedIndex<INDEX_BITS>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<TaggedIndex<INDEX_BITS>, TaggedIndex<INDEX_BITS>> {
        self.0
            .compare_exchange_weak(current.to_bits(), new.to_bits(), success, failure)
            .map(TaggedIndex)
            .map_err(TaggedIndex)
    }
}
