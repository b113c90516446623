//! What a bank keeps of its values, as pure functions: a slot that each record changes, and a fold that few do.
//!
//! Deviations are summed from a shift that lies among the values, in blocks; a block that ends is folded into
//! mean and squares by the rule of Chan, Golub and `LeVeque`, "Algorithms for Computing the Sample
//! Variance", The American Statistician, 1983.

use crate::snapshot::{Snapshot, float};

/// Words of a [`Slot`].
pub(crate) const SLOT: usize = 6;
/// Words of a [`Fold`].
pub(crate) const FOLD: usize = 9;

/// The most records of a block; 2 to the models, which must see it end.
pub(crate) const BLOCK: u64 = if cfg!(loom) { 2 } else { 1024 };

/// What each record changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slot {
    /// Of all finite values.
    pub(crate) sum: f64,
    /// Since the last restart.
    pub(crate) extremes: Extremes,
    /// The sum of deviations from the fold's shift, of this block.
    pub(crate) deviation: f64,
    /// The sum of their squares.
    pub(crate) squares: f64,
    /// The last finite value.
    pub(crate) last: f64,
}

/// What changes when a block ends, a phase is entered, or a value is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fold {
    /// What deviations of this block are from.
    pub(crate) shift: f64,
    /// How many finite values came before this block.
    pub(crate) count: u64,
    /// Their mean.
    pub(crate) mean: f64,
    /// The sum of their squared deviations from it.
    pub(crate) squares: f64,
    /// Those of what came before the last restart.
    pub(crate) extremes: Extremes,
    pub(crate) nan: u64,
    pub(crate) positive_infinite: u64,
    pub(crate) negative_infinite: u64,
}

/// The least and the greatest of some values; of none, `+inf` and `-inf`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extremes {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Extremes {
    pub(crate) const NONE: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    #[inline]
    pub(crate) const fn of(value: f64) -> Self {
        Self { min: value, max: value }
    }

    #[inline]
    pub(crate) const fn with(self, other: Self) -> Self {
        // As two processor instructions: no NaN comes here.
        let min = if other.min < self.min { other.min } else { self.min };
        let max = if other.max > self.max { other.max } else { self.max };
        Self { min, max }
    }
}

impl Slot {
    pub(crate) const EMPTY: Self =
        Self { sum: 0.0, extremes: Extremes::NONE, deviation: 0.0, squares: 0.0, last: 0.0 };

    #[inline]
    pub(crate) fn words(self) -> [u64; SLOT] {
        let Extremes { min, max } = self.extremes;
        [self.sum, min, max, self.deviation, self.squares, self.last].map(f64::to_bits)
    }

    #[inline]
    pub(crate) fn of(words: [u64; SLOT]) -> Self {
        let [sum, min, max, deviation, squares, last] = words.map(f64::from_bits);
        Self { sum, extremes: Extremes { min, max }, deviation, squares, last }
    }

    /// With one more finite value.
    #[inline]
    pub(crate) fn and(self, value: f64, shift: f64) -> Self {
        let deviation = value - shift;
        Self {
            sum: self.sum + value,
            extremes: self.extremes.with(Extremes::of(value)),
            deviation: self.deviation + deviation,
            squares: self.squares + deviation * deviation,
            last: value,
        }
    }
}

impl Fold {
    pub(crate) const EMPTY: Self = Self {
        shift: 0.0,
        count: 0,
        mean: 0.0,
        squares: 0.0,
        extremes: Extremes::NONE,
        nan: 0,
        positive_infinite: 0,
        negative_infinite: 0,
    };

    #[inline]
    pub(crate) fn words(self) -> [u64; FOLD] {
        let Extremes { min, max } = self.extremes;
        let [shift, mean, squares, min, max] =
            [self.shift, self.mean, self.squares, min, max].map(f64::to_bits);
        let (nan, positive, negative) = (self.nan, self.positive_infinite, self.negative_infinite);
        [shift, self.count, mean, squares, min, max, nan, positive, negative]
    }

    #[inline]
    pub(crate) fn of(words: [u64; FOLD]) -> Self {
        let [shift, count, mean, squares, min, max, nan, positive, negative] = words;
        let [shift, mean, squares, min, max] = [shift, mean, squares, min, max].map(f64::from_bits);
        Self {
            shift,
            count,
            mean,
            squares,
            extremes: Extremes { min, max },
            nan,
            positive_infinite: positive,
            negative_infinite: negative,
        }
    }

    /// How many of so many records had a finite value.
    pub(crate) const fn finite(&self, publications: u64) -> u64 {
        let others = self.nan.wrapping_add(self.positive_infinite);
        publications.saturating_sub(others.wrapping_add(self.negative_infinite))
    }

