//! The words of a shard, as pure functions.

const EXPONENT: u64 = 0x7ff << 52;

/// A version of a twin: how often it was published, and a bit that its owner may flip with each.
///
/// ```text
/// bits 63..6  publications: their parity, bit 6, is the offset of the published slot of 64 bytes
/// bit  0      flag
/// ```
///
/// 2^58 publications are 9 years of one a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version(u64);

/// Where the publications begin.
const PUBLICATIONS: u32 = 6;

impl Version {
    #[inline]
    pub(crate) const fn of(word: u64) -> Self {
        Self(word)
    }

    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// How often the twin was published.
    #[inline]
    pub(crate) const fn publications(self) -> u64 {
        self.0 >> PUBLICATIONS
    }

    /// Which of the two slots holds what is published.
    #[inline]
    pub(crate) const fn slot(self) -> usize {
        (self.0 >> PUBLICATIONS & 1) as usize
    }

    /// The bit that the owner flips.
    #[inline]
    pub(crate) const fn flag(self) -> usize {
        (self.0 & 1) as usize
    }

    /// The version after this one, with the same flag.
    #[inline]
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << PUBLICATIONS))
    }

    /// The version after this one, with the other flag.
    #[inline]
    pub(crate) const fn next_flipped(self) -> Self {
        Self(self.next().0 ^ 1)
    }

    /// The word that versions with so many publications are not below.
    #[inline]
    pub(crate) const fn threshold(publications: u64) -> u64 {
        publications << PUBLICATIONS
    }
}

/// The bank in which records of this phase go.
#[inline]
pub(crate) const fn bank(phase: u64) -> usize {
    (phase & 1) as usize
}

/// Neither an infinity nor a NaN.
#[inline]
pub(crate) const fn is_finite(bits: u64) -> bool {
    bits & EXPONENT != EXPONENT
}

#[cfg(test)]
mod tests {
    use super::{Version, bank, is_finite};

    #[test]
    fn versions_alternate_slots_and_keep_or_flip_the_flag() {
        let first = Version::of(0);
        assert_eq!((first.slot(), first.flag(), first.publications()), (0, 0, 0));
        let second = first.next();
        assert_eq!((second.slot(), second.flag(), second.publications()), (1, 0, 1));
        let third = second.next_flipped();
        assert_eq!((third.slot(), third.flag(), third.publications()), (0, 1, 2));
        assert_eq!(Version::of(third.word()), third);
        assert_eq!((bank(6), bank(7)), (0, 1));
    }

    #[test]
    fn only_infinities_and_nan_are_not_finite() {
        for value in [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324] {
            assert!(is_finite(value.to_bits()), "{value}");
        }
        for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN] {
            assert!(!is_finite(value.to_bits()), "{value}");
        }
    }
}
