//! Buckets from the bits of a value, as pure functions.

/// Bits of a mantissa's fraction.
const FRACTION: u32 = 52;

/// How values fall into buckets: `2^precision` to each power of two.
///
/// A positive value's bucket holds its upper bound and not its lower one, a negative value's the same, so that
/// "at most this bound" can be counted exactly. The *number* of a bucket is what is left of the bits of a
/// value in it: sign, exponent, and the first `precision` bits of the mantissa. Its *key* is the same
/// made to grow with the value: `!number` for negative ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    shift: u32,
}

/// Where a bucket is in a table of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) chunk: u8,
    pub(crate) bucket: usize,
}

/// How many powers of two a chunk spans, as a power of two.
const OCTAVES: u32 = if cfg!(loom) { 1 } else { 4 };

impl Grid {
    /// The most bits of precision: keys stay within 31 bits, and chunks small.
    pub(crate) const FINEST: u32 = 10;

    #[inline]
    pub(crate) const fn new(precision: u32) -> Self {
        Self { shift: FRACTION - precision }
    }

    #[inline]
    pub(crate) const fn precision(self) -> u32 {
        FRACTION - self.shift
    }

    /// How many buckets there are in a chunk.
    #[inline]
    pub(crate) const fn chunk(self) -> usize {
        1 << (OCTAVES + self.precision())
    }

    /// The place of a finite value's bucket.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the low bits of it are wanted")]
    pub(crate) const fn place(self, bits: u64) -> Place {
        // A bound belongs below it: with positive values it is the last of its bucket.
        let bits = bits - (bits.cast_signed() > 0) as u64;
        let chunk = (bits >> (FRACTION + 12 - 8)) as u8;
        let bucket = (bits >> self.shift) as usize & (self.chunk() - 1);
        Place { chunk, bucket }
    }

    /// The key of the bucket at a place.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "at most 22 bits"
    )]
    pub(crate) const fn key(self, place: Place) -> i32 {
        let number = (place.chunk as u32) << (OCTAVES + self.precision()) | place.bucket as u32;
        let sign = 1 << (11 + self.precision());
        if number & sign == 0 { number as i32 } else { !(number ^ sign) as i32 }
    }

    /// The key of a finite value's bucket.
    pub(crate) const fn key_of(self, value: f64) -> i32 {
        self.key(self.place(value.to_bits()))
    }

    /// The least upper bound of the values in a bucket; infinite in the last.
    pub(crate) fn upper(self, key: i32) -> f64 {
        if key < 0 { -self.magnitude(!key) } else { self.magnitude(key + 1) }
    }

    /// The greatest lower bound of the values in a bucket.
    pub(crate) fn lower(self, key: i32) -> f64 {
        if key < 0 { -self.magnitude(!key + 1) } else { self.magnitude(key) }
    }

    /// The value that stands for a bucket: its middle, and 0 about zero.
    pub(crate) fn middle(self, key: i32) -> f64 {
        match key {
            -1 | 0 => 0.0,
            _ => {
                let (lower, upper) = (self.lower(key), self.upper(key));
                // The last bucket on either side ends at infinity.
                let bounded = |bound: f64| bound.clamp(-f64::MAX, f64::MAX);
                bounded(lower) * 0.5 + bounded(upper) * 0.5
            }
        }
    }

    /// The magnitude that a number of buckets from zero ends at.
    fn magnitude(self, number: i32) -> f64 {
        f64::from_bits(u64::from(number.unsigned_abs()) << self.shift)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::Grid;

    const MINUS: u64 = 1 << 63;

    /// Values on, and directly beside, what may be bounds.
    fn values() -> impl Iterator<Item = f64> {
        let magnitudes = (0..0x7ff_u64).flat_map(|exponent| {
            [0, 1, 1 << 47, 1 << 51, (1 << 52) - 1].map(|low| exponent << 52 | low)
        });
        magnitudes.flat_map(|bits| [f64::from_bits(bits), f64::from_bits(bits | MINUS)])
    }

    #[test]
    fn a_bucket_holds_what_lies_above_its_lower_bound_and_at_most_at_its_upper() {
        for precision in [0, 3, 5, Grid::FINEST] {
            let grid = Grid::new(precision);
            for value in values() {
                let key = grid.key_of(value);
                let (lower, upper) = (grid.lower(key), grid.upper(key));
                // Zero is in the buckets that end or begin there.
                let above = lower < value || value == 0.0 && lower <= value;
                assert!(above && value <= upper, "{value:e} in {key}: {lower:e} to {upper:e}");
            }
        }
    }

    #[test]
    fn keys_grow_with_values() {
        let grid = Grid::new(5);
        let mut all: Vec<_> = values().collect();
        all.sort_by(f64::total_cmp);
        assert!(all.windows(2).all(|two| grid.key_of(two[0]) <= grid.key_of(two[1])));
    }

    #[test]
    fn a_middle_is_within_the_stated_error() {
        for precision in [0, 3, 5, Grid::FINEST] {
            let grid = Grid::new(precision);
            let error = 0.5 / f64::from(1 << precision);
            for value in values().filter(|value| value.abs() > f64::MIN_POSITIVE) {
                let middle = grid.middle(grid.key_of(value));
                let off = (middle / value - 1.0).abs();
                assert!(off <= error, "{value:e} as {middle:e}: {off} of {error}");
            }
        }
    }

    #[test]
    fn a_coarser_key_is_a_finer_one_shifted() {
        let (fine, coarse) = (Grid::new(8), Grid::new(5));
        for value in values() {
            assert_eq!(fine.key_of(value) >> 3, coarse.key_of(value), "{value:e}");
        }
    }
}
