//! Atomics that report each access before it happens: the shell of the modelled and stepped faces.
//!
//! The face behind them supplies the atomics themselves and a [`Probe`]. Everything is
//! `#[track_caller]`, down from the access in production code: the site of an access is its file,
//! line and column.

use super::Ordering;
#[cfg(loom)]
use super::modelled::{Probe, atomic};
#[cfg(all(stepped, not(loom)))]
use super::stepped::{Probe, atomic};
use crate::const_unless_loom;

/// What an access does to its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads it. The reading half of a failed compare-exchange is one too.
    Load,
    /// Writes it.
    Store,
    /// Reads and writes it in one step.
    ReadModifyWrite,
    /// Orders the accesses around it.
    Fence,
}

/// Orders the accesses around it, as `core::sync::atomic::fence` does.
#[track_caller]
pub fn fence(order: Ordering) {
    // A fence weakened to nothing is no fence.
    match Probe::fence(order) {
        Ordering::Relaxed => {}
        order => atomic::fence(order),
    }
}

/// As [`fence`]; cheaper in the real face where all that it is to order before it is
/// read-modify-writes.
#[track_caller]
pub fn fence_after_rmw(order: Ordering) {
    fence(order);
}

/// The cheap one of a pair of fences: total order, but only with each [`heavy_fence`].
#[track_caller]
pub fn light_fence(order: Ordering) {
    Probe::light_fence(order);
}

/// As [`light_fence`]; cheaper in the real face where `is_light` says that [`fences_are_light`] has been
/// true.
#[track_caller]
pub fn light_fence_knowing(_is_light: bool, order: Ordering) {
    Probe::light_fence(order);
}

/// True in this face, so that what is modelled is what most systems run.
pub fn fences_are_light() -> bool {
    true
}

/// The dear one of a pair of fences, which nobody refuses in this face.
#[must_use]
#[track_caller]
pub fn heavy_fence(order: Ordering) -> bool {
    Probe::heavy_fence(order);
    true
}

macro_rules! instrumented {
    ($($(#[$when:meta])* $Atomic:ident $(<$T:ident>)? of $Value:ty: $($method:ident),*;)*) => {$(
        $(#[$when])*
        /// The twin of its namesake in `core::sync::atomic`.
        pub struct $Atomic $(<$T>)? {
            word: atomic::$Atomic $(<$T>)?,
            probe: Probe,
        }

        $(#[$when])*
        impl $(<$T>)? $Atomic $(<$T>)? {
            const_unless_loom! {
                /// A word that holds `value`.
                #[track_caller]
                pub fn new(value: $Value) -> Self {
                    Self { word: atomic::$Atomic::new(value), probe: Probe::new() }
                }
            }

            /// Reads the word.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $Value {
                self.word.load(self.probe.before(Access::Load, order))
            }

            /// Writes the word.
            #[track_caller]
            pub fn store(&self, value: $Value, order: Ordering) {
                self.word.store(value, self.probe.before(Access::Store, order));
            }

            /// Writes the word and returns what it held.
            #[track_caller]
            pub fn swap(&self, value: $Value, order: Ordering) -> $Value {
                self.word.swap(value, self.probe.before(Access::ReadModifyWrite, order))
            }

            /// Writes `new` if the word holds `current`; returns what it held.
            ///
            /// # Errors
            /// The word held something else, which is returned.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $Value,
                new: $Value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$Value, $Value> {
                let success = self.probe.before(Access::ReadModifyWrite, success);
                self.word.compare_exchange(current, new, success, Probe::on_failure(failure))
            }

            /// As `compare_exchange`, and may fail for no reason. For loops only.
            ///
            /// # Errors
            /// The word held something else, or it failed for no reason.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $Value,
                new: $Value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$Value, $Value> {
                let result = self.compare_exchange(current, new, success, failure);
                if result.is_err() {
                    Probe::before_retry();
                }
                result
            }

            $(
                /// The read-modify-write of this name; returns what the word held.
                #[track_caller]
                pub fn $method(&self, value: $Value, order: Ordering) -> $Value {
                    self.word.$method(value, self.probe.before(Access::ReadModifyWrite, order))
                }
            )*
        }

        $(#[$when])*
        impl $(<$T>)? core::fmt::Debug for $Atomic $(<$T>)? {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.word.fmt(f)
            }
        }

        $(#[$when])*
        impl $(<$T>)? From<$Value> for $Atomic $(<$T>)? {
            #[track_caller]
            fn from(value: $Value) -> Self {
                Self::new(value)
            }
        }
    )*};
}

instrumented! {
    AtomicBool of bool: fetch_and, fetch_or, fetch_xor;
    AtomicU8 of u8: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicU16 of u16: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicU32 of u32: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    #[cfg(target_has_atomic = "64")]
    AtomicU64 of u64: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicUsize of usize: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicI32 of i32: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    #[cfg(target_has_atomic = "64")]
    AtomicI64 of i64: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicIsize of isize: fetch_add, fetch_sub, fetch_and, fetch_or, fetch_xor, fetch_max, fetch_min;
    AtomicPtr<T> of *mut T: ;
}

macro_rules! default_from_zero {
    ($($(#[$when:meta])* $Atomic:ident)*) => {$(
        $(#[$when])*
        impl Default for $Atomic {
            #[track_caller]
            fn default() -> Self {
                Self::new(Default::default())
            }
        }
    )*};
}

default_from_zero! {
    AtomicBool AtomicU8 AtomicU16 AtomicU32 AtomicUsize AtomicI32 AtomicIsize
    #[cfg(target_has_atomic = "64")] AtomicU64
    #[cfg(target_has_atomic = "64")] AtomicI64
}

impl<T> Default for AtomicPtr<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(core::ptr::null_mut())
    }
}
