//! What one thread recorded in the phases of one parity.
//!
//! # State
//!
//! A [`Twin`] of [`Slot`]s that each record publishes anew, and two [`Fold`]s, of which the flag of its version
//! tells the one that counts. The number of publications is the number of records. Beside them, for the owner alone:
//! `due`, the version at which the next fold is, and `shift`, that of the fold that counts.
//!
//! # Invariants
//!
//! * I1: slot, fold and version belong together: one store of the version publishes all three.
//! * I2: a fold is written only while the other one is published.
//!
//! # Progress and linearization
//!
//! * `record`: wait-free, 17 accesses, 35 where a block ends, a phase is entered, or the value is not finite;
//!   it linearizes at the store of the version.
//! * `look` and `is_still`: 17 loads, and a fence and a load; the latter says no only if a record was completed
//!   meanwhile. They linearize at the first load.
//! * `assume`: wait-free, [`TRIES`] of them.
//!
//! # Orderings
//!
//! No edge of its own: see [`twin`](crate::twin).

use lockfree_core::sync::{AtomicU64, Ordering::Relaxed};

use crate::{
    moments::{BLOCK, Extremes, FOLD, Fold, SLOT, Slot},
    snapshot::{Snapshot, float},
    state::{Version, is_finite},
    twin::{Twin, Words},
};

/// Index of the last value in the words of a slot.
const LAST: usize = 5;

/// How often a reading that must be wait-free is tried. Once in the models, so that they see it fail.
pub(crate) const TRIES: usize = if cfg!(loom) { 1 } else { 16 };

#[derive(Debug)]
pub(crate) struct Bank {
    due: AtomicU64,
    shift: AtomicU64,
    slots: Twin<SLOT>,
    folds: [Words<FOLD>; 2],
}

/// What a bank held at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    version: Version,
    slot: Slot,
    fold: Fold,
}

impl Default for Bank {
    fn default() -> Self {
        let (due, shift) = (AtomicU64::new(0), AtomicU64::new(0));
        let slots = Twin::new(Slot::EMPTY.words());
        Self { due, shift, slots, folds: [Fold::EMPTY; 2].map(|fold| Words::new(fold.words())) }
    }
}

impl Bank {
    /// Records a value, if it is finite and no fold is due; else returns false. Only the owner may call it.
    /// `detail` is called before it is published.
    #[inline]
    pub(crate) fn record(&self, value: f64, detail: impl FnOnce()) -> bool {
        let now = self.slots.own();
        // Relaxed: our own.
        if now.word() >= self.due.load(Relaxed) || !is_finite(value.to_bits()) {
            return false;
        }
        // Relaxed: our own.
        let shift = f64::from_bits(self.shift.load(Relaxed));
        let slot = Slot::of(self.slots.slot(now).load()).and(value, shift);
        self.slots.stage(now, slot.words());
        detail();
        self.slots.publish(now.next());
        true
    }

    /// Records a value with a new fold: it ends the block, and may start the slot's extremes again.
    #[cold]
    pub(crate) fn record_and_fold(&self, value: f64, restart: bool, detail: impl FnOnce()) {
        let now = self.slots.own();
        let mut fold = Fold::of(self.folds[now.flag()].load());
        let mut slot = Slot::of(self.slots.slot(now).load());
        if restart {
            (fold, slot) = fold.restart(slot);
        }
        let finite = is_finite(value.to_bits());
        if finite {
            (fold, slot) = fold.fold(slot, now.publications(), value);
            slot = slot.and(value, fold.shift);
            // Relaxed: our own.
            self.due.store(Version::threshold(now.publications() + BLOCK), Relaxed);
            // Relaxed: our own.
            self.shift.store(fold.shift.to_bits(), Relaxed);
        } else {
            fold = fold.and_apart(value);
        }
        self.slots.stage(now, slot.words());
        self.folds[now.next_flipped().flag()].store(fold.words());
        if finite {
            detail();
        }
        self.slots.publish(now.next_flipped());
    }

    /// How many finite values its owner recorded.
    pub(crate) fn own_count(&self) -> u64 {
        let now = self.slots.own();
        Fold::of(self.folds[now.flag()].load()).finite(now.publications())
    }

    /// Begins to read: a moment's state, if [`is_still`](Self::is_still) says so afterwards.
    pub(crate) fn look(&self) -> Reading {
        let version = self.slots.version();
        let slot = Slot::of(self.slots.slot(version).load());
        let fold = Fold::of(self.folds[version.flag()].load());
        Reading { version, slot, fold }
    }

    /// Whether all that was read since the look belongs together.
    pub(crate) fn is_still(&self, reading: &Reading) -> bool {
        self.slots.is_still(reading.version)
    }

    /// The value of the record after a reading, if it has begun and is not published.
    pub(crate) fn pending(&self, reading: &Reading) -> f64 {
        f64::from_bits(self.slots.next(reading.version).word(LAST))
    }

    /// A summary after a bounded number of loads.
    ///
    /// That of one moment, if one of [`TRIES`] readings was not disturbed. Else each word is of some moment of
    /// the last reading, and the sum is moved to where count, least and greatest value allow it to be.
    pub(crate) fn assume(&self) -> Snapshot {
        let mut reading = self.look();
        let mut tries = 1;
        while tries < TRIES {
            if self.is_still(&reading) {
                return reading.total();
            }
            reading = self.look();
            tries += 1;
        }
        if self.is_still(&reading) { reading.total() } else { reading.total().plausible() }
    }
}

impl Reading {
    /// How many finite values there were.
    pub(crate) const fn count(&self) -> u64 {
        self.fold.finite(self.version.publications())
    }

    /// All that was recorded.
    pub(crate) fn total(&self) -> Snapshot {
        self.fold.total(&self.slot, self.version.publications())
    }

    /// The extremes of the values after the first `reported` ones: theirs exactly, if they are of one phase
    /// or there is just one; else perhaps of more.
    pub(crate) fn extremes_since(&self, reported: u64) -> Extremes {
        match self.count() - reported {
            0 => Extremes::NONE,
            1 => Extremes::of(self.slot.last),
            _ => self.slot.extremes,
        }
    }

    /// Whether nothing was ever recorded.
    pub(crate) const fn is_empty(&self) -> bool {
        self.version.publications() == 0
    }
}

impl Snapshot {
    /// With a sum that count and extremes allow.
    fn plausible(self) -> Self {
        if self.count == 0 || self.min > self.max {
            return Self { nan: self.nan, ..Self::EMPTY };
        }
        let count = float(self.count);
        let sum = self.sum.clamp(self.min * count, self.max * count);
        Self { sum, ..self }
    }
}
