//! The words of the exchange ring, as pure functions.
//!
//! # Positions
//!
//! The k-th push of a ring's life is made at position k, and so is the k-th pop. A position is packed
//! as *lap* and *place*, so that any capacity is exact and nothing divides; as plain numbers,
//! positions grow. 64 bits of them do not run out.
//!
//! # Slot words
//!
//! ```text
//!   [ turn                      | claim             | cell      ]
//!     the rest, at least 32 bits  owner and 1 bit     bits enough for all cells
//! ```
//!
//! A slot's turn is 4 · lap + phase, counted anew from 0 when its bits run out:
//!
//! | phase | the slot is | and its cell |
//! | --- | --- | --- |
//! | 0 | free: the lap's push is due | holds nothing |
//! | 1 | claimed for a push | holds nothing |
//! | 2 | full: the lap's pop is due | holds a value |
//! | 3 | claimed for a pop, or for a replacement: a bit of the claim tells | holds a value |
//!
//! Only a wait-free ring claims, so only there are bits spent on it: enough for each owner.
//!
//! # Wrap distances
//!
//! A turn comes back after 2^(bits of turn - 2) laps. A ring of at least as many places as hands makes
//! 2^60 or more pushes until then (2^51, with 9 bits of claim): years at any rate. The smallest, of
//! one place and 255 hands, makes 2^45: 8 days at 50 million a second. A thread would have to stop
//! between a look and its compare-exchange for that long, and wake at that very turn, with the same
//! cell in the slot.

/// What a thread wants of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Kind {
    /// A free slot, to be made full.
    Push = 0,
    /// A full slot, to be made free.
    Pop = 1,
    /// A free slot, or where there is none the oldest full one: full before, full after.
    Replace = 2,
}

/// For whom and for what a slot is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) owner: usize,
    pub(crate) kind: Kind,
}

/// Which of a position's two transitions is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Push,
    Pop,
}

impl Kind {
    #[inline(always)]
    pub(crate) const fn side(self) -> Side {
        match self {
            Kind::Push | Kind::Replace => Side::Push,
            Kind::Pop => Side::Pop,
        }
    }
}

/// A slot against the position whose push, or pop, is looked for there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// It is still a half lap behind: the ring is full, or empty.
    Behind,
    /// It is due.
    Due,
    /// It is claimed: for this, or for what has to come before.
    Claimed,
    /// The push, or pop, has been made.
    Final,
}

/// Turns from due to final.
pub(crate) const HALF_LAP: u64 = 2;
/// Turns from full to full in the next lap.
pub(crate) const WHOLE_LAP: u64 = 4;

/// How the words of one ring are packed: what the hot operations need is worked out beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    last_place: u64,
    place_mask: u64,
    cell_mask: u64,
    /// A turn, where it stands in the word.
    turn: u64,
    place_bits: u32,
    cell_bits: u32,
    turn_shift: u32,
}

/// Bits for the numbers below `count`.
pub(crate) const fn bits_for(count: u64) -> u32 {
    count.next_power_of_two().trailing_zeros()
}

const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}

impl Shape {
    /// The shape of a ring of `capacity` places for `hands` hands, of which `owners` may claim.
    pub(crate) fn new(capacity: usize, hands: usize, owners: usize) -> Self {
        assert!(capacity > 0, "a queue has room for at least one value");
        let cells = capacity.checked_add(hands).filter(|&cells| cells <= 1 << 31);
        let cells = cells.expect("a ring has at most 2^31 cells");
        let (places, cells, owners) = (capacity as u64, cells as u64, owners as u64);
        let (place_bits, cell_bits) = (bits_for(places), bits_for(cells));
        // The codes 0 and 1 stand for no claim.
        let turn_shift = cell_bits + if owners == 0 { 0 } else { bits_for(2 * (owners + 1)) };
        Self {
            last_place: places - 1,
            place_mask: low(place_bits),
            cell_mask: low(cell_bits),
            turn: 1 << turn_shift,
            place_bits,
            cell_bits,
            turn_shift,
        }
    }

    #[inline(always)]
    pub(crate) const fn capacity(&self) -> u64 {
        self.last_place + 1
    }

    pub(crate) const fn place_bits(&self) -> u32 {
        self.place_bits
    }

    pub(crate) const fn cell_bits(&self) -> u32 {
        self.cell_bits
    }

    /// The place of a position.
    #[inline(always)]
    pub(crate) const fn place(&self, position: u64) -> u64 {
        position & self.place_mask
    }

    #[inline(always)]
    const fn lap(&self, position: u64) -> u64 {
        position >> self.place_bits
    }

