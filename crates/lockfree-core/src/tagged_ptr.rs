//! A pointer and a tag in one word, with strict provenance: the tag goes where the address has no
//! bits, and the pointer is never made of an integer.
//!
//! # State
//!
//! ```text
//!  63        48                    log2(align)      0
//! ┌────────────┬────────────────────────┬───────────┐
//! │ tag, high  │ address                │ tag, low  │   x86-64
//! ├────────────┴────────────────────────┼───────────┤
//! │ address                             │ tag       │   elsewhere
//! └─────────────────────────────────────┴───────────┘
//! ```
//!
//! # Invariants
//!
//! * I1: the address that went in had no bit where a tag goes, or was refused; so taking the tag's
//!   bits out gives the address that went in.
//!
//! # Why the high bits are for x86-64 only
//!
//! Android gives each heap pointer a tag in its top byte, and Arm's memory tagging does the same in
//! hardware; both check it at each access. On x86-64 a user address has 47 bits, but with five-level
//! paging a program that asks for it gets 56, and linear address masking (LAM, UAI) may put a tag of
//! the allocator there. So even there each pointer is looked at, and refused if it has a high bit.

use core::{error, fmt, ptr};

use crate::{
    const_unless_loom,
    sync::{AtomicPtr, Ordering},
};

const ADDRESS_BITS: u32 =
    if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) { 48 } else { usize::BITS };

/// A pointer to `T` and a tag of [`TAG_BITS`](Self::TAG_BITS) bits.
///
/// Meant for marks (deleted, flagged, a state or two) on a pointer that something else protects.
/// It is no guard against ABA on its own: the 16 high bits of x86-64, used as a counter, come
/// round in 1.5 ms at 45 million operations a second, and elsewhere there are none of them. A tag
/// never wraps by itself: [`new`](Self::new) refuses one that does not fit.
///
/// ```
/// use lockfree_core::TaggedPtr;
///
/// let mut value = 7_u64;
/// let marked = TaggedPtr::new(&raw mut value, 1).expect("a u64 has three bits to spare");
/// assert_eq!(marked.tag(), 1);
/// assert_eq!(marked.ptr(), &raw mut value);
/// ```
#[repr(transparent)]
pub struct TaggedPtr<T> {
    word: *mut T,
}

impl<T> TaggedPtr<T> {
    /// How many bits of the tag lie in the address's alignment bits.
    pub const LOW_BITS: u32 = align_of::<T>().trailing_zeros();

    /// How many bits of the tag lie above the address: 16 on x86-64, else none.
    pub const HIGH_BITS: u32 = usize::BITS - ADDRESS_BITS;

    /// How many bits a tag has on this target.
    pub const TAG_BITS: u32 = Self::LOW_BITS + Self::HIGH_BITS;

    /// The greatest tag on this target.
    pub const MAX_TAG: usize = Self::LOW_MASK | Self::HIGH_MASK >> Self::HIGH_SHIFT;

    const LOW_MASK: usize = align_of::<T>() - 1;
    const HIGH_MASK: usize = !(usize::MAX >> Self::HIGH_BITS);
    /// How far the tag's high part moves up: past the address. Nowhere, if there is no high part.
    const HIGH_SHIFT: u32 = if Self::HIGH_BITS == 0 { 0 } else { ADDRESS_BITS - Self::LOW_BITS };

    /// `ptr` with `tag`. The pointer may be null; it is not read.
    ///
    /// # Errors
    /// The pointer is not aligned, or has high bits that the tag would overwrite, or the tag does
    /// not fit.
    #[inline]
    pub fn new(ptr: *mut T, tag: usize) -> Result<Self, Unpackable> {
        if ptr.addr() & (Self::LOW_MASK | Self::HIGH_MASK) != 0 {
            return Err(Unpackable::Address(ptr.addr()));
        }
        if tag > Self::MAX_TAG {
            return Err(Unpackable::Tag(tag));
        }
        let low = tag & Self::LOW_MASK;
        let high = (tag ^ low) << Self::HIGH_SHIFT;
        Ok(Self { word: ptr.map_addr(|address| address | low | high) })
    }

    /// The null pointer with tag 0.
    #[inline]
    #[must_use]
    pub const fn null() -> Self {
        Self { word: ptr::null_mut() }
    }

