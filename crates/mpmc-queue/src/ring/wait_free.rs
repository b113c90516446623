//! The exchange ring with helping: every operation ends after a bounded number of its own steps.
//!
//! After Kogan and Petrank, "Wait-Free Queues With Multiple Enqueuers and Dequeuers", `PPoPP` 2011,
//! and their "A Methodology for Creating Fast Wait-Free Data Structures", `PPoPP` 2012: a fast path of
//! a few attempts, then a request that everybody helps with. Here the request is for one exchange.
//!
//! # State
//!
//! Besides the [circle](super::circle), a record for each hand, which is its *owner*: the `request`
//! ([packed](crate::request)) and the cell `offered` for it. Who carries a request out
//!
//! ```text
//!   1. reads it      2. finds the position      3. binds it to that      4. claims the slot for it
//! ```
//!
//! and from then on *finishes* the claim: the request is answered with the slot's cell, then the slot
//! is made final with the offered one. Whoever meets a claimed slot finishes it first, which takes
//! 4 steps, and never undoes it.
//!
//! # Invariants
//!
//! * I1. The turn of a slot only grows; a claim is never undone.
//! * I2. Nobody passes a position until it is final, and a claimed one is made final only after its
//!   request is answered. So nobody who still holds the word of a pending request goes beyond the slot
//!   that was claimed for it.
//! * I3. The position of a request never goes back. So a finisher that finds the claim's position in
//!   it has found that it is not answered yet, and no word of a request comes back.
//! * I4. A request is refused only by exchanging a word read *before* the slot that shows the ring
//!   full, or empty. A claim is preceded by its binding, so a refusal that looked before it fails,
//!   and one that looks after it finds the position free or passed.
//! * I5. The owner goes on only when its slot is final: what it offered stays the same meanwhile.
//! * I6. Each cell is in exactly one slot or in one hand; the offered one is still in its hand until
//!   the slot is final, and the hand has the answer's from then on.
//!
//! # Progress and linearization
//!
//! A hand looks at one other's request in every operation but the undisturbed ones between two places
//! out of D = 8, so at least once in 2·D operations that succeed (one that is refused changes nothing).
//! With H hands, a request is known to all after each has made 2·H·D of them. What can make its helpers
//! look again is that a slot changed under them, and each change is an operation of somebody's: less
//! than 2·H²·D + H. The bound in the docs of [`WaitFreeRing`] counts 16 steps for each of these, the
//! search from a lagging counter, and as much again for the request of another that has to be helped
//! first.
//!
//! | operation | progress | linearizes at |
//! | --- | --- | --- |
//! | `push`, `pop`, `replace` | wait-free | the exchange that makes the slot final; refused, at the look at the slot |
//! | `len`, `is_empty`, `is_full` | wait-free | as in the lock-free ring, where the search ends in time |
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | request | `operate_slowly`, `help`, `finish` | `Record::read` | the offered cell; what the helper knew when it bound, answered or refused | `request_*` |
//! | claim | `help` | `circle::find` | that the request is bound | `claim_*` |
//! | final | `make_final` | `circle::find` | that the request is answered | `final_*` |

use alloc::boxed::Box;
use core::{fmt, marker::PhantomData};

use lockfree_core::{
    CachePadded,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{
    Circle, IndexRing,
    circle::{Attempt, Found, Grip, LAG, Outcome, backoff},
    queries,
};
use crate::{
    request::{Answer, Request},
    state::{Claim, Kind, Shape, Side, Stand},
};

/// How many slots a search may look at.
const WALK: u64 = 4 * LAG;

/// How patient a ring is; and for its models, which invariant it breaks.
///
/// # Safety
/// `BROKEN` is 0, or nothing relies on what the ring promises.
#[doc(hidden)]
pub unsafe trait Rules: Send + Sync + 'static {
    /// At every so many places, a power of two, a hand looks at another's request.
    const DELAY: usize;
    /// The number of the invariant that a twin breaks.
    const BROKEN: u8 = 0;

    /// How many attempts a hand makes before it asks others for help.
    fn patience(hand: usize) -> u32;
}

/// What a ring keeps to unless a test says otherwise.
#[derive(Debug)]
#[doc(hidden)]
pub struct Sound;

// SAFETY: nothing is broken.
unsafe impl Rules for Sound {
    const DELAY: usize = 8;

    #[inline(always)]
    fn patience(_hand: usize) -> u32 {
        16
    }
}

/// A ring whose operations are wait-free, for at most 255 hands and, with them, 2^20 cells.
///
/// An operation takes at most [`step_bound`](Self::step_bound) accesses to shared words, whatever the
/// other threads do or stop doing.
pub struct WaitFreeRing<R = Sound> {
    circle: Circle,
    records: Box<[CachePadded<Record>]>,
    rules: PhantomData<R>,
}

#[derive(Debug)]
struct Record {
    request: AtomicU64,
    offered: AtomicU64,
}

