//! The word of a bucket that threads share.
//!
//! ```text
//!  63            32 31             0
//! +----------------+----------------+
//! |  lap mod 2^32  |     count      |
//! +----------------+----------------+
//! ```
//!
//! A ring of `2^shift` places holds bucket `tick` in place `tick mod 2^shift`, on lap `tick >> shift`.
//! A lap comes back after 2^32 others: at 16 places and a microsecond after 19 hours. So that no word
//! grows that old, laps come in eras of 2^29, and words of past eras are swept when a new one begins.

/// A bucket counts at most this, so that adds that run at once cannot carry into the lap: 2^15
/// threads, each adding `SMALL` at the same moment, still fit above it.
const FULL: u64 = 1 << 31;
/// The most that is added without a look at the result.
pub(crate) const SMALL: u64 = 1 << 16;
const ERA: u32 = 29;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bucket(pub(crate) u64);

/// The era of a lap.
pub(crate) const fn era(lap: u64) -> u64 {
    lap >> ERA
}

/// The first lap of an era: every lap of that era and its neighbours is within 2^31 of it.
pub(crate) const fn first_lap(era: u64) -> u64 {
    era << ERA
}

impl Bucket {
    #[expect(clippy::cast_possible_truncation, reason = "laps are compared modulo 2^32")]
    pub(crate) const fn new(lap: u64, count: u32) -> Self {
        Self((lap as u32 as u64) << 32 | count as u64)
    }

    pub(crate) const fn count(self) -> u64 {
        self.0 & 0xffff_ffff
    }

    /// By how many laps the bucket is older than `lap`; below 0 if it is newer. Right as long as the
    /// two are within 2^31 of each other.
    #[expect(clippy::cast_possible_truncation, reason = "laps are compared modulo 2^32")]
    pub(crate) const fn age(self, lap: u64) -> i32 {
        (lap as u32).wrapping_sub((self.0 >> 32) as u32).cast_signed()
    }

    /// The bucket after `n` more on `lap`: in place, or in place of an older lap. None if there is no
    /// room for them.
    pub(crate) const fn with(self, lap: u64, n: u64) -> Option<Self> {
        let held = if self.age(lap) > 0 { 0 } else { self.count() };
        if held.saturating_add(n) >= FULL {
            return None;
        }
        let base = if self.age(lap) > 0 { Self::new(lap, 0) } else { self };
        Some(Self(base.0 + n))
    }

    /// The lap that the bucket is on, seen from a lap that is within 2^31 of it.
    pub(crate) const fn lap(self, from: u64) -> u64 {
        from.wrapping_add_signed(-(self.age(from) as i64))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Bucket, FULL, SMALL, era, first_lap};

    #[test]
    fn counts_add_up_within_a_lap() {
        let bucket = Bucket::new(7, 3).with(7, 4).unwrap();
        assert_eq!((bucket.count(), bucket.age(7), bucket.lap(9)), (7, 0, 7));
    }

    #[test]
    fn a_newer_lap_begins_anew_and_an_older_add_lands_on_the_newer() {
        let bucket = Bucket::new(7, 3);
        assert_eq!(bucket.with(8, 1), Some(Bucket::new(8, 1)));
        assert_eq!(bucket.with(6, 1), Some(Bucket::new(7, 4)));
    }

    #[test]
    fn laps_are_told_apart_across_their_end() {
        for lap in [0_u64, 5, (1 << 32) - 1, 1 << 32, (1 << 40) + 3] {
            for ahead in [0, 1, 1000, (1 << 31) - 1] {
                let bucket = Bucket::new(lap, 1);
                assert_eq!(i64::from(bucket.age(lap + ahead)), ahead.cast_signed());
                assert_eq!(bucket.lap(lap + ahead), lap);
                assert_eq!(Bucket::new(lap + ahead, 1).lap(lap), lap + ahead);
            }
        }
    }

    #[test]
    fn a_count_never_carries_into_the_lap() {
        let full = Bucket::new(1, u32::try_from(FULL - 1).unwrap());
        assert_eq!(full.with(1, 1), None);
        assert_eq!(full.with(2, 1), Some(Bucket::new(2, 1)));
        assert_eq!(Bucket::new(1, 0).with(2, FULL), None);
        assert_eq!(Bucket::new(1, 0).with(1, u64::MAX), None);
        assert_eq!(FULL + (SMALL << 15), 1 << 32);
    }

    #[test]
    fn an_era_lasts_from_its_first_lap_to_that_of_the_next() {
        assert_eq!([0, 1, 5].map(first_lap), [0, 1 << 29, 5 << 29]);
        for number in [0, 1, 5] {
            let (first, next) = (first_lap(number), first_lap(number + 1));
            assert_eq!([first, next - 1, next].map(era), [number, number, number + 1]);
        }
    }
}
