//! What recording allocates, by thread and metric. One test, since the allocator counts for all.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    time::Duration,
};
use std::alloc::System;

use atomic_metrics::{Aggregator, Histogram, RollingAverage};

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Counts the bytes that a thread allocates less those that it frees.
struct Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get() + layout.size().cast_signed()));
        // SAFETY: as promised by our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get() - layout.size().cast_signed()));
        // SAFETY: as promised by our caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocated<R>(action: impl FnOnce() -> R) -> (R, isize) {
    let before = HELD.get();
    let result = action();
    (result, HELD.get() - before)
}

/// Prints what a thread and a metric take, and holds it to what is documented.
fn at_most(what: &str, bytes: isize, documented: isize) {
    println!("memory {what}: {bytes} bytes, documented {documented}");
    assert!(bytes > 0 && bytes <= documented, "{what} takes {bytes} bytes");
}

#[test]
fn memory_is_as_documented() {
    let ((), none) = allocated(|| drop((Aggregator::new(), Histogram::new())));
    assert_eq!(none, 0, "nothing before the first record");

    let own = Aggregator::new();
    at_most("Aggregator", allocated(|| own.record(1.0)).1, 1920);
    assert_eq!(allocated(|| (0..5000).for_each(|i| own.record(f64::from(i)))).1, 0);
    assert_eq!(allocated(|| own.summary()).1, 0);
    assert_eq!(allocated(|| own.snapshot()).1, 0, "what a cut takes it gives back");

    // Values come to their buckets a block at a time.
    let block =
        |own: &Histogram, value: f64| allocated(|| (0..128).for_each(|_| own.record(value))).1;
    let own = Histogram::new();
    let chunk = 8192;
    at_most("Histogram, 16 powers of two", block(&own, 1.0), 4096 + chunk);
    assert_eq!(block(&own, 1.9), 0, "the same stretch");
    assert_eq!(block(&own, 1e9), chunk, "another stretch");
    let fine = Histogram::with_precision(7);
    at_most("Histogram, 7 bits", block(&fine, 1.0), 4096 + 4 * chunk);

    let own = RollingAverage::new(Duration::from_secs(1));
    at_most("RollingAverage", allocated(|| own.record(1.0)).1, 6272);
    assert_eq!(allocated(|| (0..100).for_each(|_| own.record(1.0))).1, 0);
}