impl Record {
    fn read(&self) -> Request {
        // Acquire [request]: pairs with the owner's, for what it offers; with other helpers', so that
        // what they bound it to is seen as they saw it, or later; and with the answer.
        Request(self.request.load(Acquire))
    }
}

/// Holds a cell of a [`WaitFreeRing`], and one of its records.
#[derive(Debug)]
pub struct HelpingHand {
    grip: Grip,
    number: usize,
    sequence: u64,
    /// How far ahead of it is the hand whose request it looks at next.
    ahead: usize,
}

impl<R: Rules> WaitFreeRing<R> {
    /// The most accesses to shared words that an operation of a ring for `hands` hands takes.
    ///
    /// 32 · (`hands`² · (2 · D + 1) + 16 · `hands` + 64), where D, at every how many places a hand looks
    /// at another's request, is 8: for 8 hands 40,960. It is a bound and not a cost: undisturbed, an
    /// operation takes 3.
    pub const fn step_bound(hands: usize) -> usize {
        32 * (hands * hands * (2 * R::DELAY + 1) + 16 * hands + 64)
    }

    #[inline(always)]
    fn exchange_next(&self, side: Side, hand: &mut HelpingHand) -> bool {
        R::patience(hand.number) > 0
            && self.circle.exchange_next(side, &mut hand.grip, R::DELAY as u64)
    }

    fn operate(&self, kind: Kind, hand: &mut HelpingHand) -> Outcome {
        self.look_at_another(hand);
        let backoff = backoff();
        for _ in 0..R::patience(hand.number) {
            match self.circle.attempt(kind, &mut hand.grip, WALK) {
                Attempt::Lost => backoff.spin(),
                Attempt::Claimed(place, word) => self.finish(place, word),
                Attempt::Decided(outcome) => return outcome,
            }
        }
        self.operate_slowly(kind, hand)
    }

    fn look_at_another(&self, hand: &mut HelpingHand) {
        let (hands, other) = (self.records.len(), hand.number + hand.ahead);
        let other = if other < hands { other } else { other - hands };
        hand.ahead = if hand.ahead + 1 < hands { hand.ahead + 1 } else { 1 };
        // Relaxed: `help` looks again.
        let request = Request(self.records[other].request.load(Relaxed));
        if request.is_pending() {
            self.help(other, request, &mut hand.grip);
        }
    }

    #[cold]
    #[inline(never)]
    fn operate_slowly(&self, kind: Kind, hand: &mut HelpingHand) -> Outcome {
        let record = &*self.records[hand.number];
        hand.sequence += 1;
        let request = Request::new(kind, hand.sequence);
        // Relaxed: published by the request.
        record.offered.store(hand.grip.cell, Relaxed);
        // Release [request]: the offered cell and what was done to it are visible to helpers.
        record.request.store(request.0, Release);
        let answered = self.help(hand.number, request, &mut hand.grip);
        let Some(Answer { place, cell, displaced }) = answered.answer(&self.circle.shape) else {
            return Outcome::Refused;
        };
        if R::BROKEN != 5 {
            // Relaxed: the answer shows the slot claimed, if not final.
            let word = self.circle.slot(place).load(Relaxed);
            if self.circle.shape.claim(place, word).is_some_and(|(c, _)| c.owner == hand.number) {
                self.finish(place, word);
            }
        }
        if R::BROKEN != 6 {
            hand.grip.cell = cell;
        }
        if displaced { Outcome::Displaced } else { Outcome::Exchanged }
    }

    /// Carries out `request` of `owner`, unless that has been done. Returns what it has become: the
    /// answer, or a later request.
    #[cold]
    #[inline(never)]
    fn help(&self, owner: usize, request: Request, grip: &mut Grip) -> Request {
        let shape = &self.circle.shape;
        let record = &*self.records[owner];
        loop {
            let mut now = record.read();
            if !now.is_pending() || !now.is_same(request) {
                return now;
            }
            let kind = now.kind();
            // A search that others outrun ends here and is taken up again: they may have answered.
            let Some(found) = self.circle.find(kind.side(), grip, WALK) else {
                continue;
            };
            let Found { position, word, stand } = found;
            let place = shape.place(position);
            if R::BROKEN == 4 {
                // A word read after the slot, as it must not be.
                now = record.read();
                if !now.is_pending() || !now.is_same(request) {
                    return now;
                }
            }
            if stand == Stand::Claimed {
                self.finish(place, word);
                continue;
            }
            if stand == Stand::Behind && kind != Kind::Replace {
                // Release [request]: who is refused knows the ring as the helper saw it.
                // Relaxed: another helper was faster, and the loop looks again.
                let _ = record.request.compare_exchange(now.0, now.refused().0, Release, Relaxed);
                continue;
            }
            if R::BROKEN == 3 {
                // A word that may be bound further on, as it must not be.
                now = record.read();
                if !now.is_pending() || !now.is_same(request) {
                    return now;
                }
            }
            if !now.is_bound_to(position) {
                let bound = now.bound(position);
                // Release [request]: the slot was due when it is seen bound.
                // Relaxed: another helper was faster, and the loop looks again.
                if record.request.compare_exchange(now.0, bound.0, Release, Relaxed).is_err() {
                    continue;
                }
            }
            let claimed = shape.claimed(word, Claim { owner, kind });
            // Release [claim]: the request is bound for whoever sees the slot claimed for it.
            // Relaxed: the slot has changed, and the loop looks again.
            if self.circle.slot(place).compare_exchange(word, claimed, Release, Relaxed).is_ok() {
                self.finish(place, claimed);
            }
        }
    }

