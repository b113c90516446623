//! What counters allocate, to the byte. One test, since the allocator counts for all.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::{
    alloc::System,
    sync::{Arc, Barrier},
    thread,
};

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SlabCounter};

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

const LINE: isize = size_of::<Counter>().cast_signed();
const COUNTERS: usize = 16 * ((1 << 6) - 1);

#[test]
fn memory_is_as_documented() {
    let ((), none) = allocated(|| drop((ShardedCounter::new(), CounterSlab::new())));
    assert_eq!(none, 0);

    // This thread has slot 0, the first level of every table.
    let sharded = ShardedCounter::new();
    assert_eq!(allocated(|| sharded.increment()).1, LINE);
    assert_eq!(allocated(|| sharded.increment()).1, 0);

    let slab = CounterSlab::new();
    let (counters, _) = allocated(|| (0..COUNTERS).map(|_| slab.counter().unwrap()).collect());
    let counters: Vec<SlabCounter<'_>> = counters;
    let (row, words) = (LINE, 8 * COUNTERS.cast_signed());
    let add = || counters.iter().for_each(SlabCounter::increment);
    assert_eq!(allocated(add).1, row + words, "8 bytes a counter, and a row");
    assert_eq!(allocated(add).1, 0);

    // The rows of slots 1 and 2 are one level: whoever comes first makes it.
    let together = Arc::new(Barrier::new(2));
    let sum: isize = thread::scope(|scope| {
        let threads = [(); 2].map(|()| {
            let (counters, together) = (&counters, Arc::clone(&together));
            scope.spawn(move || {
                counters[0].add(0);
                together.wait();
                let of_words = allocated(|| counters.iter().for_each(SlabCounter::increment)).1;
                together.wait();
                of_words
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // The first line of each came with the `add(0)`.
    assert_eq!(sum, 2 * (words - LINE), "8 bytes a counter a thread");

    // A later thread finds the row of the slot that it gets.
    let again = thread::scope(|scope| {
        let counters = &counters;
        let add = move || counters.iter().for_each(SlabCounter::increment);
        scope.spawn(move || allocated(add).1).join().unwrap()
    });
    assert_eq!(again, 0);

    let sums: Vec<u64> = slab.iter().map(|counter| counter.sum()).collect();
    assert_eq!(sums, [5; COUNTERS]);
    let ((), freed) = allocated(|| drop(slab));
    assert_eq!(freed, -(3 * row + 3 * words), "all that the three allocated");
}
