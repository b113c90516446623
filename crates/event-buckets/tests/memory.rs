//! What is allocated, and when: a flood of keys takes nothing. One test, since the allocator counts
//! for all.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    time::Duration,
};
use std::{alloc::System, thread};

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::ManualClock;
use testkit::stress::scaled;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the bytes that a thread allocates less those that it frees, and the calls.
struct Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| held.set(held.get() + layout.size().cast_signed()));
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
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

/// Bytes and calls that an action takes.
fn allocated<R>(action: impl FnOnce() -> R) -> (R, isize, usize) {
    let before = (HELD.get(), CALLS.get());
    let result = action();
    (result, HELD.get() - before.0, CALLS.get() - before.1)
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn memory_is_as_documented() {
    // Ten buckets have sixteen places.
    let (counter, bytes, _) = allocated(|| EventCounter::new(SECOND, 10));
    assert_eq!(bytes, 16 * 8, "the ring of the rest");
    let ((), bytes, _) = allocated(|| counter.increment());
    assert_eq!(bytes, 128 + 16 + 16 * 16, "a cell, its thin box, and its marks");
    assert_eq!(allocated(|| (counter.increment(), counter.count(SECOND), counter.total())).2, 0);
    let ((), freed, _) = allocated(|| drop(counter));
    assert_eq!(freed, -(16 * 8 + 128 + 16 + 16 * 16));

    let (shared, bytes, _) = allocated(|| SharedEventCounter::new(SECOND, 10));
    assert_eq!(bytes, 16 * 8);
    assert_eq!(allocated(|| (shared.add(9), shared.count(SECOND), shared.late())).2, 0);

    let limiter = RateLimiter::new(Quota::sliding(3, SECOND).unwrap());
    assert!(size_of_val(&limiter) <= 1024);
    assert_eq!(allocated(|| (limiter.check(), limiter.acquire(9), limiter.available())).2, 0);

    a_flood_of_keys_takes_no_memory();
}

/// 10 million distinct keys by `ATOMWORKS_STRESS=50`, from four threads, while one key is at its limit.
fn a_flood_of_keys_takes_no_memory() {
    let keys = scaled(200_000) / 4;
    let quota = Quota::gcra(10, SECOND).unwrap();
    let make = || KeyedLimiter::<u64, _>::with_clock(quota, 10_000, ManualClock::new()).unwrap();
    let (limiter, bytes, _) = allocated(make);
    assert_eq!((limiter.capacity(), bytes), (7 * 2048, 64 * 2048));

    assert!((0..10).all(|_| limiter.check(&u64::MAX).is_ok()));
    let admitted: u64 = thread::scope(|scope| {
        let threads = [0, 1, 2, 3].map(|i| {
            let limiter = &limiter;
            scope.spawn(move || {
                let flood =
                    || (0..keys).filter(|key| limiter.check(&(key * 4 + i)).is_ok()).count();
                let (admitted, bytes, calls) = allocated(flood);
                assert_eq!((bytes, calls), (0, 0));
                admitted as u64
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    // The table is full, and each line's shared word has paid for one burst. A few keys have found the
    // word of another, which has their tag.
    let room = limiter.capacity() as u64 + 10 * 2048;
    assert!(
        admitted <= room + room / 100 && admitted >= room.min(4 * keys) * 9 / 10,
        "{admitted} of {room}"
    );
    assert!(limiter.busy() <= limiter.capacity());
    // Who was there before is still at its limit, and gets no more and no less.
    assert!(limiter.check(&u64::MAX).is_err());
    limiter.clock().advance(Duration::from_millis(101));
    assert!(limiter.check(&u64::MAX).is_ok() && limiter.check(&u64::MAX).is_err());
    // When all have paid, there is room for all again.
    limiter.clock().advance(2 * SECOND);
    assert_eq!(limiter.busy(), 0);
    assert!(limiter.acquire(&5, 10).is_ok());
}
