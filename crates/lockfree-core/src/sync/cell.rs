//! Plain data shared under a protocol, lent to closures so that a model sees each access.

#[cfg(not(loom))]
use core::cell;
#[cfg(loom)]
use loom::cell;

use crate::const_unless_loom;

/// `core::cell::UnsafeCell`, with access through closures.
///
/// The pointer may be used until the closure returns; the caller upholds the rules of
/// `core::cell::UnsafeCell` between [`with`](Self::with) (a shared access) and
/// [`with_mut`](Self::with_mut) (an exclusive one). Under the models a breach is reported as a
/// causality violation.
#[repr(transparent)]
pub struct UnsafeCell<T>(cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    const_unless_loom! {
        /// Wraps `value`.
        pub fn new(value: T) -> Self {
            Self(cell::UnsafeCell::new(value))
        }
    }

    /// Runs `f` with a pointer to read through.
    #[inline(always)]
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(loom)]
        return self.0.with(f);
        #[cfg(not(loom))]
        f(self.0.get())
    }

    /// Runs `f` with a pointer to write through.
    #[inline(always)]
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(loom)]
        return self.0.with_mut(f);
        #[cfg(not(loom))]
        f(self.0.get())
    }
}

impl<T> core::fmt::Debug for UnsafeCell<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UnsafeCell").finish_non_exhaustive()
    }
}
