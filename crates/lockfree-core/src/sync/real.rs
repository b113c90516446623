//! The face of production code: `core`'s own types under the façade's names.

pub use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
    fence,
};
#[cfg(target_has_atomic = "64")]
pub use core::sync::atomic::{AtomicI64, AtomicU64};
use core::sync::atomic::{Ordering, compiler_fence};

/// As [`fence`], where all that the fence is to order before it is read-modify-writes, this thread's
/// own or another's that it has read from. On x86-64 these are in the one order of all stores by then,
/// and the fence is the compiler's alone; elsewhere it is a fence.
#[inline(always)]
pub fn fence_after_rmw(order: Ordering) {
    if cfg!(all(target_arch = "x86_64", not(miri))) { compiler_fence(order) } else { fence(order) }
}

/// Hints to the processor.
pub mod hint {
    pub use core::hint::spin_loop;
}

#[cfg(feature = "alloc")]
pub use alloc::sync::Arc;
#[cfg(feature = "std")]
pub use std::sync::{Mutex, MutexGuard};

/// What waits or yields. Needs an operating system.
#[cfg(feature = "std")]
pub mod thread {
    pub use std::thread::{Thread, current, park, park_timeout, yield_now};
}
