//! Values that are counted: every one built must be dropped, and once.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

/// Hands out [`Counted`] values and knows how many live.
#[derive(Clone, Debug, Default)]
pub struct Drops(Arc<Tally>);

#[derive(Debug, Default)]
struct Tally {
    built: AtomicUsize,
    dropped: AtomicUsize,
}

/// A value whose drop is counted.
#[derive(Debug)]
pub struct Counted<T = ()> {
    /// What it carries.
    pub value: T,
    tally: Arc<Tally>,
    panics: bool,
}

impl Drops {
    /// No value yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that is counted.
    pub fn counted<T>(&self, value: T) -> Counted<T> {
        self.build(value, false)
    }

    /// A value that is counted and whose drop panics.
    pub fn panicking<T>(&self, value: T) -> Counted<T> {
        self.build(value, true)
    }

    fn build<T>(&self, value: T, panics: bool) -> Counted<T> {
        self.0.built.fetch_add(1, Relaxed);
        Counted { value, tally: Arc::clone(&self.0), panics }
    }

    /// How many were dropped.
    pub fn dropped(&self) -> usize {
        self.0.dropped.load(Relaxed)
    }

    /// How many live.
    pub fn alive(&self) -> usize {
        self.0.built.load(Relaxed) - self.dropped()
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.tally.dropped.fetch_add(1, Relaxed);
        assert!(!self.panics || std::thread::panicking(), "a drop that panics");
    }
}
