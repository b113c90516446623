//! The face of production code: `core`'s own types under the façade's names.

pub use core::sync::atomic::{
    AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
    fence,
};
#[cfg(target_has_atomic = "64")]
pub use core::sync::atomic::{AtomicI64, AtomicU64};

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
