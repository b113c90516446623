//! The word of a sequence, as pure functions.
//!
//! A *position* is how far an id lies from the first end of the range: upwards from the least id, or
//! downwards from the greatest. Positions grow whichever way the ids go; the word holds that of the
//! next id. A position below `end` is an id, one at `end` or above says that the last id was given.

use crate::error::{BuildError, OutOfRange};

/// Steps that blind adds may go past the brink: 2^30 adds of [`MAX_BLIND`] each.
const GUARD: u128 = 1 << 40;

/// The most ids that a blind add takes.
pub(crate) const MAX_BLIND: u64 = 1 << 10;

/// What does not change of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The end of the range at which positions begin.
    pub(crate) origin: u64,
    /// The other end of the range.
    pub(crate) limit: u64,
    /// How far the next id is, above 0.
    pub(crate) step: u64,
    /// The positions below are ids. At most `u64::MAX - step + 1`.
    pub(crate) end: u64,
    /// Below it a blind add can neither miss an id nor wrap around. At most `end`.
    pub(crate) brink: u64,
    /// All ones if ids fall, else 0.
    mask: u64,
    /// What is added to a position, or to its complement if ids fall, to get its id.
    base: u64,
    /// Whether it begins anew after the last id.
    pub(crate) cycle: bool,
}

/// Ids that belong to one caller: `count` of them from the position `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) first: u64,
    pub(crate) count: u64,
}

impl Rule {
    /// The rule whose least id is one step above 0, and the position after `start`.
    pub(crate) const fn from_zero(
        start: u64,
        max: u64,
        step: u64,
    ) -> Result<(Self, u64), BuildError> {
        if step == 0 {
            return Err(BuildError::ZeroStep);
        }
        if start > max {
            return Err(BuildError::StartOutOfRange { start, min: 0, max });
        }
        // The position of `start + step`, counted from `step`, is `start`.
        let end = if step > max { 0 } else { max - step + 1 };
        Ok((Self::with((step, max), step, end, false, false), start))
    }

    /// The rule of the ids from `min` to `max`.
    pub(crate) const fn between(
        min: u64,
        max: u64,
        step: i64,
        cycle: bool,
    ) -> Result<Self, BuildError> {
        let falls = step < 0;
        let step = step.unsigned_abs();
        if step == 0 {
            return Err(BuildError::ZeroStep);
        }
        if min > max {
            return Err(BuildError::EmptyRange { min, max });
        }
        if (max - min).checked_add(step).is_none() {
            return Err(BuildError::RangeTooWide { min, max, step });
        }
        let range = if falls { (max, min) } else { (min, max) };
        Ok(Self::with(range, step, max - min + 1, falls, cycle))
    }

    const fn with(range: (u64, u64), step: u64, end: u64, falls: bool, cycle: bool) -> Self {
        let (origin, limit) = range;
        // What blind adds may reach is below 2^64.
        #[expect(clippy::cast_possible_truncation, reason = "it is below 2^64")]
        let safe = (1_u128 << 64).saturating_sub(GUARD * step as u128) as u64;
        let brink = if end < safe { end } else { safe };
        // -position is !position + 1.
        let (mask, base) = if falls { (u64::MAX, origin.wrapping_add(1)) } else { (0, origin) };
        Self { origin, limit, step, end, brink, mask, base, cycle }
    }

    /// Whether ids fall.
    pub(crate) const fn falls(&self) -> bool {
        self.mask != 0
    }

    /// What is added to an id to get the next, modulo 2^64.
    #[inline]
    pub(crate) const fn delta(&self) -> u64 {
        (self.step ^ self.mask).wrapping_sub(self.mask)
    }

    /// The id at a position below `end`.
    #[inline]
    pub(crate) const fn id(&self, position: u64) -> u64 {
        self.base.wrapping_add(position ^ self.mask)
    }

    /// The least and the greatest id that there may be.
    pub(crate) const fn bounds(&self) -> (u64, u64) {
        if self.falls() { (self.limit, self.origin) } else { (self.origin, self.limit) }
    }

    /// The position of an id.
    pub(crate) const fn position_of(&self, id: u64) -> Result<u64, OutOfRange> {
        let position =
            if self.falls() { self.origin.checked_sub(id) } else { id.checked_sub(self.origin) };
        match position {
            Some(position) if position < self.end => Ok(position),
            _ => Err(OutOfRange { asked: id }),
        }
    }

