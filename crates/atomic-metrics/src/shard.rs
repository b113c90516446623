//! What one thread recorded: a log of its last values, and a fold of all blocks before.
//!
//! A record writes its value into the log and counts it, no more. With the last one of a block the owner *folds* the
//! log into sums, extremes and buckets. Who reads takes the fold and does to the log what a fold would.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `records` | how many there were; the last `records % BLOCK` are in the log |
//! | `log` | the values of this block, as far as it has come |
//! | `folds` | the [`Fold`] of all blocks before, double-buffered; its version is the number of folds |
//! | `asked` | the phase that cuts ask for |
//! | `reported` | how many records are in cuts already |
//! | `detail` | the buckets of all folds, in two banks: each fold adds to that of its phase |
//!
//! ```text
//!              fold: sums, extremes, phase             log
//!  records  |----------- folds * BLOCK ------------|---- records % BLOCK ----|
//!  buckets  |-- bank of the phase --|-- other bank --|   none, or the first ones while they are being folded
//! ```
//!
//! # Invariants
//!
//! * I1: only the owner writes `records`, the log, the folds and the detail; only cuts, which exclude each other,
//!   write `asked` and `reported`.
//! * I2: when `records` becomes a multiple of `BLOCK`, that block is in the fold that is published.
//! * I3: a fold adds to the bank of the phase that the fold before it published. So the other bank holds still while
//!   that phase is the one that is asked for, and has all that was recorded before it was entered.
//! * I4: `asked` is at most one phase ahead of that which was entered.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, 3 accesses; every 128th folds its block with up to 314, and 3 more for each of the block's
//!   values where there are buckets. It linearizes at the store of `records`, or where it folds, at the publication.
//! * `whole`: fails only if a fold was completed or counted values meanwhile; linearizes at the load of `records`.
//! * `cut`: lock-free; an owner that is stopped does not delay it. Each try yields a part, or a fold came in its way;
//!   the second fold after a request enters the phase, and the cut is there.
//! * `assume`: wait-free, 574 accesses at most. It linearizes at the load of `records`; where a fold came in its way,
//!   at that fold or a later one.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | record | store of `records` in `record` | load in `logged` | the values in the log | `record_shows_the_values_of_the_log` |
//! | rewrite | fence in `fold` | fence in `Twin::publications_since` | that the fold was published: who sees a value of the next block sees that the version moved | `rewrite_of_the_log_is_noticed` |
//! | phase | change of `asked` in `cut` | load in `fold` | that the idle bank has been read | `phase_carries_that_the_idle_bank_was_read` |
//!
//! That a shard passes from a thread to the next is the edge *hand-over* of [`lockfree_core::slots`].

use core::ops::Range;

use lockfree_core::{
    Backoff,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
};

use crate::{
    buckets::{Change, Detail},
    moments::{Block, Extremes, FOLD, Fold},
    snapshot::Snapshot,
    state::{self, BLOCK},
    twin::{Reading, Twin},
};

/// Folds that hold still at once, but for one: time for a reader.
const FOLDS: usize = 4;
/// How often a reading that must be wait-free is tried. Once in the models, so that they see it fail.
const TRIES: usize = if cfg!(loom) { 1 } else { 16 };

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Shard<D> {
    records: AtomicU64,
    log: [AtomicU64; BLOCK],
    asked: AtomicU64,
    reported: AtomicU64,
    folds: Twin<FOLD, FOLDS>,
    detail: D,
}

/// What a shard held at one moment.
#[derive(Debug)]
pub(crate) struct Part<D: Detail> {
    summary: Snapshot,
    counts: D::Counts,
    /// Those of what is in no earlier cut.
    fresh: Extremes,
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
            records: AtomicU64::new(0),
            log: core::array::from_fn(|_| AtomicU64::new(0)),
            asked: AtomicU64::new(0),
            reported: AtomicU64::new(0),
            folds: Twin::new(Fold::EMPTY.words()),
            detail: D::default(),
        }
    }
}

impl<D: Detail> Shard<D> {
    /// Records a value. Only the owner may call it.
    #[inline]
    pub(crate) fn record(&self, grid: &D::Grid, value: f64) {
        // Relaxed: our own last one; an earlier owner's came to us with the ownership.
        let records = self.records.load(Relaxed);
        let place = state::place(records);
        // Relaxed: `records` publishes it.
        self.log[place].store(value.to_bits(), Relaxed);
        if place == BLOCK - 1 {
            return self.fold(grid);
        }
        // Release [record]: the value is visible to who sees it counted.
        self.records.store(records + 1, Release);
    }

    /// Ends a block whose last value is in the log.
    #[cold]
    #[inline(never)]
    fn fold(&self, grid: &D::Grid) {
        let now = self.folds.own();
        let fold = Fold::of(self.folds.slot(now).load());
        let block = self.block(&fold, 0..BLOCK);
        self.detail.add(*grid, state::bank(fold.phase), block.finite());
        // Relaxed: a hint; if an older one is seen, extremes go on.
        let reported = self.reported.load(Relaxed).checked_sub(state::folded(now));
        let unreported = reported.map(|from| self.extremes(&fold, state::place(from)..BLOCK));
        // Acquire [phase]: pairs with the change in `cut`.
        let asked = self.asked.load(Acquire);
        self.folds.stage(now, fold.and(block.summary(), unreported, asked).words());
        self.folds.publish(now);
        // Relaxed: between the last value and this is the fence of `stage`.
        self.records.store(state::folded(now + 1), Relaxed);
        // Release [rewrite]: whoever sees a value of the next block sees this fold published.
        fence(Release);
    }