    /// The position after `position`.
    #[inline(always)]
    pub(crate) const fn next(&self, position: u64) -> u64 {
        if self.place(position) == self.last_place {
            (position | self.place_mask) + 1
        } else {
            position + 1
        }
    }

    const fn count(&self, position: u64) -> u64 {
        self.lap(position) * self.capacity() + self.place(position)
    }

    /// How many positions lie from `from` up to `to`; 0 if `to` is not ahead.
    pub(crate) const fn distance(&self, from: u64, to: u64) -> u64 {
        self.count(to).saturating_sub(self.count(from))
    }

    /// The word of a free slot in lap 0.
    pub(crate) const fn first(cell: u64) -> u64 {
        cell
    }

    #[inline(always)]
    pub(crate) const fn cell(&self, word: u64) -> u64 {
        word & self.cell_mask
    }

    const fn turn(&self, word: u64) -> u64 {
        word >> self.turn_shift
    }

    /// Whether the slot's cell is one with a value that nobody has claimed.
    pub(crate) const fn is_full(&self, word: u64) -> bool {
        self.turn(word) & 3 == 2
    }

    /// The word of a slot, less its cell, when `side` of `position` is due.
    #[inline(always)]
    pub(crate) const fn due(&self, position: u64, side: Side) -> u64 {
        let lap = self.lap(position) << (self.turn_shift + 2);
        if matches!(side, Side::Push) { lap } else { lap.wrapping_add(2 * self.turn) }
    }

    /// Whether a slot's word is that of a slot that is [`due`](Self::due).
    #[inline(always)]
    pub(crate) const fn is_due(&self, word: u64, due: u64) -> bool {
        word.wrapping_sub(due) < self.turn
    }

    /// How the slot stands to `side` of `position`.
    #[inline(always)]
    #[expect(clippy::cast_possible_wrap, reason = "turns are compared around the circle")]
    pub(crate) const fn stand(&self, word: u64, position: u64, side: Side) -> Stand {
        let due = self.due(position, side);
        let (ahead, turn) = (word.wrapping_sub(due) as i64, self.turn as i64);
        if ahead >= 2 * turn {
            Stand::Final
        } else if 0 <= ahead && ahead < turn {
            Stand::Due
        } else if ahead < -turn {
            Stand::Behind
        } else {
            Stand::Claimed
        }
    }

    /// `turns` later, with this cell and no owner.
    #[inline(always)]
    pub(crate) const fn later(&self, word: u64, turns: u64, cell: u64) -> u64 {
        (word & self.turn.wrapping_neg()).wrapping_add(turns.wrapping_mul(self.turn)) | cell
    }

    /// The same slot, claimed.
    pub(crate) const fn claimed(&self, word: u64, claim: Claim) -> u64 {
        let replaces = matches!(claim.kind, Kind::Replace) as u64;
        let code = (claim.owner as u64 + 1) * 2 + replaces;
        self.later(word, 1, code << self.cell_bits | self.cell(word))
    }

    /// Who claimed the slot at `place`, if somebody has, and for which position: as many low bits of
    /// it as the turn knows.
    pub(crate) const fn claim(&self, place: u64, word: u64) -> Option<(Claim, u64)> {
        let code = (word & (self.turn - 1)) >> self.cell_bits;
        if code == 0 {
            return None;
        }
        let (lap, was_full) = (self.turn(word) >> 2, self.turn(word) & 2 == 2);
        let (kind, lap) = match (code % 2 == 1, was_full) {
            (false, false) => (Kind::Push, lap),
            (false, true) => (Kind::Pop, lap),
            (true, false) => (Kind::Replace, lap),
            // The oldest value makes room for the next lap's push.
            (true, true) => (Kind::Replace, lap + 1),
        };
        #[expect(clippy::cast_possible_truncation, reason = "an owner is one of 255")]
        let owner = (code / 2 - 1) as usize;
        Some((Claim { owner, kind }, lap << self.place_bits | place))
    }

