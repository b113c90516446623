//! The word of a tracked key.
//!
//! ```text
//!  63          41    40     39                    0
//! +--------------+---------+-----------------------+
//! |  tag, not 0  | claimed |  time, modulo 2^40    |
//! +--------------+---------+-----------------------+
//! ```
//!
//! The time is when the key will owe nothing any more, in units of the limiter's. A word of 0 is free.
//! Times come in eras of 2^38 units; when one begins, slots of keys that owe nothing are freed, so that
//! no time grows old enough, half of all there are, to be taken for one to come.

const TIME: u64 = (1 << 40) - 1;
const CLAIMED: u64 = 1 << 40;
const TAG: u32 = 41;
const ERA: u32 = 38;

/// The longest debt that a slot can hold, in units.
pub(crate) const LONGEST: u64 = 1 << 36;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u64);

/// The era of a time in units.
pub(crate) const fn era(time: u64) -> u64 {
    time >> ERA
}

/// The tag of a hash: 23 bits, not all zero.
pub(crate) const fn tag(hash: u64) -> u64 {
    let tag = hash >> TAG;
    if tag == 0 { 1 } else { tag }
}

/// A number below `places`, as good as the tag.
pub(crate) const fn place(tag: u64, places: usize) -> usize {
    ((tag * places as u64) >> (u64::BITS - TAG)) as usize
}

impl Slot {
    pub(crate) const FREE: Self = Self(0);

    pub(crate) const fn new(tag: u64, time: u64) -> Self {
        Self(tag << TAG | (time & TIME))
    }

    pub(crate) const fn is_of(self, tag: u64) -> bool {
        self.0 >> TAG == tag
    }

    /// Whether the claim is not confirmed yet.
    pub(crate) const fn is_claimed(self) -> bool {
        self.0 & CLAIMED != 0
    }

    pub(crate) const fn claimed(self) -> Self {
        Self(self.0 | CLAIMED)
    }

    /// With another time, and confirmed.
    pub(crate) const fn at(self, time: u64) -> Self {
        Self::new(self.0 >> TAG, time)
    }

    /// What the key owes at `now`.
    pub(crate) const fn debt(self, now: u64) -> u64 {
        let debt = self.0.wrapping_sub(now) & TIME;
        if debt <= TIME / 2 && self.0 != Self::FREE.0 { debt } else { 0 }
    }

    /// The slot's time in full, seen from `now`; `now` itself if the key owes nothing any more.
    pub(crate) const fn time(self, now: u64) -> u64 {
        now + self.debt(now)
    }

    /// Whether the key owes nothing at `now`: to forget it changes nothing.
    pub(crate) const fn is_idle(self, now: u64) -> bool {
        self.debt(now) == 0
    }

    /// For how long it has owed nothing, if it does not; for ever if there is no key.
    pub(crate) const fn idle_for(self, now: u64) -> Option<u64> {
        match self {
            Self::FREE => Some(u64::MAX),
            _ if self.is_idle(now) => Some(now.wrapping_sub(self.0) & TIME),
            _ => None,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ERA, LONGEST, Slot, TAG, TIME, era, place, tag};

    #[test]
    fn a_slot_keeps_its_key_and_its_time() {
        let tag = tag(u64::MAX);
        for now in [0, 1, TIME, TIME + 1, (1 << 50) + 12345] {
            for debt in [0, 1, 77, LONGEST] {
                let slot = Slot::new(tag, now + debt);
                assert!(slot.is_of(tag) && !slot.is_claimed() && slot.claimed().is_claimed());
                assert_eq!(slot.claimed().claimed(), slot.claimed());
                assert_eq!(slot.claimed().time(now), now + debt);
                assert_eq!(slot.is_idle(now), debt == 0);
                assert_eq!(slot.claimed().at(now), Slot::new(tag, now));
            }
        }
    }

    #[test]
    fn what_is_past_owes_nothing_for_two_eras() {
        let slot = Slot::new(1, 1000);
        assert!([0, 1, TIME, TIME - 5].iter().all(|&now| Slot::FREE.is_idle(now)));
        for later in [1, 1 << ERA, (2 << ERA) - 1] {
            assert!(slot.is_idle(1000 + later));
        }
        assert_eq!([0, (1 << 38) - 1, 1 << 38, 5 << 38].map(era), [0, 0, 1, 5]);
        assert_eq!(LONGEST, TIME.div_ceil(16));
    }

    #[test]
    fn who_has_owed_nothing_for_longest_is_told() {
        for now in [2000, TIME + 2000, (1 << 50) + 12345] {
            let idle_for = |age: u64| Slot::new(5, now - age).idle_for(now);
            for age in [0, 1, 1999] {
                assert_eq!(idle_for(age), Some(age));
            }
            assert_eq!(Slot::new(5, now + 1).idle_for(now), None);
            assert!(Slot::FREE.idle_for(now) > idle_for(1999));
        }
    }

    #[test]
    fn places_are_below_their_number_and_all_of_them() {
        let places = (0..=u64::MAX >> TAG).step_by(1001).map(|tag| place(tag, 7));
        let found = places.fold([0; 7], |mut found, place| {
            found[place] += 1;
            found
        });
        assert!(found.iter().all(|count| (1000..1400).contains(count)), "{found:?}");
    }

    #[test]
    fn no_tag_is_that_of_a_free_slot() {
        assert!([0, 1, 1 << 41, u64::MAX].iter().all(|&hash| !Slot::FREE.is_of(tag(hash))));
        assert_eq!([1 << 41, 5 << 41, u64::MAX].map(tag), [1, 5, u64::MAX >> 41]);
    }
}