    /// These values of the log behind a fold.
    fn block(&self, fold: &Fold, places: Range<usize>) -> Block {
        let log = &self.log[places];
        // Relaxed: the owner's own, or checked by `is_still` before they count.
        let words = log.iter().map(|value| value.load(Relaxed));
        let first = words.clone().next().map_or(0.0, f64::from_bits);
        Block::of(words, fold.about(first))
    }

    fn extremes(&self, fold: &Fold, places: Range<usize>) -> Extremes {
        self.block(fold, places).summary().extremes()
    }

    /// Whether anything was ever recorded here: a table has shards that nobody uses.
    pub(crate) fn is_used(&self) -> bool {
        // Relaxed: whoever comes after a record sees it; others need not.
        self.records.load(Relaxed) != 0
    }

    /// How many values lie in the log behind so many folds.
    fn logged(&self, folds: u64) -> usize {
        // Acquire [record]: pairs with the store in `record`; with that in `fold`, by the fence before it.
        state::logged(self.records.load(Acquire), folds)
    }

    /// What the cuts have already, in records; for who makes one.
    fn reported(&self) -> u64 {
        // Relaxed: the lock of the cuts orders it.
        self.reported.load(Relaxed)
    }

    fn report(&self, records: u64) {
        // Relaxed: to the owner a hint, see `fold`; to others the lock of the cuts orders it.
        self.reported.store(records, Relaxed);
    }

    /// The counts of both banks.
    fn counts(&self, grid: D::Grid) -> D::Counts {
        let mut counts = D::Counts::default();
        (0..2).for_each(|bank| self.detail.collect(grid, bank, &mut counts));
        counts
    }

    /// All that was recorded up to one moment, unless a fold came in the way.
    pub(crate) fn whole(&self, grid: D::Grid) -> Option<Part<D>> {
        self.whole_behind(grid, &self.folds.read())
    }

    /// The same from a reading of the folds on.
    fn whole_behind(&self, grid: D::Grid, folds: &Reading<FOLD>) -> Option<Part<D>> {
        let fold = Fold::of(folds.words);
        let logged = self.logged(folds.version);
        let mut counts = self.counts(grid);
        let early = D::beyond(&counts, fold.now.all.count);
        if early > 0 {
            // A block is being folded: if nothing more is counted meanwhile, these are its first values.
            if self.counts(grid) != counts {
                return None;
            }
            let block = self.block(&fold, 0..BLOCK);
            let early = block.finite().iter().zip(0..early).map(|(value, _)| *value);
            D::count(grid, &mut counts, early, Change::Less);
        }
        let log = self.block(&fold, 0..logged);
        D::count(grid, &mut counts, log.finite().iter().copied(), Change::More);
        let log = log.summary();
        let fresh = match self.reported().checked_sub(state::folded(folds.version)) {
            None => fold.fresh(self.reported()).with(log.extremes()),
            Some(from) => self.extremes(&fold, state::place(from).min(logged)..logged),
        };
        let summary = fold.now.all.merged(log);
        self.folds.is_still(folds.version).then_some(Part { summary, counts, fresh })
    }

    /// All that was recorded up to one moment, reported. By who holds the lock of the cuts.
    pub(crate) fn cut(&self, grid: D::Grid) -> Part<D> {
        let (backoff, mut fresh, mut asked_with) = (Backoff::new(), Extremes::NONE, None);
        let part = loop {
            let folds = self.folds.read();
            let fold = Fold::of(folds.words);
            // Relaxed: only cuts write it.
            let asked = self.asked.load(Relaxed);
            let entered = folds.whole && fold.phase == asked;
            if entered && let Some(mut counts) = asked_with {
                // What was asked for is entered, so that the other bank is left alone, too.
                self.detail.collect(grid, state::bank(asked + 1), &mut counts);
                break Part { summary: fold.before.all, counts, fresh: fold.before.fresh };
            }
            if let Some(part) = self.whole_behind(grid, &folds) {
                break part;
            }
            if entered {
                let mut idle = D::Counts::default();
                self.detail.collect(grid, state::bank(asked + 1), &mut idle);
                asked_with = Some(idle);
                // What comes is told apart from the last fold on, unless a cut ended behind it.
                if self.reported() < fold.now.all.records() {
                    fresh = fold.fresh(self.reported());
                    self.report(fold.now.all.records());
                }
                // Release [phase]: our readings of the bank that is now written come first.
                // A swap, since it is visible to all when the next reading begins.
                self.asked.swap(asked + 1, Release);
            }
            backoff.snooze();
        };
        self.report(part.summary.records());
        Part { fresh: part.fresh.with(fresh), ..part }
    }

    /// The summary in a bounded number of steps: of one moment, unless folds come in the way of each of 17 readings.
    /// Then each word is of some moment of the last reading, and the sum is moved to where count, least and
    /// greatest value allow it to be.
    pub(crate) fn assume(&self) -> Snapshot {
        let mut folds = self.folds.read();
        let logged = self.logged(folds.version);
        let fold = Fold::of(folds.words);
        let total = fold.now.all.merged(self.block(&fold, 0..logged).summary());
        if self.folds.is_still(folds.version) {
            return total;
        }
        // A fold came, and has all that was there when we began.
        for _ in 0..TRIES {
            folds = self.folds.read();
            if folds.whole {
                return Fold::of(folds.words).now.all;
            }
        }
        Fold::of(folds.words).now.all.plausible()
    }
}

impl<D: Detail> Total<D> {
    pub(crate) fn new() -> Self {
        let (summary, counts) = (Snapshot::EMPTY, D::Counts::default());
        Self { summary, counts, fresh: Extremes::NONE }
    }

    pub(crate) fn add(&mut self, part: Part<D>) {
        self.summary.merge(&part.summary);
        self.fresh = self.fresh.with(part.fresh);
        D::merge(&mut self.counts, part.counts);
    }
}