    /// The pointer, with the provenance that it had.
    #[inline]
    pub fn ptr(self) -> *mut T {
        self.word.map_addr(|word| word & !(Self::LOW_MASK | Self::HIGH_MASK))
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> usize {
        let word = self.word.addr();
        word & Self::LOW_MASK | (word & Self::HIGH_MASK) >> Self::HIGH_SHIFT
    }

    /// The same pointer with another tag.
    ///
    /// # Errors
    /// The tag does not fit.
    #[inline]
    pub fn with_tag(self, tag: usize) -> Result<Self, Unpackable> {
        Self::new(self.ptr(), tag)
    }
}

impl<T> Clone for TaggedPtr<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for TaggedPtr<T> {}

impl<T> PartialEq for TaggedPtr<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl<T> Eq for TaggedPtr<T> {}

impl<T> fmt::Debug for TaggedPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaggedPtr").field("ptr", &self.ptr()).field("tag", &self.tag()).finish()
    }
}

/// What cannot be packed into a [`TaggedPtr`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unpackable {
    /// This address has bits where a tag would go.
    Address(usize),
    /// This tag has more bits than there is room for on this target.
    Tag(usize),
}

impl fmt::Display for Unpackable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => {
                write!(f, "the address {address:#x} has bits where a tag goes")
            }
            Self::Tag(tag) => write!(f, "the tag {tag:#x} has more bits than there is room for"),
        }
    }
}

impl error::Error for Unpackable {}

/// A [`TaggedPtr`] that threads share.
///
/// Each operation is that of `core::sync::atomic::AtomicPtr`, one atomic access and wait-free, and
/// orders what the caller says. Dropping it drops nothing that it points to.
///
/// ```
/// use lockfree_core::{AtomicTaggedPtr, TaggedPtr, sync::Ordering::{AcqRel, Acquire}};
///
/// let mut node = 7_u64;
/// let live = TaggedPtr::new(&raw mut node, 0)?;
/// let next = AtomicTaggedPtr::new(live);
/// next.compare_exchange(live, live.with_tag(1)?, AcqRel, Acquire).expect("nobody was faster");
/// assert_eq!(next.load(Acquire).tag(), 1);
/// # Ok::<_, lockfree_core::Unpackable>(())
/// ```
#[repr(transparent)]
pub struct AtomicTaggedPtr<T>(AtomicPtr<T>);

impl<T> AtomicTaggedPtr<T> {
    const_unless_loom! {
        /// A word that holds `word`.
        #[track_caller]
        #[must_use]
        pub fn new(word: TaggedPtr<T>) -> Self {
            Self(AtomicPtr::new(word.word))
        }
    }

    /// Reads the word.
    #[inline]
    #[track_caller]
    pub fn load(&self, order: Ordering) -> TaggedPtr<T> {
        TaggedPtr { word: self.0.load(order) }
    }

    /// Writes the word.
    #[inline]
    #[track_caller]
    pub fn store(&self, word: TaggedPtr<T>, order: Ordering) {
        self.0.store(word.word, order);
    }

    /// Writes `new` if the word is `current`, tag included; returns what it was.
    ///
    /// # Errors
    /// The word was another one, which is returned.
    #[inline]
    #[track_caller]
    pub fn compare_exchange(
        &self,
        current: TaggedPtr<T>,
        new: TaggedPtr<T>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<TaggedPtr<T>, TaggedPtr<T>> {
        self.0
            .compare_exchange(current.word, new.word, success, failure)
            .map(|word| TaggedPtr { word })
            .map_err(|word| TaggedPtr { word })
    }

    /// As [`compare_exchange`](Self::compare_exchange), and may fail for no reason. For loops only.
    ///
    /// # Errors
    /// The word was another one, or it failed for no reason; what the word was is returned.
    #[inline]
    #[track_caller]
    pub fn compare_exchange_weak(
        &self,
        current: TaggedPtr<T>,
        new: TaggedPtr<T>,
        success: Ordering,
        failure: Ordering,
    ) -> Result<TaggedPtr<T>, TaggedPtr<T>> {
        self.0
            .compare_exchange_weak(current.word, new.word, success, failure)
            .map(|word| TaggedPtr { word })
            .map_err(|word| TaggedPtr { word })
    }
}

impl<T> fmt::Debug for AtomicTaggedPtr<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicTaggedPtr").field(&self.0).finish()
    }
}
