//! The system's allocator, and how many bytes are allocated while somebody asks.

use core::alloc::{GlobalAlloc, Layout};
use lockfree_core::sync::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::alloc::System;

/// Counts only when told to, so that it costs the timed rounds one load of a quiet line an
/// allocation, all contenders alike.
struct Heap;

static COUNTS: AtomicBool = AtomicBool::new(false);
static HELD: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static HEAP: Heap = Heap;

/// What `work` gives, and how many bytes more are allocated after it than before, by all threads.
pub fn held_by<R>(work: impl FnOnce() -> R) -> (R, i64) {
    HELD.store(0, Relaxed);
    COUNTS.store(true, Relaxed);
    let result = work();
    COUNTS.store(false, Relaxed);
    (result, HELD.load(Relaxed))
}

fn count(bytes: usize, sign: i64) {
    if COUNTS.load(Relaxed) {
        HELD.fetch_add(sign * i64::try_from(bytes).unwrap_or(i64::MAX), Relaxed);
    }
}

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: as promised by our caller.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, 1);
        count(layout.size(), -1);
        // SAFETY: as promised by our caller.
        unsafe { System.realloc(block, layout, size) }
    }
}