    /// The position of the id one step after `start`, which may be none any more.
    pub(crate) const fn position_after(&self, start: u64) -> Result<u64, OutOfRange> {
        let (from, to, step) = (self.origin as i128, start as i128, self.step as i128);
        let position = if self.falls() { from - to } else { to - from } + step;
        let is_past = if self.falls() { start < self.limit } else { start > self.limit };
        if position < 0 || is_past {
            return Err(OutOfRange { asked: start });
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the limit lies at most at `end + step - 1`"
        )]
        #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
        let position = position as u64;
        Ok(position)
    }

    /// How many ids there are from `position` on, below `end`.
    pub(crate) const fn count(&self, position: u64, end: u64) -> u64 {
        end.saturating_sub(position).div_ceil(self.step)
    }

    /// The first `n` ids from `position` on, or as many as there are below `end`, and the position
    /// behind them; nothing if there are none. `end` is at most the rule's.
    pub(crate) const fn claim(&self, position: u64, n: u64, end: u64) -> Option<(Claim, u64)> {
        let left = self.count(position, end);
        let count = if n < left { n } else { left };
        if count == 0 {
            return None;
        }
        // The last of them is below `end`, and one step behind that is at most `u64::MAX`.
        Some((Claim { first: position, count }, position + count * self.step))
    }

    /// As [`claim`](Self::claim), where a rule that cycles begins anew after its last id, and what
    /// begins below the brink ends there: at most one step past it.
    pub(crate) const fn claim_around(&self, position: u64, n: u64) -> Option<(Claim, u64)> {
        let begins_anew = self.cycle && position >= self.end;
        let position = if begins_anew { 0 } else { position };
        self.claim(position, n, if position < self.brink { self.brink } else { self.end })
    }

    /// Whether a word with blind adds may be put to `position`: if it stays below the brink, or if
    /// behind the end there is room for them.
    pub(crate) const fn may_jump_to(&self, position: u64) -> bool {
        position < self.brink || self.brink == self.end || self.brink == 0
    }

    /// The last id before `position`, or what the first id is a step after. Positions past the end
    /// mean that the last id was given.
    pub(crate) const fn before(&self, position: u64) -> u64 {
        let position = match position.checked_sub(self.end) {
            Some(past) => self.end + past % self.step,
            None => position,
        };
        let (position, step) = (position as i128, self.step as i128);
        let (origin, distance) = (self.origin as i128, position - step);
        let before = if self.falls() { origin - distance } else { origin + distance };
        #[expect(clippy::cast_possible_truncation, reason = "it is below 2^64")]
        #[expect(clippy::cast_sign_loss, reason = "it is not negative")]
        let clamped = if before < 0 {
            0
        } else if before > u64::MAX as i128 {
            u64::MAX
        } else {
            before as u64
        };
        clamped
    }
}

#[cfg(all(test, not(any(loom, stepped))))]
mod tests {
    use std::{vec, vec::Vec};

    use super::{Claim, GUARD, MAX_BLIND, Rule};
    use crate::error::{BuildError, OutOfRange};

    fn ids(rule: &Rule, position: u64) -> Vec<u64> {
        let Some((claim, _)) = rule.claim(position, u64::MAX, rule.end) else { return vec![] };
        (0..claim.count).map(|k| rule.id(claim.first + k * rule.step)).collect()
    }

    #[test]
    fn ids_go_from_the_first_to_the_last() {
        let (rule, at) = Rule::from_zero(10, 20, 3).unwrap();
        assert_eq!(ids(&rule, at), [13, 16, 19]);
        assert_eq!((rule.bounds(), rule.before(at)), ((3, 20), 10));
        let rule = Rule::between(5, 15, -4, false).unwrap();
        assert_eq!((ids(&rule, 0), rule.bounds()), (vec![15, 11, 7], (5, 15)));
        assert_eq!(ids(&rule, rule.position_of(6).unwrap()), [6]);
    }

    #[test]
    fn a_claim_ends_with_the_range() {
        let rule = Rule::between(0, 9, 2, true).unwrap();
        assert_eq!(rule.claim(4, 2, 10), Some((Claim { first: 4, count: 2 }, 8)));
        assert_eq!(rule.claim(4, 9, 10), Some((Claim { first: 4, count: 3 }, 10)));
        assert_eq!(rule.claim(4, 9, 5), Some((Claim { first: 4, count: 1 }, 6)));
        assert_eq!((rule.claim(10, 1, 10), rule.claim(4, 0, 10)), (None, None));
        assert_eq!(rule.claim_around(10, 1), Some((Claim { first: 0, count: 1 }, 2)));
    }

