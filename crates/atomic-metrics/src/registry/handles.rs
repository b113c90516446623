//! What a series is recorded through: resolved once, then without names and locks.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, sync::Arc, vec::Vec};
use core::ops::Deref;
use std::{
    sync::{PoisonError, TryLockError},
    time::{SystemTime, UNIX_EPOCH},
};

use atomic_counter::ShardedCounter;
use lockfree_core::{
    CachePadded,
    sync::{AtomicU64, Mutex, MutexGuard, Ordering::Relaxed},
};

use super::labels::is_name;
use crate::{grid::Grid, histogram::Histogram, snapshot::float};

/// A count that only grows: one series of a [`Registry`](super::Registry).
///
/// Clones are the same count.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    added: ShardedCounter,
    /// What somebody else's count was set to.
    floor: CachePadded<AtomicU64>,
    exemplar: Mutex<Option<Exemplar>>,
}

impl Counter {
    /// Adds 1. Wait-free: 3 accesses, none of them locked.
    #[inline]
    pub fn increment(&self) {
        self.0.added.increment();
    }

    /// Adds `n`. Wait-free: 3 accesses, none of them locked.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.added.add(n);
    }

    /// Adds `n` and keeps it as the counter's latest exemplar, as
    /// [`Distribution::record_with`] does.
    pub fn add_with(&self, n: u64, labels: &[(&str, &str)]) {
        self.add(n);
        if let Some(exemplar) = Exemplar::new(float(n), labels)
            && let Some(mut kept) = unless_held(&self.0.exemplar)
        {
            *kept = Some(exemplar);
        }
    }

    /// The latest exemplar.
    pub fn exemplar(&self) -> Option<Exemplar> {
        self.0.exemplar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Raises the count to `value`, for one that is kept elsewhere. Not to be mixed with the others: the
    /// count is the larger of what was added and what it was raised to. Lock-free.
    pub fn raise(&self, value: u64) {
        // Relaxed: a count, which publishes nothing.
        self.0.floor.fetch_max(value, Relaxed);
    }

    /// The count. Wait-free.
    pub fn value(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.0.added.sum().max(self.0.floor.load(Relaxed))
    }
}

/// A value that goes up and down: one series of a [`Registry`](super::Registry).
///
/// Clones are the same value.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<CachePadded<AtomicU64>>);

impl Gauge {
    /// Sets it. Wait-free.
    pub fn set(&self, value: f64) {
        // Relaxed: a figure, which publishes nothing.
        self.0.store(value.to_bits(), Relaxed);
    }

    /// Adds to it. Lock-free.
    pub fn add(&self, more: f64) {
        // Relaxed: the exchange checks it.
        let mut seen = self.0.load(Relaxed);
        loop {
            let next = (f64::from_bits(seen) + more).to_bits();
            // Relaxed: a figure, which publishes nothing.
            match self.0.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// The value. Wait-free.
    pub fn value(&self) -> f64 {
        // Relaxed: a figure, which publishes nothing.
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// A histogram with exemplars: one series of a [`Registry`](super::Registry).
///
/// Clones are the same series. Derefs to its [`Histogram`].
#[derive(Clone, Debug)]
pub struct Distribution(Arc<Spread>);

#[derive(Debug)]
struct Spread {
    histogram: Histogram,
    exemplars: Mutex<BTreeMap<i32, Exemplar>>,
}

/// An observation that stands for its bucket, with labels that lead to more: the id of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The value that was recorded, or what was added.
    pub value: f64,
    /// When, in seconds since the Unix epoch.
    pub timestamp: f64,
}

/// Exemplars lie by powers of two.
const OCTAVES: Grid = Grid::new(0);
/// The most characters of all names and values of an exemplar's labels.
const MOST: usize = 128;

impl Exemplar {
    /// One of now, if the text can show it.
    fn new(value: f64, labels: &[(&str, &str)]) -> Option<Self> {
        let length = labels.iter().map(|(name, text)| name.chars().count() + text.chars().count());
        let twice = |i: usize, name: &str| labels[..i].iter().any(|(other, _)| *other == name);
        let mut names = labels.iter().map(|(name, _)| *name).enumerate();
        if !value.is_finite()
            || length.sum::<usize>() > MOST
            || !names.all(|(i, name)| is_name(name, false) && !twice(i, name))
        {
            return None;
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let labels = labels.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Some(Self { labels: labels.collect(), value, timestamp: since.as_secs_f64() })
    }
}

fn unless_held<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(held) => Some(held),
        Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl Distribution {
    pub(super) fn new(precision: u32) -> Self {
        let exemplars = Mutex::new(BTreeMap::new());
        Self(Arc::new(Spread { histogram: Histogram::with_precision(precision), exemplars }))
    }

    /// Records a value and keeps it as the latest exemplar of its power of two. The record is as without one;
    /// the exemplar is kept unless another is being kept or read at this very moment: nobody waits.
    ///
    /// An exemplar whose labels are longer than 128 characters, or whose names are none or there twice, is not
    /// kept.
    pub fn record_with(&self, value: f64, labels: &[(&str, &str)]) {
        self.0.histogram.record(value);
        if let Some(exemplar) = Exemplar::new(value, labels)
            && let Some(mut kept) = unless_held(&self.0.exemplars)
        {
            kept.insert(OCTAVES.key_of(value), exemplar);
        }
    }

    /// The latest exemplar of each power of two, in the order of their values.
    pub fn exemplars(&self) -> Vec<Exemplar> {
        self.0.exemplars.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Deref for Distribution {
    type Target = Histogram;

    fn deref(&self) -> &Histogram {
        &self.0.histogram
    }
}
