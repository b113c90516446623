//! Sentinel's `LeapArray`, after its description: a ring of windows, each with its start and a count;
//! who finds an old window resets it under a lock that is tried.

use super::{BUCKETS, Events, WIDTH};
use lockfree_core::CachePadded;
use lockfree_core::sync::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use std::sync::{Mutex, TryLockError};
use std::time::Instant;

/// Windows by their start; it loses what is counted while one is reset.
#[derive(Debug)]
pub struct LeapArray {
    start: Instant,
    update: Mutex<()>,
    windows: Box<[CachePadded<Window>]>,
    /// What was in windows when they were reset: Sentinel forgets it.
    reset: AtomicU64,
}

#[derive(Debug, Default)]
struct Window {
    start: AtomicU64,
    count: AtomicU64,
}

impl LeapArray {
    fn window(&self) -> &Window {
        let width = WIDTH.as_millis();
        loop {
            let now = self.start.elapsed().as_millis();
            let index = usize::try_from(now / width).unwrap_or(0) % self.windows.len();
            let begin = u64::try_from(now - now % width).unwrap_or(u64::MAX);
            let window = &self.windows[index];
            // Acquire: the count was reset before.
            let held = window.start.load(Acquire);
            if held >= begin {
                return window;
            }
            match self.update.try_lock() {
                Ok(_) | Err(TryLockError::Poisoned(_)) if held < begin => {
                    // AcqRel: what is added between this and the store is the window's, or lost.
                    self.reset.fetch_add(window.count.swap(0, AcqRel), Relaxed);
                    // Release: the count is reset.
                    window.start.store(begin, Release);
                    return window;
                }
                _ => std::thread::yield_now(),
            }
        }
    }
}

impl Events for LeapArray {
    const NAME: &'static str = "LeapArray";
    const PACKAGE: Option<&'static str> = None;

    fn new() -> Self {
        let windows = (0..BUCKETS).map(|_| CachePadded::default()).collect();
        Self { start: Instant::now(), update: Mutex::new(()), windows, reset: AtomicU64::new(0) }
    }

    #[inline]
    fn increment(&self) {
        // Relaxed: a count.
        self.window().count.fetch_add(1, Relaxed);
    }

    fn sum(&self) -> u64 {
        // Relaxed: nobody counts any more.
        let held = self.windows.iter().map(|window| window.count.load(Relaxed));
        held.sum::<u64>() + self.reset.load(Relaxed)
    }
}
