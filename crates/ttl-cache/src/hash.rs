//! The hasher that a cache has unless it is given another: fast, and keyed anew for each cache.

use core::hash::{BuildHasher, Hasher};
use std::hash::RandomState;

/// Folds a 128-bit product per word; keyed at random by [`FoldedState`].
///
/// Its keys are not known from outside, so that nobody can prepare keys that collide without
/// watching how long operations take. It is no cryptographic hash: where those who choose keys can
/// also measure, give the cache `std`'s `RandomState`.
#[derive(Clone, Debug)]
pub struct Folded {
    state: u64,
    key: u64,
}

/// Two random numbers, which make [`Folded`] hashers.
#[derive(Clone, Debug)]
pub struct FoldedState {
    start: u64,
    key: u64,
}

impl FoldedState {
    /// Keyed at random.
    #[must_use]
    pub fn new() -> Self {
        let random = RandomState::new();
        Self { start: random.hash_one(1), key: random.hash_one(2) | 1 }
    }
}

impl Default for FoldedState {
    fn default() -> Self {
        Self::new()
    }
}

impl BuildHasher for FoldedState {
    type Hasher = Folded;

    #[inline]
    fn build_hasher(&self) -> Folded {
        Folded { state: self.start, key: self.key }
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
const fn fold(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

/// An odd number with bits in no order: the fraction of the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for Folded {
    #[inline]
    fn finish(&self) -> u64 {
        fold(self.state ^ MIX, self.key)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_ne_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length tells a short end from one with zeros.
        self.write_u64(u64::from_ne_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.state = fold(self.state ^ number, self.key ^ MIX);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

/// The 32 bits of a hash that the table and the policy know a key by.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "32 bits are what is kept")]
pub(crate) fn hash_of<Q: core::hash::Hash + ?Sized>(state: &impl BuildHasher, key: &Q) -> u32 {
    let hash = state.hash_one(key);
    (hash ^ hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_spread() {
        let state = FoldedState::new();
        let mut buckets = [0_u32; 256];
        let mut tags = [0_u32; 256];
        for key in 0..65_536_u64 {
            let hash = hash_of(&state, &key);
            buckets[hash as usize & 255] += 1;
            tags[(hash >> 24) as usize] += 1;
        }
        for counts in [buckets, tags] {
            assert!(counts.iter().all(|count| (128..=448).contains(count)), "{counts:?}");
        }
    }

    #[test]
    fn ends_are_told_apart() {
        let state = FoldedState::new();
        let texts = ["", "\0", "\0\0", "a", "a\0", "abcdefgh", "abcdefgh\0", "abcdefg"];
        for (index, one) in texts.iter().enumerate() {
            assert_eq!(hash_of(&state, one), hash_of(&state.clone(), &String::from(*one)));
            for other in &texts[index + 1..] {
                assert_ne!(hash_of(&state, one), hash_of(&state, other));
            }
        }
    }
}
