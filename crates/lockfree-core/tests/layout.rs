//! Sizes and alignments that callers count on.
#![cfg(not(any(loom, stepped)))]

use lockfree_core::{
    AtomicTaggedIndex, AtomicTaggedPtr, CachePadded, TaggedIndex, TaggedPtr,
    sync::{AtomicU64, UnsafeCell},
};
use static_assertions::{
    assert_eq_align, assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert_eq,
};

/// Two neighbours never share a line, nor the pair of lines that these processors fetch at once.
const PADDING: usize = if cfg!(any(
    target_arch = "x86_64",
    target_arch = "aarch64",
    target_arch = "arm64ec",
    target_arch = "powerpc64"
)) {
    128
} else if cfg!(target_arch = "s390x") {
    256
} else if cfg!(any(
    target_arch = "arm",
    target_arch = "mips",
    target_arch = "mips32r6",
    target_arch = "mips64",
    target_arch = "mips64r6",
    target_arch = "sparc",
    target_arch = "hexagon"
)) {
    32
} else if cfg!(target_arch = "m68k") {
    16
} else {
    64
};
const_assert_eq!(align_of::<CachePadded<u8>>(), PADDING);
const_assert_eq!(size_of::<CachePadded<AtomicU64>>(), PADDING);
const_assert_eq!(size_of::<[CachePadded<AtomicU64>; 2]>(), 2 * PADDING);
const_assert_eq!(size_of::<CachePadded<[u8; 129]>>(), 129_usize.div_ceil(PADDING) * PADDING);

assert_eq_size!(TaggedIndex, u64);
assert_eq_size!(AtomicTaggedIndex, AtomicU64);
assert_eq_align!(AtomicTaggedIndex, AtomicU64);
assert_eq_size!(AtomicTaggedIndex<16>, u64);
const_assert_eq!(<TaggedIndex>::MAX_INDEX, (1 << 24) - 1);
const_assert_eq!(<TaggedIndex>::WRAP_DISTANCE, 1 << 40);
const_assert_eq!(TaggedIndex::<16>::MAX_INDEX, u16::MAX as u32);
const_assert_eq!(TaggedIndex::<16>::WRAP_DISTANCE, 1 << 48);

assert_eq_size!(TaggedPtr<u64>, *mut u64);
assert_eq_size!(AtomicTaggedPtr<u64>, *mut u64);
assert_eq_align!(AtomicTaggedPtr<u64>, *mut u64);
const_assert_eq!(TaggedPtr::<u8>::LOW_BITS, 0);
const_assert_eq!(TaggedPtr::<CachePadded<u8>>::LOW_BITS, PADDING.trailing_zeros());
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
const_assert_eq!(TaggedPtr::<u32>::MAX_TAG, (1 << 18) - 1);
#[cfg(not(target_arch = "x86_64"))]
const_assert_eq!(TaggedPtr::<u32>::MAX_TAG, 0b11);

assert_eq_size!(UnsafeCell<u16>, u16);
assert_eq_size!(lockfree_core::wait::WakerCell, [usize; 3]);

assert_impl_all!(AtomicTaggedPtr<*mut u8>: Send, Sync);
assert_not_impl_any!(TaggedPtr<u8>: Send, Sync);
assert_impl_all!(lockfree_core::wait::WakerCell: Send, Sync);
assert_not_impl_any!(lockfree_core::Backoff: Sync);

#[cfg(feature = "double-width")]
mod double_word {
    use lockfree_core::sync::double_word::{
        AtomicDoubleWord, AtomicNarrowPair, AtomicWidePair, DoubleWord, HALF_BITS,
    };

    use super::*;

    const_assert_eq!(size_of::<AtomicDoubleWord>(), 16);
    const_assert_eq!(align_of::<AtomicWidePair>(), 16);
    const_assert_eq!(size_of::<DoubleWord>(), 16);
    const_assert_eq!(HALF_BITS, 64);
    assert_eq_size!(AtomicNarrowPair, u64);
    assert_eq_align!(AtomicNarrowPair, AtomicU64);
}

#[test]
fn the_layout_holds() {
    // The compiler has checked it.
}