    #[test]
    fn the_ends_of_u64_are_ids_like_others() {
        let (rule, at) = Rule::from_zero(u64::MAX - 2, u64::MAX, 1).unwrap();
        assert_eq!(ids(&rule, at), [u64::MAX - 1, u64::MAX]);
        let behind = rule.claim(at, 2, rule.end).unwrap().1;
        assert_eq!((behind, rule.before(behind)), (u64::MAX, u64::MAX));
        let (rule, at) = Rule::from_zero(0, u64::MAX, u64::MAX).unwrap();
        assert_eq!(ids(&rule, at), [u64::MAX]);
        let rule = Rule::between(0, 1 << 63, i64::MIN + 1, false).unwrap();
        assert_eq!(ids(&rule, 0), [1 << 63, 1]);
    }

    #[test]
    fn a_step_over_the_whole_range_leaves_no_id() {
        for start in 0..=4 {
            let (rule, at) = Rule::from_zero(start, 4, 5).unwrap();
            assert_eq!((ids(&rule, at), rule.before(at)), (vec![], start));
        }
    }

    #[test]
    fn what_makes_no_rule_is_refused() {
        assert_eq!(Rule::from_zero(0, 9, 0), Err(BuildError::ZeroStep));
        let refused = BuildError::StartOutOfRange { start: 9, min: 0, max: 8 };
        assert_eq!(Rule::from_zero(9, 8, 1), Err(refused));
        assert_eq!(Rule::between(3, 2, 1, false), Err(BuildError::EmptyRange { min: 3, max: 2 }));
        let refused = BuildError::RangeTooWide { min: 0, max: u64::MAX, step: 1 };
        assert_eq!(Rule::between(0, u64::MAX, -1, true), Err(refused));
        assert!(Rule::between(1, u64::MAX, 1, false).is_ok());
    }

    #[test]
    fn a_start_may_be_a_step_before_the_range_and_no_more() {
        let rule = Rule::between(10, 20, 4, false).unwrap();
        assert_eq!((rule.position_after(6), rule.position_after(20)), (Ok(0), Ok(14)));
        assert_eq!(rule.position_after(5), Err(OutOfRange { asked: 5 }));
        assert_eq!(rule.position_after(21), Err(OutOfRange { asked: 21 }));
        assert_eq!(
            (rule.position_of(9), rule.position_of(20)),
            (Err(OutOfRange { asked: 9 }), Ok(10))
        );
        let rule = Rule::between(10, 20, -4, false).unwrap();
        assert_eq!((rule.position_after(24), rule.position_after(10)), (Ok(0), Ok(14)));
        assert_eq!(rule.position_after(25), Err(OutOfRange { asked: 25 }));
    }

    #[test]
    fn what_was_overshot_is_not_counted() {
        let (rule, at) = Rule::from_zero(0, 10, 3).unwrap();
        let behind = rule.claim(at, 9, rule.end).unwrap().1;
        for overshoot in 0..5 {
            assert_eq!(rule.before(behind + overshoot * 3), 9);
        }
    }

    #[test]
    fn blind_adds_below_the_brink_cannot_wrap() {
        for step in [1, 2, 1000, (1 << 24) - 1, 1 << 24, 1 << 40, u64::MAX] {
            for max in [1, 1 << 40, u64::MAX - 1, u64::MAX] {
                let (rule, _) = Rule::from_zero(0, max, step).unwrap();
                assert!(rule.brink <= rule.end);
                let adds = u128::from(MAX_BLIND * step.min(1 << 53)) << 30;
                if rule.brink > 0 {
                    assert!(u128::from(rule.brink) + adds <= 1 << 64, "{max} {step}");
                }
            }
        }
        assert_eq!(GUARD, u128::from(MAX_BLIND) << 30);
    }

    #[test]
    fn a_word_is_put_where_blind_adds_have_room() {
        let may = |max, step, positions: [u64; 3]| {
            let (rule, _) = Rule::from_zero(0, max, step).unwrap();
            (positions.map(|position| rule.may_jump_to(position)), rule.brink)
        };
        let brink = may(u64::MAX, 1, [0; 3]).1;
        assert_eq!(may(u64::MAX, 1, [0, brink - 1, brink]).0, [true, true, false]);
        // With room behind the end, and where no add is blind.
        assert_eq!(may(100, 1, [0, 100, 101]).0, [true; 3]);
        assert_eq!(may(u64::MAX, 1 << 60, [0, 1 << 60, u64::MAX]), ([true; 3], 0));
    }
}
