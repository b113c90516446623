//! Two halves in one atomic word: 64 + 64 bits, and 32 + 32 for the models.
//!
//! loom has no 128-bit atomics, so [`DoubleWord`] is wide in production and narrow under `--cfg loom`
//! and `--cfg stepped`. Code written with [`Half`] and [`HALF_BITS`] is the same in all three; a
//! count kept in a half wraps after 2^32 in a model.

use core::fmt;

use super::{AtomicU64, Ordering};
use crate::const_unless_loom;

/// One half of a [`DoubleWord`]: 64 bits, or 32 in a model.
#[cfg(not(any(loom, stepped)))]
pub type Half = u64;
/// One half of a [`DoubleWord`]: 64 bits, or 32 in a model.
#[cfg(any(loom, stepped))]
pub type Half = u32;

/// How many bits a [`Half`] has.
pub const HALF_BITS: u32 = Half::BITS;

/// The value of a double-width word.
pub type DoubleWord = Pair<Half>;

/// A double-width word that threads share: [`AtomicWidePair`], or [`AtomicNarrowPair`] in a model.
#[cfg(not(any(loom, stepped)))]
pub type AtomicDoubleWord = AtomicWidePair;
/// A double-width word that threads share: `AtomicWidePair`, or [`AtomicNarrowPair`] in a model.
#[cfg(any(loom, stepped))]
pub type AtomicDoubleWord = AtomicNarrowPair;

/// Two halves that are read, written and compared as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Pair<H> {
    /// The half in the low bits.
    pub low: H,
    /// The half in the high bits.
    pub high: H,
}

impl Pair<u32> {
    /// Both halves in one word.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        (self.high as u64) << u32::BITS | self.low as u64
    }

    /// The halves of a word.
    #[expect(clippy::cast_possible_truncation, reason = "a half is what is left")]
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self { low: bits as u32, high: (bits >> u32::BITS) as u32 }
    }
}

impl Pair<u64> {
    /// Both halves in one word.
    #[inline]
    pub const fn to_bits(self) -> u128 {
        (self.high as u128) << u64::BITS | self.low as u128
    }

    /// The halves of a word.
    #[expect(clippy::cast_possible_truncation, reason = "a half is what is left")]
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self { low: bits as u64, high: (bits >> u64::BITS) as u64 }
    }
}

// One text for both widths: what differs is the atomic and whether it can be built in a constant.
macro_rules! atomic_pair {
    ($(#[$doc:meta])* $Name:ident, $Half:ty, $Atomic:ty) => {
        $(#[$doc])*
        #[repr(transparent)]
        pub struct $Name($Atomic);

        impl $Name {
            const_unless_loom! {
                /// A word that holds `pair`.
                #[track_caller]
                #[must_use]
                pub fn new(pair: Pair<$Half>) -> Self {
                    Self(<$Atomic>::new(pair.to_bits()))
                }
            }

            /// Reads both halves at once.
            #[inline]
            #[track_caller]
            pub fn load(&self, order: Ordering) -> Pair<$Half> {
                Pair::<$Half>::from_bits(self.0.load(order))
            }

            /// Writes both halves at once.
            #[inline]
            #[track_caller]
            pub fn store(&self, pair: Pair<$Half>, order: Ordering) {
                self.0.store(pair.to_bits(), order);
            }

            /// Writes `new` if the word is `current`, in both halves; returns what it was.
            ///
            /// # Errors
            /// The word was another one, which is returned.
            #[inline]
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: Pair<$Half>,
                new: Pair<$Half>,
                success: Ordering,
                failure: Ordering,
            ) -> Result<Pair<$Half>, Pair<$Half>> {
                self.0
                    .compare_exchange(current.to_bits(), new.to_bits(), success, failure)
                    .map(Pair::<$Half>::from_bits)
                    .map_err(Pair::<$Half>::from_bits)
            }

            /// As [`compare_exchange`](Self::compare_exchange), and may fail for no reason. For
            /// loops only.
            ///
            /// # Errors
            /// The word was another one, or it failed for no reason; what the word was is returned.
            #[inline]
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: Pair<$Half>,
                new: Pair<$Half>,
                success: Ordering,
                failure: Ordering,
            ) -> Result<Pair<$Half>, Pair<$Half>> {
                self.0
                    .compare_exchange_weak(current.to_bits(), new.to_bits(), success, failure)
                    .map(Pair::<$Half>::from_bits)
                    .map_err(Pair::<$Half>::from_bits)
            }
        }

        impl fmt::Debug for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Name)).field(&self.0).finish()
            }
        }
    };
}

atomic_pair! {
    /// 32 + 32 bits in an `AtomicU64`: the twin that a model can see.
    AtomicNarrowPair, u32, AtomicU64
}

#[cfg(not(any(loom, stepped)))]
atomic_pair! {
    /// 64 + 64 bits, on the `portable-atomic` crate.
    ///
    /// It is one instruction or a short loop of two on aarch64 and on each x86-64 since 2006
    /// (`cmpxchg16b`, found out at run time); elsewhere `portable-atomic` takes a lock, which
    /// [`is_lock_free`](Self::is_lock_free) tells.
    AtomicWidePair, u64, portable_atomic::AtomicU128
}

impl AtomicNarrowPair {
    /// Whether no operation takes a lock here.
    pub fn is_lock_free() -> bool {
        true
    }
}

#[cfg(not(any(loom, stepped)))]
impl AtomicWidePair {
    /// Whether no operation takes a lock on this machine.
    pub fn is_lock_free() -> bool {
        portable_atomic::AtomicU128::is_lock_free()
    }
}
