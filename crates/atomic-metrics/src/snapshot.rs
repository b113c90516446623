//! What an aggregator held at a cut: a plain value.

use core::fmt;

/// Count, sum, extremes, mean and variance of some values, and how many were not finite.
///
/// A plain value: snapshots of several threads, processes or machines merge into that of all of their
/// values. NaN and infinities are counted apart and take no part in anything else.
///
/// ```
/// use atomic_metrics::Snapshot;
///
/// let one: Snapshot = [1.0, 2.0, f64::NAN].into_iter().collect();
/// let other: Snapshot = [-6.0].into_iter().collect();
/// let both = one.merged(&other);
/// assert_eq!((both.count, both.sum, both.min, both.max), (3, -3.0, -6.0, 2.0));
/// assert_eq!((both.mean(), both.nan), (-1.0, 1));
/// ```
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Snapshot {
    /// How many finite values there were.
    pub count: u64,
    /// Their sum: exact as long as `f64` additions are. Beyond the range of `f64` it is infinite.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub sum: f64,
    /// The least of them; `+inf` if there was none.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub min: f64,
    /// The greatest of them; `-inf` if there was none.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub max: f64,
    /// How many values were not a number.
    pub nan: u64,
    /// How many values were `+inf`.
    pub positive_infinite: u64,
    /// How many values were `-inf`.
    pub negative_infinite: u64,
    /// The mean that `squares` is about: that of the sum, but for rounding.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub(crate) centre: f64,
    /// The sum of squared deviations from `centre`.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub(crate) squares: f64,
}

impl Snapshot {
    /// That of no value.
    pub const EMPTY: Self = Self {
        count: 0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        nan: 0,
        positive_infinite: 0,
        negative_infinite: 0,
        centre: 0.0,
        squares: 0.0,
    };

    /// The mean of the finite values, NaN if there was none. Never below `min` or above `max`.
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        // Rounding, or a sum beyond all numbers, may leave the range by itself.
        (self.sum / float(self.count)).max(self.min).min(self.max)
    }

    /// The variance of the finite values as a whole population; 0 for one value, NaN for none.
    ///
    /// Computed from deviations in blocks, not from a sum of squares: its relative error does not grow
    /// with the distance of the values from zero. Infinite from the
    /// first deviation on whose square is.
    pub fn variance(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.squares / float(self.count) }
    }

    /// The variance of what the finite values are a sample of: NaN for less than two.
    pub fn sample_variance(&self) -> f64 {
        if self.count < 2 { f64::NAN } else { self.squares / float(self.count - 1) }
    }

    /// The standard deviation: the root of [`variance`](Self::variance).
    #[cfg(feature = "std")]
    pub fn std_dev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// All that was recorded: finite or not.
    pub const fn records(&self) -> u64 {
        self.count + self.nan + self.positive_infinite + self.negative_infinite
    }

    /// The snapshot of both's values.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut both = *self;
        both.merge(other);
        both
    }

    /// Takes in another's values.
    pub fn merge(&mut self, other: &Self) {
        self.add_moments(other.count, other.centre, other.squares);
        self.sum = added(self.sum, other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.nan += other.nan;
        self.positive_infinite += other.positive_infinite;
        self.negative_infinite += other.negative_infinite;
    }

    /// What came after an earlier snapshot of the same source. Extremes do not tell, so that they are given.
    #[cfg(feature = "std")]
    pub(crate) fn since(&self, earlier: &Self, extremes: crate::moments::Extremes) -> Self {
        let count = self.count - earlier.count;
        let none = crate::moments::Extremes::NONE;
        let crate::moments::Extremes { min, max } = if count > 0 { extremes } else { none };
        let mut squares = 0.0;
        let mut centre = self.centre;
        if count > 0 {
            let (before, after) = (float(earlier.count), float(count));
            centre += (self.centre - earlier.centre) * (before / after);
            let apart = centre - earlier.centre;
            let between = apart * apart * (before * (after / float(self.count)));
            squares = self.squares - earlier.squares - between;
            squares = if squares.is_nan() { f64::INFINITY } else { squares.max(0.0) };
        }
        Self {
            count,
            sum: added(self.sum, -earlier.sum),
            min,
            max,
            nan: self.nan - earlier.nan,
            positive_infinite: self.positive_infinite - earlier.positive_infinite,
            negative_infinite: self.negative_infinite - earlier.negative_infinite,
            centre,
            squares,
        }
    }

    /// Counts more values of this mean, and these squared deviations from it.
    ///
    /// Chan, Golub and `LeVeque`'s rule for two sets.
    pub(crate) fn add_moments(&mut self, count: u64, mean: f64, squares: f64) {
        if count == 0 {
            return;
        }
        let (own, other) = (float(self.count), float(count));
        self.count += count;
        if own == 0.0 {
            (self.centre, self.squares) = (mean, squares);
        } else {
            let apart = mean - self.centre;
            let share = other / float(self.count);
            self.centre += apart * share;
            self.squares += squares + apart * apart * (own * share);
        }
        if !self.squares.is_finite() {
            // Or infinite less infinite: beyond all numbers, and about no matter what.
            (self.centre, self.squares) = (0.0, f64::INFINITY);
        }
    }

    /// Its least and greatest value.
    #[cfg(feature = "std")]
    pub(crate) const fn extremes(&self) -> crate::moments::Extremes {
        crate::moments::Extremes { min: self.min, max: self.max }
    }

    /// Of words that may not belong together: with a sum that count and extremes allow.
    #[cfg(feature = "std")]
    pub(crate) fn plausible(self) -> Self {
        if self.count == 0 || self.min > self.max {
            return Self { nan: self.nan, ..Self::EMPTY };
        }
        let count = float(self.count);
        let sum = self.sum.clamp(self.min * count, self.max * count);
        Self { sum, ..self }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl FromIterator<f64> for Snapshot {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut all = Self::EMPTY;
        all.extend(values);
        all
    }
}

impl Extend<f64> for Snapshot {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        for value in values {
            if value.is_finite() {
                self.add_moments(1, value, 0.0);
                self.sum = added(self.sum, value);
                self.min = self.min.min(value);
                self.max = self.max.max(value);
            } else if value.is_nan() {
                self.nan += 1;
            } else if value > 0.0 {
                self.positive_infinite += 1;
            } else {
                self.negative_infinite += 1;
            }
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("count", &self.count)
            .field("sum", &self.sum)
            .field("min", &self.min)
            .field("max", &self.max)
            .field("mean", &self.mean())
            .field("variance", &self.variance())
            .field("nan", &self.nan)
            .field("positive_infinite", &self.positive_infinite)
            .field("negative_infinite", &self.negative_infinite)
            .finish_non_exhaustive()
    }
}

/// The sum of two sums, of which one that is beyond all numbers stays so.
const fn added(one: f64, other: f64) -> f64 {
    if one.is_infinite() { one } else { one + other }
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "a mean is good to 53 bits")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}
