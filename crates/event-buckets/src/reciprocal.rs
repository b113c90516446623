//! Division by a number that stays the same, as a multiplication and shifts.
//!
//! Granlund and Montgomery, "Division by Invariant Integers using Multiplication", PLDI 1994, figure
//! 4.1: exact for each dividend.

use core::num::NonZeroU64;

/// A divisor and what it takes to divide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reciprocal {
    divisor: u64,
    magic: u64,
    first_shift: u32,
    second_shift: u32,
}

impl Reciprocal {
    pub(crate) const fn new(divisor: NonZeroU64) -> Self {
        let without_magic = Self::from_words([divisor.get(), 0]);
        let log = without_magic.first_shift + without_magic.second_shift;
        let excess = (1_u128 << log) - divisor.get() as u128;
        let magic = (excess << 64) / divisor.get() as u128 + 1;
        #[expect(clippy::cast_possible_truncation, reason = "the excess is below the divisor")]
        let magic = magic as u64;
        Self { magic, ..without_magic }
    }

    pub(crate) const fn divisor(self) -> u64 {
        self.divisor
    }

    /// `n` divided by the divisor, rounded down.
    #[inline]
    pub(crate) const fn quotient(self, n: u64) -> u64 {
        let high = ((self.magic as u128 * n as u128) >> 64) as u64;
        (high + ((n - high) >> self.first_shift)) >> self.second_shift
    }

    /// The largest multiple of the divisor that is not above `n`.
    #[inline]
    pub(crate) const fn floor(self, n: u64) -> u64 {
        self.quotient(n) * self.divisor
    }

    /// The words that it can be kept in.
    pub(crate) const fn to_words(self) -> [u64; 2] {
        [self.divisor, self.magic]
    }

    /// What `to_words` gave.
    #[inline]
    pub(crate) const fn from_words([divisor, magic]: [u64; 2]) -> Self {
        // The least power of two that is not below the divisor.
        let log = u64::BITS - (divisor - 1).leading_zeros();
        let first_shift = if log > 0 { 1 } else { 0 };
        Self { divisor, magic, first_shift, second_shift: log - first_shift }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{NonZeroU64, Reciprocal};
    use proptest::prelude::*;

    fn by(divisor: u64) -> Reciprocal {
        Reciprocal::new(NonZeroU64::new(divisor).unwrap())
    }

    #[test]
    fn it_divides_at_every_power_of_two_and_beside_it() {
        let edges = || {
            (0..64).flat_map(|bit| {
                let power = 1_u64 << bit;
                [power - 1, power, power + 1, u64::MAX - power]
            })
        };
        for divisor in edges().filter(|&divisor| divisor > 0) {
            let reciprocal = by(divisor);
            for n in edges().chain([u64::MAX, divisor, divisor - 1, divisor.wrapping_add(1)]) {
                assert_eq!(reciprocal.quotient(n), n / divisor, "{n} / {divisor}");
            }
        }
    }

    proptest! {
        #[test]
        fn it_divides(divisor in 1..u64::MAX, small in 1..1_000_000_u64, n: u64) {
            for divisor in [divisor, small, divisor >> 32 | 1] {
                let reciprocal = by(divisor);
                prop_assert_eq!(Reciprocal::from_words(reciprocal.to_words()), reciprocal);
                prop_assert_eq!(reciprocal.floor(n), n / divisor * divisor);
                // Where it would go wrong first: at multiples, and one below.
                for n in [n, n / divisor * divisor, (n / divisor * divisor).wrapping_sub(1)] {
                    prop_assert_eq!(reciprocal.quotient(n), n / divisor);
                }
            }
        }
    }
}
