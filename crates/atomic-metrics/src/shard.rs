//! What one thread recorded: two banks, of which it uses the one of the phase that it has entered.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `entered` | the last phase in which the owner began a record |
//! | `banks[phase & 1]` | the records of the phases of this parity, and their detail |
//! | `reported[b]` | how many finite values of bank `b` are in cuts already; cuts alone write it |
//!
//! # Invariants
//!
//! * I1: only the owner writes `entered`, the banks and the detail.
//! * I2: before `entered` becomes `p`, all records of earlier phases are published.
//! * I3: a record of phase `p` goes to bank `p & 1`. So while phase `p` is the latest and `entered` is `p`, the other
//!   bank holds still, and has all records of earlier phases.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, 2 accesses and those of [`Bank::record`]; a first record in a phase takes 14 more.
//! * `whole`: fails only if a record was completed meanwhile; linearizes where the second bank is looked at.
//! * `still`: as long as its owner records in other phases' bank alone, it succeeds at once.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | entered | store in `record_and_fold` | fence in `Twin::is_still`, of the reading after `has_entered` | I2: the records of the phases before | `entered_phase_shows_all_of_the_earlier_ones` |

use lockfree_core::sync::{
    AtomicU64,
    Ordering::{Relaxed, Release},
};

use crate::{
    bank::{Bank, Reading},
    buckets::Detail,
    moments::Extremes,
    snapshot::Snapshot,
    state,
};

#[derive(Debug)]
pub(crate) struct Shard<D> {
    entered: AtomicU64,
    reported: [AtomicU64; 2],
    banks: [Bank; 2],
    detail: D,
}

/// What a bank held at one moment, with its detail.
#[derive(Debug)]
pub(crate) struct Part<D: Detail> {
    reading: Reading,
    counts: D::Counts,
}

/// What several parts add up to.
#[derive(Debug)]
pub(crate) struct Total<D: Detail> {
    pub(crate) summary: Snapshot,
    pub(crate) counts: D::Counts,
    /// Those of what is in no earlier cut.
    pub(crate) fresh: Extremes,
}

impl<D: Detail> Default for Shard<D> {
    fn default() -> Self {
        Self {
            entered: AtomicU64::new(0),
            reported: [0, 0].map(AtomicU64::new),
            banks: [Bank::default(), Bank::default()],
            detail: D::default(),
        }
    }
}

impl<D: Detail> Shard<D> {
    /// Records a value in this phase. Only the owner may call it.
    #[inline]
    pub(crate) fn record(&self, phase: u64, grid: D::Grid, value: f64) {
        let bank = state::bank(phase);
        let detail = || self.detail.add(grid, bank, value);
        // Relaxed: our own.
        let goes_on = self.entered.load(Relaxed) == phase;
        if !(goes_on && self.banks[bank].record(value, detail)) {
            self.record_and_fold(phase, grid, value);
        }
    }

    /// The same, where the phase is entered, a block ends, or the value is not finite.
    #[cold]
    #[inline(never)]
    fn record_and_fold(&self, phase: u64, grid: D::Grid, value: f64) {
        let bank = state::bank(phase);
        // Relaxed: our own.
        let enters = self.entered.load(Relaxed) != phase;
        if enters {
            // Release [entered]: our records of earlier phases are visible to who sees us in this one.
            self.entered.store(phase, Release);
        }
        // Relaxed: written before the phase was; if an older one is seen, extremes go on.
        let reported = self.reported[bank].load(Relaxed);
        let restart = enters && reported == self.banks[bank].own_count();
        self.banks[bank].record_and_fold(value, restart, || self.detail.add(grid, bank, value));
    }

    /// Whether a record was ever begun here: a table has shards that nobody uses.
    pub(crate) fn is_used(&self) -> bool {
        // Relaxed: whoever comes after a record sees it entered; others need not.
        self.entered.load(Relaxed) != 0
    }

    /// Whether the owner has begun a record in this phase, which is the latest.
    pub(crate) fn has_entered(&self, phase: u64) -> bool {
        // Relaxed: the fence of the reading that follows acquires what the entering released.
        self.entered.load(Relaxed) == phase
    }

    /// A bank at one moment, unless it was not left alone.
    pub(crate) fn still(&self, grid: D::Grid, bank: usize) -> Option<Part<D>> {
        let own = &self.banks[bank];
        let reading = own.look();
        if reading.is_empty() {
            return own.is_still(&reading).then(|| Part { reading, counts: D::Counts::default() });
        }
        let mut counts = self.detail.copy(grid, bank);
        let pending = own.pending(&reading);
        if !own.is_still(&reading) {
            return None;
        }
        D::settle(grid, &mut counts, reading.count(), pending);
        Some(Part { reading, counts })
    }

    /// Both banks at one moment, unless they were not left alone.
    pub(crate) fn whole(&self, grid: D::Grid) -> Option<[Part<D>; 2]> {
        let parts = [self.still(grid, 0)?, self.still(grid, 1)?];
        self.banks[0].is_still(&parts[0].reading).then_some(parts)
    }

    /// Adds a part to a cut, and remembers that it is in it. Cuts exclude each other.
    pub(crate) fn report(&self, bank: usize, part: Part<D>, cut: &mut Total<D>) {
        // Relaxed: the lock of the cuts orders it.
        let reported = self.reported[bank].load(Relaxed);
        cut.fresh = cut.fresh.with(part.reading.extremes_since(reported));
        // Relaxed: the next phase carries it to the owner.
        self.reported[bank].store(part.reading.count(), Relaxed);
        cut.add(part);
    }

    /// Both banks in a bounded number of steps; see [`Bank::assume`].
    pub(crate) fn assume(&self) -> Snapshot {
        self.banks[0].assume().merged(&self.banks[1].assume())
    }
}

impl<D: Detail> Total<D> {
    pub(crate) fn new() -> Self {
        let (summary, counts) = (Snapshot::EMPTY, D::Counts::default());
        Self { summary, counts, fresh: Extremes::NONE }
    }

    pub(crate) fn add(&mut self, part: Part<D>) {
        self.summary.merge(&part.reading.total());
        D::merge(&mut self.counts, part.counts);
    }
}