    /// Finishes what the slot at `place` is claimed for, as seen in its word.
    #[cold]
    #[inline(never)]
    fn finish(&self, place: u64, word: u64) {
        let shape = &self.circle.shape;
        let Some((Claim { owner, kind }, position)) = shape.claim(place, word) else {
            unreachable!("a slot whose turn is odd is claimed");
        };
        let record = &*self.records[owner];
        if R::BROKEN == 2 {
            self.make_final(record, kind, place, word);
        }
        // Relaxed: the claim shows it bound. If it is a later one, the slot is final.
        let request = Request(record.request.load(Relaxed));
        if request.kind() == kind && request.is_bound_to(position) {
            let displaced = shape.turns_to_final(word, kind) > 1;
            let done = request.done(Answer { place, cell: shape.cell(word), displaced }, shape);
            // Release [request]: what was done to the slot's cell is visible to the owner.
            // Relaxed: another finisher was faster.
            let _ = record.request.compare_exchange(request.0, done.0, Release, Relaxed);
        } else if R::BROKEN == 1 {
            let undone = shape.later(word, u64::MAX, shape.cell(word));
            // Relaxed: a claim is undone, as it must not be.
            let _ = self.circle.slot(place).compare_exchange(word, undone, Relaxed, Relaxed);
        }
        self.make_final(record, kind, place, word);
    }

    fn make_final(&self, record: &Record, kind: Kind, place: u64, word: u64) {
        let shape = &self.circle.shape;
        // Relaxed: the claim carries it. Where it is a later request's, the slot is final, and the
        // exchange fails: the word written depends on this one, so it cannot come first.
        let offered = record.offered.load(Relaxed);
        let made = shape.later(word, shape.turns_to_final(word, kind), offered);
        // Release [final]: who passes the position comes after the answer, also where the processor
        // could let a failed exchange wait for a later store; loom never does, so no model tells.
        // Relaxed: another finisher was faster.
        let _ = self.circle.slot(place).compare_exchange(word, made, Release, Relaxed);
    }
}

// SAFETY: I6, and the edges `exchange`, `request` and `final`; unless the rules are broken, where
// nothing relies on it.
unsafe impl<R: Rules> IndexRing for WaitFreeRing<R> {
    type Hand = HelpingHand;

    fn with_hands(capacity: usize, hands: usize) -> (Self, impl Iterator<Item = HelpingHand>) {
        assert!((1..=255).contains(&hands), "a wait-free ring has between 1 and 255 hands");
        let shape = Shape::new(capacity, hands, hands);
        assert!(Request::fits(&shape), "a wait-free ring has at most 2^20 cells, hands included");
        let record =
            || Record { request: AtomicU64::new(Request::none().0), offered: AtomicU64::new(0) };
        let ring = Self {
            circle: Circle::new(shape),
            records: (0..hands).map(|_| CachePadded::new(record())).collect(),
            rules: PhantomData,
        };
        let hand = move |number| HelpingHand {
            grip: Grip::new((capacity + number) as u64),
            number,
            sequence: 0,
            ahead: 1,
        };
        (ring, (0..hands).map(hand))
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "cells number less than 2^20")]
    fn cell(hand: &HelpingHand) -> usize {
        hand.grip.cell as usize
    }

    fn push(&self, hand: &mut HelpingHand) -> bool {
        self.operate(Kind::Push, hand) != Outcome::Refused
    }

    fn pop(&self, hand: &mut HelpingHand) -> bool {
        self.operate(Kind::Pop, hand) != Outcome::Refused
    }

    fn replace(&self, hand: &mut HelpingHand) -> bool {
        self.operate(Kind::Replace, hand) == Outcome::Displaced
    }

    #[inline(always)]
    fn push_next(&self, hand: &mut HelpingHand) -> bool {
        self.exchange_next(Side::Push, hand)
    }

    #[inline(always)]
    fn pop_next(&self, hand: &mut HelpingHand) -> bool {
        self.exchange_next(Side::Pop, hand)
    }

    queries!(|ring: &Self| LAG * (ring.records.len() as u64 + 2) + WALK);
}

impl<R> fmt::Debug for WaitFreeRing<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFreeRing")
            .field("circle", &self.circle)
            .field("hands", &self.records.len())
            .finish_non_exhaustive()
    }
}
