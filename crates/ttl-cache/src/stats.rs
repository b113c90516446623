//! What a cache has done so far, counted by each thread in words of its own.

use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};

/// Why an entry has left the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its time to live or to idle was over.
    Expired,
    /// It made room for others.
    Evicted,
    /// Its key was given another value while it was fresh.
    Replaced,
    /// Somebody removed it.
    Removed,
}

/// One thread's counts. Only it writes them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) sets: AtomicU64,
    pub(crate) loads: AtomicU64,
    pub(crate) failed_loads: AtomicU64,
    left: [AtomicU64; 4],
}

/// One more; what it is then.
#[inline]
pub(crate) fn one_more(count: &AtomicU64) -> u64 {
    // Relaxed: only this thread writes it; readers add up.
    let more = count.load(Relaxed).wrapping_add(1);
    // Relaxed: as above.
    count.store(more, Relaxed);
    more
}

impl Counts {
    #[inline]
    pub(crate) fn one_left(&self, cause: Cause) {
        one_more(&self.left[cause as usize]);
    }
}

/// What a cache has done so far. Each count is exact once the threads that counted are done;
/// between counts, as of one moment, there is no relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Reads that found a value.
    pub hits: u64,
    /// Reads that found none, or one that had expired.
    pub misses: u64,
    /// Values and absences put in.
    pub sets: u64,
    /// Loads that gave a value or an absence.
    pub loads: u64,
    /// Loads that gave an error, panicked or were given up.
    pub failed_loads: u64,
    /// Entries that left because their time was over.
    pub expired: u64,
    /// Entries that left to make room.
    pub evicted: u64,
    /// Entries that another value replaced.
    pub replaced: u64,
    /// Entries that were removed.
    pub removed: u64,
}

impl Stats {
    pub(crate) fn of<'c>(all: impl Iterator<Item = &'c Counts>) -> Self {
        // Relaxed: figures.
        let read = |count: &AtomicU64| count.load(Relaxed);
        all.fold(Self::default(), |sum, counts| Self {
            hits: sum.hits + read(&counts.hits),
            misses: sum.misses + read(&counts.misses),
            sets: sum.sets + read(&counts.sets),
            loads: sum.loads + read(&counts.loads),
            failed_loads: sum.failed_loads + read(&counts.failed_loads),
            expired: sum.expired + read(&counts.left[Cause::Expired as usize]),
            evicted: sum.evicted + read(&counts.left[Cause::Evicted as usize]),
            replaced: sum.replaced + read(&counts.left[Cause::Replaced as usize]),
            removed: sum.removed + read(&counts.left[Cause::Removed as usize]),
        })
    }

    /// Hits by hits and misses; none if there were no reads.
    #[expect(clippy::cast_precision_loss, reason = "a ratio is read to some digits")]
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }
}
