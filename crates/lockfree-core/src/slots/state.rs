//! The words of a registry, as pure functions.

/// Bits in a word of leases.
pub(super) const BITS: usize = usize::BITS as usize;

/// How many words hold the first `high` bits.
pub(super) const fn words(high: usize) -> usize {
    high.div_ceil(BITS)
}

/// How many of the first `high` bits lie in word `word`.
pub(super) const fn width(high: usize, word: usize) -> usize {
    let rest = high - word * BITS;
    if rest < BITS { rest } else { BITS }
}

/// The word of a slot, and its bit there.
pub(super) const fn split(slot: usize) -> (usize, usize) {
    (slot / BITS, 1 << (slot % BITS))
}

/// The place of the lowest bit that is free in `word`, among its first `width`.
pub(super) const fn lowest_free(word: usize, width: usize) -> Option<usize> {
    let place = word.trailing_ones() as usize;
    if place < width { Some(place) } else { None }
}

#[cfg(test)]
mod tests {
    use super::{BITS, lowest_free, split, width, words};

    #[test]
    fn each_bit_below_high_is_in_one_word() {
        for high in 0..=3 * BITS {
            let bits: usize = (0..words(high)).map(|word| width(high, word)).sum();
            assert_eq!(bits, high);
        }
    }

    #[test]
    fn a_slot_is_a_word_and_a_bit() {
        assert_eq!(split(0), (0, 1));
        assert_eq!(split(BITS - 1), (0, 1 << (BITS - 1)));
        assert_eq!(split(BITS + 2), (1, 4));
    }

    #[test]
    fn the_lowest_free_bit_lies_within_the_width() {
        assert_eq!(lowest_free(0b1011, BITS), Some(2));
        assert_eq!(lowest_free(0b1011, 3), Some(2));
        assert_eq!(lowest_free(0b1011, 2), None);
        assert_eq!(lowest_free(usize::MAX, BITS), None);
    }
}
