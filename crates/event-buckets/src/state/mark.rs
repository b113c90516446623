//! The word of a sliding window: how many were admitted, by when.
//!
//! ```text
//!  63                    24 23           0
//! +------------------------+--------------+
//! |    tick mod 2^40       | total mod 2^24 |
//! +------------------------+--------------+
//! ```
//!
//! A tick is a sixteenth of the first window, which lasts a millisecond at least: 2^40 of them are 2.2
//! years or more. One that is up to 2^32 ticks behind is a clock that lags (3 days or more); all others
//! are ahead. So an idle gap between 2^40 - 2^32 and 2^40 ticks is mistaken for a lag.

const TOTAL: u64 = (1 << 24) - 1;
const TICK: u64 = (1 << 40) - 1;
const LAG: u64 = 1 << 32;

/// The most that a window may hold: differences of totals stay far from where they wrap.
pub(crate) const MOST: u32 = 1 << 22;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) u64);

impl Mark {
    pub(crate) const fn new(tick: u64, total: u64) -> Self {
        Self((tick & TICK) << 24 | (total & TOTAL))
    }

    const fn tick(self) -> u64 {
        self.0 >> 24
    }

    pub(crate) const fn total(self) -> u64 {
        self.0 & TOTAL
    }

    /// With `n` more admitted.
    pub(crate) const fn plus(self, n: u32) -> Self {
        Self(self.0 & !TOTAL | self.total().wrapping_add(n as u64) & TOTAL)
    }

    pub(crate) const fn is_of(self, tick: u64) -> bool {
        (self.0 ^ tick << 24) >> 24 == 0
    }

    /// By how much `tick` is ahead of this mark; none if it lags.
    pub(crate) const fn ahead(self, tick: u64) -> Option<u64> {
        let ahead = tick.wrapping_sub(self.tick()) & TICK;
        if ahead <= TICK - LAG { Some(ahead) } else { None }
    }

    /// The mark's tick in full, seen from a tick that is not far from it.
    pub(crate) const fn tick_from(self, tick: u64) -> u64 {
        match self.ahead(tick) {
            Some(ahead) => tick.wrapping_sub(ahead),
            None => tick.wrapping_add(self.tick().wrapping_sub(tick) & TICK),
        }
    }

    /// How many were admitted between `earlier` and this mark.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.total().wrapping_sub(earlier.total()) & TOTAL
    }

    /// Whether `other` is to take this mark's place: it is of a later tick, or of the same and counts
    /// more.
    pub(crate) const fn yields_to(self, other: Self) -> bool {
        if other.tick() == self.tick() {
            let more = other.since(self);
            more > 0 && more <= TOTAL / 2
        } else {
            self.ahead(other.tick()).is_some()
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{LAG, MOST, Mark, TICK, TOTAL};

    #[test]
    fn a_mark_yields_to_later_ticks_and_larger_totals() {
        let mark = Mark::new(5, 10);
        assert!(mark.yields_to(Mark::new(6, 10)) && mark.yields_to(Mark::new(5, 11)));
        assert!(!mark.yields_to(mark) && !mark.yields_to(Mark::new(5, 9)));
        assert!(!mark.yields_to(Mark::new(4, 99)));
        assert!(mark.yields_to(Mark::new(5, 10 + TOTAL / 2)));
        assert!(!mark.yields_to(Mark::new(5, 11 + TOTAL / 2)));
        let last = Mark::new(TICK, TOTAL);
        assert!(
            last.yields_to(Mark::new(TICK + 1, 0)) && last.yields_to(Mark::new(TICK, TOTAL + 1))
        );
    }

    #[test]
    fn a_total_does_not_carry_into_the_tick() {
        for tick in [0, 3, TICK, TICK + 1, (1 << 50) + 7] {
            for total in [0, 5, TOTAL - 1, TOTAL] {
                let more = Mark::new(tick, total).plus(2);
                assert_eq!(more, Mark::new(tick, total + 2));
                assert!(more.is_of(tick) && !more.is_of(tick + 1));
            }
        }
    }

    #[test]
    fn differences_hold_across_the_ends() {
        for total in [0, 1, TOTAL, 1 << 23] {
            let most = u64::from(MOST);
            assert_eq!(Mark::new(0, total + most).since(Mark::new(0, total)), most);
            assert_eq!(most, TOTAL.div_ceil(4));
        }
        for tick in [0, 3, LAG, TICK, TICK + 1, (1 << 50) + 7] {
            for ahead in [0, 1, 1 << 38, TICK - LAG] {
                let mark = Mark::new(tick, 0);
                assert_eq!(mark.ahead(tick + ahead), Some(ahead));
                assert_eq!(mark.tick_from(tick + ahead), tick);
            }
            for lag in [1, 1000, LAG - 1] {
                let mark = Mark::new(tick + lag, 0);
                assert_eq!(mark.ahead(tick), None);
                assert_eq!(mark.tick_from(tick), tick + lag);
            }
        }
    }
}