    /// All that a fold and its slot say, after so many records.
    pub(crate) fn total(&self, slot: &Slot, publications: u64) -> Snapshot {
        let count = self.finite(publications);
        let block = count.saturating_sub(self.count);
        let mut total = Snapshot {
            nan: self.nan,
            positive_infinite: self.positive_infinite,
            negative_infinite: self.negative_infinite,
            ..Snapshot::EMPTY
        };
        total.add_moments(self.count, self.mean, self.squares);
        if block > 0 {
            let mean = slot.deviation / float(block);
            let squares = slot.squares - slot.deviation * mean;
            // Infinite less infinite is beyond all numbers; rounding may leave less than nothing.
            let squares = if squares.is_nan() { f64::INFINITY } else { squares.max(0.0) };
            total.add_moments(block, self.shift + mean, squares);
        }
        let Extremes { min, max } = self.extremes.with(slot.extremes);
        Snapshot { sum: slot.sum, min, max, ..total }
    }

    /// Ends a block: the fold and the slot that the next value comes to.
    pub(crate) fn fold(self, slot: Slot, publications: u64, next: f64) -> (Self, Slot) {
        let total = self.total(&slot, publications);
        let block = total.count.saturating_sub(self.count);
        let shift = match block {
            0 if total.count == 0 => next,
            0 => self.shift,
            _ => self.shift + slot.deviation / float(block),
        };
        let (count, mean, squares) = total.moments();
        let fold = Self { shift, count, mean, squares, ..self };
        (fold, Slot { deviation: 0.0, squares: 0.0, ..slot })
    }

    /// Keeps the extremes so far, so that those of the slot start again.
    pub(crate) const fn restart(self, slot: Slot) -> (Self, Slot) {
        let fold = Self { extremes: self.extremes.with(slot.extremes), ..self };
        (fold, Slot { extremes: Extremes::NONE, ..slot })
    }

    /// With one more value that is not finite.
    pub(crate) const fn and_apart(mut self, value: f64) -> Self {
        if value.is_nan() {
            self.nan += 1;
        } else if value > 0.0 {
            self.positive_infinite += 1;
        } else {
            self.negative_infinite += 1;
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "small whole numbers are exact")]
mod tests {
    use super::{BLOCK, Extremes, Fold, Slot};
    use crate::snapshot::float;

    /// What a bank does with each value, without its atomics.
    fn record(values: impl IntoIterator<Item = f64>) -> (Fold, Slot, u64) {
        let (mut fold, mut slot, mut publications, mut due) = (Fold::EMPTY, Slot::EMPTY, 0, 0);
        for value in values {
            if value.is_finite() {
                if publications >= due {
                    due = publications + BLOCK;
                    (fold, slot) = fold.fold(slot, publications, value);
                }
                slot = slot.and(value, fold.shift);
            } else {
                fold = fold.and_apart(value);
            }
            publications += 1;
        }
        (fold, slot, publications)
    }

    #[test]
    fn words_hold_all_of_a_slot_and_a_fold() {
        let (fold, slot, _) = record([1.5, f64::NAN, -2.0, f64::INFINITY]);
        assert_eq!((Fold::of(fold.words()), Slot::of(slot.words())), (fold, slot));
    }

    #[test]
    fn blocks_and_values_apart_add_up() {
        let count = 3 * BLOCK + 7;
        let values = (0..count).flat_map(|i| {
            [float(i), if i.is_multiple_of(2) { f64::NAN } else { f64::NEG_INFINITY }]
        });
        let (fold, slot, publications) = record(values);
        let total = fold.total(&slot, publications);
        let n = float(count);
        assert_eq!((total.count, total.sum), (count, n * (n - 1.0) / 2.0));
        assert_eq!((total.nan + total.negative_infinite, total.positive_infinite), (count, 0));
        let variance = (n * n - 1.0) / 12.0;
        assert!((total.variance() / variance - 1.0).abs() < 1e-12, "{}", total.variance());
    }

    #[test]
    fn a_variance_far_from_zero_is_stable() {
        for first in [None, Some(f64::NAN)] {
            let values = [4.0, 7.0, 13.0, 16.0].map(|value| value + 1e9);
            let (fold, slot, publications) = record(first.into_iter().chain(values));
            let total = fold.total(&slot, publications);
            assert_eq!(total.variance(), 22.5);
        }
        // A first value far from the others is itself most of the variance.
        let values = || core::iter::once(1e12).chain((0..5000).map(|i| f64::from(i % 10)));
        let (fold, slot, publications) = record(values());
        let n = float(publications);
        let mean = values().sum::<f64>() / n;
        let exact = values().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
        let off = fold.total(&slot, publications).variance() / exact - 1.0;
        assert!(off.abs() < 1e-11, "{off:e}");
    }

    #[test]
    fn extremes_start_again_and_none_is_lost() {
        let (fold, slot, publications) = record([3.0, -4.0]);
        let (fold, slot) = fold.restart(slot);
        let slot = slot.and(-1.0, fold.shift);
        assert_eq!(slot.extremes, Extremes::of(-1.0));
        let total = fold.total(&slot, publications + 1);
        assert_eq!((total.min, total.max), (-4.0, 3.0));
    }
}
