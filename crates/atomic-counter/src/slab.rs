//! Many counters in one table: 8 bytes a counter a thread.
//!
//! # State
//!
//! A *row* for each thread slot, and one for the threads without: lines of 16 words in a table that
//! grows by doubling. Word `id % 16` of line `id / 16 + 1` of a row is what the row's threads added to
//! counter `id`. `len` is how many counters were given out.
//!
//! # Invariants
//!
//! * I1: only the present owner of a slot writes its row; the row of the rest is changed by
//!   read-modify-writes.
//! * I2: `len` never exceeds the words of a row, and never falls.
//!
//! # Progress and linearization
//!
//! * `add`: wait-free, 4 accesses: the row's place, the line's, a load, a store. A thread's first add
//!   to a level of lines allocates it.
//! * `sum`: wait-free, one load for each level of the table of rows, and two for each row.
//! * `counter`: lock-free, a compare-exchange.
//!
//! # Orderings
//!
//! No edge of its own: cells pass on by the edge *hand-over* of [`lockfree_core::slots`], and appear by
//! the edge *segment* of its tables.

use core::{fmt, num::NonZeroU32};

use lockfree_core::{
    CachePadded, const_unless_loom,
    segments::{Place, Segments},
    slots::{self, PerSlot},
    sync::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::{
    cells::{add_to_own, add_to_shared, sum},
    error::SlabFull,
};

/// Words in a line, which is two cache lines long or as long as the padding asks.
const LINE: u32 = 16;
const LEVELS: usize = if cfg!(loom) { 2 } else { 16 };

type Row = Segments<CachePadded<[AtomicU64; LINE as usize]>, LEVELS>;

/// Sharded counters by the thousand: as [`ShardedCounter`](crate::ShardedCounter) in speed and in
/// what a sum tells, at 8 bytes a counter a thread.
///
/// # Memory
///
/// A thread slot in use has a row of 128 bytes, in a table of at most twice as many rows. A row has
/// lines of 16 counters, 128 bytes each, in levels of 1, 2, 4, ... lines, which come when a counter in
/// them is first added to: 8 bytes a counter where there are 16·(2^k - 1) counters in use (16, 48, 112,
/// ..., 1008, ...), and at most 16·n + 112 bytes for n of them. Rows stay when their thread ends, for the
/// slot's next thread; so "thread" means the most threads there ever were at once.
///
/// ```
/// use atomic_counter::CounterSlab;
///
/// static METRICS: CounterSlab = CounterSlab::new();
///
/// let (hits, misses) = (METRICS.counter()?, METRICS.counter()?);
/// hits.increment();
/// std::thread::spawn(move || misses.add(2)).join().unwrap();
/// assert!(METRICS.iter().map(|counter| counter.sum()).eq([1, 2]));
/// # Ok::<(), atomic_counter::SlabFull>(())
/// ```
pub struct CounterSlab {
    rows: PerSlot<Row>,
    rest: CachePadded<Row>,
    len: AtomicU32,
}

impl CounterSlab {
    /// How many counters a slab can have: 1,048,560.
    pub const CAPACITY: usize = LINE as usize * ((1 << LEVELS) - 1);

    const_unless_loom! {
        /// A slab with no counter, which allocates nothing yet.
        pub fn new() -> Self {
            let rest = CachePadded::new(Segments::new());
            Self { rows: PerSlot::new(), rest, len: AtomicU32::new(0) }
        }
    }

    /// A new counter, of 0. Ids are dense: 0, 1, 2, ... Lock-free.
    ///
    /// # Errors
    /// The slab has [`CAPACITY`](Self::CAPACITY) counters.
    pub fn counter(&self) -> Result<SlabCounter<'_>, SlabFull> {
        // Relaxed: a guess, which the exchange checks.
        let mut id = self.len.load(Relaxed);
        while (id as usize) < Self::CAPACITY {
            // Relaxed: gives out the id, and publishes nothing: every word is 0 before its first use.
            match self.len.compare_exchange_weak(id, id + 1, Relaxed, Relaxed) {
                Ok(id) => return self.handle(id).ok_or(SlabFull),
                Err(other) => id = other,
            }
        }
        Err(SlabFull)
    }

    /// The counter of this id, if it was given out.
    pub fn get(&self, id: usize) -> Option<SlabCounter<'_>> {
        if id < self.len() { self.handle(u32::try_from(id).ok()?) } else { None }
    }

    /// All counters given out so far, by id.
    pub fn iter(&self) -> impl Iterator<Item = SlabCounter<'_>> {
        (0..self.len()).map_while(|id| self.get(id))
    }

    /// How many counters were given out. A snapshot: it never falls.
    pub fn len(&self) -> usize {
        // Relaxed: a count, which publishes nothing.
        self.len.load(Relaxed) as usize
    }

    /// Was no counter given out yet?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn handle(&self, id: u32) -> Option<SlabCounter<'_>> {
        let line = Place::of(NonZeroU32::MIN.saturating_add(id / LINE))?;
        Some(SlabCounter { slab: self, line, word: id % LINE })
    }
}

impl Default for CounterSlab {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CounterSlab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CounterSlab").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// One counter of a [`CounterSlab`].
#[derive(Clone, Copy)]
pub struct SlabCounter<'a> {
    slab: &'a CounterSlab,
    line: Place<LEVELS>,
    word: u32,
}

impl SlabCounter<'_> {
    /// Its number in the slab.
    pub fn id(&self) -> usize {
        ((self.line.number().get() - 1) * LINE + self.word) as usize
    }

    /// Adds 1. Wait-free: 4 accesses, none of them locked. A thread's first add may allocate.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `n`. Wait-free: 4 accesses, none of them locked. A thread's first add may allocate.
    #[inline]
    pub fn add(&self, n: u64) {
        slots::with(|slot| match slot {
            Some(slot) => add_to_own(self.word(self.slab.rows.get(slot)), n),
            None => self.add_to_rest(n),
        });
    }

    /// Adds up what all threads added. Wait-free; see
    /// [what a sum tells](crate::ShardedCounter#what-a-sum-tells).
    pub fn sum(&self) -> u64 {
        let rows = self.slab.rows.iter().chain([&*self.slab.rest]);
        sum(rows.filter_map(|row| row.get(self.line)).map(|line| &line[self.place()]))
    }

    /// What was added since the sum in `baseline`, which becomes the present one. Wait-free. See
    /// [`ShardedCounter::take_delta`](crate::ShardedCounter::take_delta).
    pub fn take_delta(&self, baseline: &mut u64) -> u64 {
        let sum = self.sum();
        sum.wrapping_sub(core::mem::replace(baseline, sum))
    }

    #[inline]
    fn word<'r>(&self, row: &'r Row) -> &'r AtomicU64 {
        &row.get_or_grow(self.line)[self.place()]
    }

    #[inline]
    fn place(&self) -> usize {
        (self.word % LINE) as usize
    }

    #[cold]
    fn add_to_rest(&self, n: u64) {
        add_to_shared(self.word(&self.slab.rest), n);
    }
}

impl fmt::Debug for SlabCounter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, sum) = (self.id(), self.sum());
        f.debug_struct("SlabCounter").field("id", &id).field("sum", &sum).finish_non_exhaustive()
    }
}