    /// Turns from claimed to final.
    pub(crate) const fn turns_to_final(&self, word: u64, kind: Kind) -> u64 {
        match kind {
            Kind::Replace if self.turn(word) & 2 == 2 => WHOLE_LAP - 1,
            _ => HALF_LAP - 1,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Claim, HALF_LAP, Kind, Shape, Side, Stand, WHOLE_LAP};

    const SIZES: [(usize, usize, usize); 6] =
        [(1, 2, 0), (1, 255, 255), (3, 4, 4), (16, 1, 1), (1000, 24, 24), (1 << 19, 255, 255)];

    #[test]
    fn positions_go_through_all_places() {
        for (capacity, hands, owners) in SIZES {
            let shape = Shape::new(capacity, hands, owners);
            let (mut position, laps) = (0, 3);
            for count in 0..laps * capacity as u64 {
                assert_eq!(shape.place(position), count % capacity as u64);
                assert_eq!(shape.distance(0, position), count);
                let next = shape.next(position);
                assert!(next > position);
                assert_eq!(shape.distance(next, position), 0);
                position = next;
            }
        }
    }

    #[test]
    fn a_slot_goes_from_free_to_full_to_free() {
        for (capacity, hands, owners) in SIZES {
            let shape = Shape::new(capacity, hands, owners);
            let (mut word, last_cell) = (Shape::first(0), (capacity + hands - 1) as u64);
            let mut position = 0;
            for _lap in 0..3 {
                assert_eq!(shape.stand(word, position, Side::Push), Stand::Due);
                assert_eq!(shape.stand(word, position, Side::Pop), Stand::Behind);
                assert!(shape.is_due(word, shape.due(position, Side::Push)));
                assert!(!shape.is_due(word, shape.due(position, Side::Pop)));
                assert!(!shape.is_full(word));
                word = shape.later(word, HALF_LAP, last_cell);
                assert!(shape.is_full(word));
                assert_eq!(shape.stand(word, position, Side::Push), Stand::Final);
                assert_eq!(shape.stand(word, position, Side::Pop), Stand::Due);
                assert!(shape.is_due(word, shape.due(position, Side::Pop)));
                assert!(!shape.is_due(word, shape.due(position, Side::Push)));
                assert_eq!(shape.cell(word), last_cell);
                word = shape.later(word, HALF_LAP, 0);
                assert_eq!(shape.stand(word, position, Side::Pop), Stand::Final);
                (0..capacity).for_each(|_| position = shape.next(position));
            }
        }
    }

    #[test]
    fn a_slot_is_due_for_one_turn_and_claimed_for_those_beside_it() {
        let shape = Shape::new(3, 4, 4);
        let (due, turn) = (shape.due(shape.next(0), Side::Pop), shape.turn.cast_signed());
        for (ahead, expected) in [
            (-turn - 1, Stand::Behind),
            (-turn, Stand::Claimed),
            (-1, Stand::Claimed),
            (0, Stand::Due),
            (turn - 1, Stand::Due),
            (turn, Stand::Claimed),
            (2 * turn - 1, Stand::Claimed),
            (2 * turn, Stand::Final),
        ] {
            let word = due.wrapping_add_signed(ahead);
            assert_eq!(shape.stand(word, shape.next(0), Side::Pop), expected, "{ahead}");
            assert_eq!(shape.is_due(word, due), expected == Stand::Due, "{ahead}");
        }
    }

    #[test]
    fn turns_are_compared_around_their_circle() {
        let shape = Shape::new(1, 2, 0);
        let last = Shape::first(1).wrapping_sub(shape.turn);
        assert_eq!(shape.stand(last, 0, Side::Push), Stand::Claimed);
        assert_eq!(shape.stand(shape.later(last, 1, 2), 0, Side::Push), Stand::Due);
        assert_eq!(shape.later(last, 1, 2), 2);
    }

    #[test]
    fn a_claim_is_read_back() {
        for (capacity, hands, owners) in SIZES.into_iter().filter(|size| size.2 > 0) {
            let shape = Shape::new(capacity, hands, owners);
            let place = capacity as u64 - 1;
            let free = Shape::first(place);
            let full = shape.later(free, HALF_LAP, place);
            let next_lap = 1 << shape.place_bits();
            for owner in [0, owners - 1] {
                for (word, kind, position, turns) in [
                    (free, Kind::Push, place, 1),
                    (full, Kind::Pop, place, 1),
                    (free, Kind::Replace, place, 1),
                    (full, Kind::Replace, place + next_lap, WHOLE_LAP - 1),
                ] {
                    assert_eq!(shape.claim(place, word), None);
                    let claimed = shape.claimed(word, Claim { owner, kind });
                    assert_eq!(shape.stand(claimed, position, kind.side()), Stand::Claimed);
                    assert_eq!(
                        shape.claim(place, claimed),
                        Some((Claim { owner, kind }, position))
                    );
                    assert_eq!(shape.cell(claimed), place);
                    assert_eq!(shape.turns_to_final(claimed, kind), turns);
                    let made = shape.later(claimed, turns, 0);
                    assert!(shape.stand(made, position, kind.side()) == Stand::Final);
                    assert_eq!(shape.claim(place, made), None);
                }
            }
        }
    }
}
