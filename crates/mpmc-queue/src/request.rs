//! What a hand asks the others to do for it, packed into a word, as pure functions.
//!
//! ```text
//!   [ stage | kind | sequence | payload ]
//!     2       2      20         40 bits
//! ```
//!
//! | stage | payload | next |
//! | --- | --- | --- |
//! | new | 0 | bound, refused |
//! | bound | the position, its low 40 bits | bound further on, done, refused |
//! | done | displaced?, place, cell | the owner's next request |
//! | refused | 0 | the owner's next request |
//!
//! # Wrap distance
//!
//! Two words of one owner are equal only if 2^20 requests lie between them and, where they are bound,
//! a multiple of 2^40 positions as well (at 50 million a second: 6 hours). A new word has no position,
//! but an owner makes a request only after it has lost 16 times to others: a helper would have
//! to stop between its look at the word and its compare-exchange while 2^20 requests of that owner
//! pass, and wake just while the next is still unbound. It could then refuse that one on the strength
//! of a ring that was full, or empty, before: no value is ever lost or doubled by it.

use crate::state::{Kind, Shape};

const PAYLOAD_BITS: u32 = 40;
const PAYLOAD: u64 = (1 << PAYLOAD_BITS) - 1;
const SEQUENCE_BITS: u32 = 20;
const SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;

const NEW: u64 = 0;
const BOUND: u64 = 1;
const DONE: u64 = 2;
const REFUSED: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request(pub(crate) u64);

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The slot whose cell was exchanged.
    pub(crate) place: u64,
    /// The cell that the owner gets.
    pub(crate) cell: u64,
    /// Whether that holds a value that made room.
    pub(crate) displaced: bool,
}

impl Request {
    /// Whether answers of a ring of this shape fit.
    pub(crate) const fn fits(shape: &Shape) -> bool {
        1 + shape.place_bits() + shape.cell_bits() <= PAYLOAD_BITS
    }

    const fn with(self, stage: u64, payload: u64) -> Self {
        let rest = self.0 & (0b11 << (PAYLOAD_BITS + SEQUENCE_BITS) | SEQUENCE << PAYLOAD_BITS);
        Self(stage << 62 | rest | payload & PAYLOAD)
    }

    /// Nothing is asked: what a record starts with.
    pub(crate) const fn none() -> Self {
        Self(REFUSED << 62)
    }

    /// Asks for something, for the `sequence`-th time.
    pub(crate) const fn new(kind: Kind, sequence: u64) -> Self {
        let kind = (kind as u64) << (PAYLOAD_BITS + SEQUENCE_BITS);
        Self(NEW << 62 | kind | (sequence & SEQUENCE) << PAYLOAD_BITS)
    }

    pub(crate) const fn bound(self, position: u64) -> Self {
        self.with(BOUND, position)
    }

    pub(crate) const fn refused(self) -> Self {
        self.with(REFUSED, 0)
    }

    pub(crate) const fn done(self, answer: Answer, shape: &Shape) -> Self {
        let place = answer.place | (answer.displaced as u64) << shape.place_bits();
        self.with(DONE, place << shape.cell_bits() | answer.cell)
    }

    const fn stage(self) -> u64 {
        self.0 >> 62
    }

    pub(crate) const fn is_pending(self) -> bool {
        matches!(self.stage(), NEW | BOUND)
    }

    pub(crate) const fn kind(self) -> Kind {
        match self.0 >> (PAYLOAD_BITS + SEQUENCE_BITS) & 0b11 {
            0 => Kind::Push,
            1 => Kind::Pop,
            _ => Kind::Replace,
        }
    }

    /// Whether this is the same request, at whatever stage.
    pub(crate) const fn is_same(self, other: Self) -> bool {
        self.with(0, 0).0 == other.with(0, 0).0
    }

    pub(crate) const fn is_bound_to(self, position: u64) -> bool {
        self.stage() == BOUND && self.0 & PAYLOAD == position & PAYLOAD
    }

    /// The answer, if it was not refused.
    pub(crate) const fn answer(self, shape: &Shape) -> Option<Answer> {
        if self.stage() != DONE {
            return None;
        }
        let payload = self.0 & PAYLOAD;
        let (place, cell) =
            (payload >> shape.cell_bits(), payload & ((1 << shape.cell_bits()) - 1));
        let displaced = place >> shape.place_bits() == 1;
        Some(Answer { place: place & ((1 << shape.place_bits()) - 1), cell, displaced })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Answer, Request};
    use crate::state::{Kind, Shape};

    #[test]
    fn a_request_goes_through_its_stages() {
        let shape = Shape::new(1 << 19, 255, 255);
        assert!(Request::fits(&shape));
        for kind in [Kind::Push, Kind::Pop, Kind::Replace] {
            let new = Request::new(kind, (1 << 20) + 77);
            assert!(new.is_pending() && new.kind() == kind && !new.is_bound_to(0));
            let position = 0xABC_DEF0_1234;
            let bound = new.bound(position);
            assert!(bound.is_pending() && bound.kind() == kind && bound.is_same(new));
            assert!(bound.is_bound_to(position) && !bound.is_bound_to(position + 1));
            for displaced in [false, true] {
                let answer = Answer { place: (1 << 19) - 1, cell: (1 << 19) + 254, displaced };
                let done = bound.done(answer, &shape);
                assert!(!done.is_pending() && done.kind() == kind && done.is_same(new));
                assert_eq!(done.answer(&shape), Some(answer));
            }
            let refused = bound.refused();
            assert!(!refused.is_pending() && refused.is_same(new));
            assert_eq!(refused.answer(&shape), None);
            assert!(!Request::new(kind, 78).is_same(new));
        }
        assert!(!Request::none().is_pending());
    }
}
