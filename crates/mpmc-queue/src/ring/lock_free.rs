//! The exchange ring: each operation is one compare-exchange that takes part in no waiting.
//!
//! # Progress and linearization
//!
//! | operation | progress | linearizes at |
//! | --- | --- | --- |
//! | `push`, `pop`, `replace` | lock-free: an attempt fails only if another thread's succeeded | the compare-exchange; refused, at the look at the slot |
//! | `len` | lock-free | the look at the head between two at the same tail |
//! | `is_empty`, `is_full` | lock-free | the look at the slot |
//!
//! A thread that is stopped anywhere keeps its hand's cell and nothing else from the others.
//!
//! State, invariants and orderings are [`circle`](super::circle)'s.

use super::{
    Circle, IndexRing,
    circle::{Attempt, Grip, LAG, Outcome, backoff},
    queries,
};
use crate::state::{Kind, Shape, Side};

/// A ring whose operations are lock-free.
#[derive(Debug)]
pub struct LockFreeRing {
    circle: Circle,
}

/// Holds a cell of a [`LockFreeRing`].
#[derive(Debug)]
pub struct Hand(Grip);

impl LockFreeRing {
    fn exchange(&self, kind: Kind, grip: &mut Grip) -> Outcome {
        let backoff = backoff();
        loop {
            match self.circle.attempt(kind, grip, u64::MAX) {
                Attempt::Lost => backoff.spin(),
                Attempt::Claimed(..) => unreachable!("nobody claims a slot of this ring"),
                Attempt::Decided(outcome) => return outcome,
            }
        }
    }
}

// SAFETY: I6, and the edge `exchange`.
unsafe impl IndexRing for LockFreeRing {
    type Hand = Hand;

    fn with_hands(capacity: usize, hands: usize) -> (Self, impl Iterator<Item = Hand>) {
        let circle = Circle::new(Shape::new(capacity, hands, 0));
        let cells = capacity as u64..(capacity + hands) as u64;
        (Self { circle }, cells.map(|cell| Hand(Grip::new(cell))))
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "cells number less than 2^32")]
    fn cell(hand: &Hand) -> usize {
        hand.0.cell as usize
    }

    fn push(&self, hand: &mut Hand) -> bool {
        self.exchange(Kind::Push, &mut hand.0) != Outcome::Refused
    }

    fn pop(&self, hand: &mut Hand) -> bool {
        self.exchange(Kind::Pop, &mut hand.0) != Outcome::Refused
    }

    fn replace(&self, hand: &mut Hand) -> bool {
        self.exchange(Kind::Replace, &mut hand.0) == Outcome::Displaced
    }

    #[inline(always)]
    fn push_next(&self, hand: &mut Hand) -> bool {
        self.circle.exchange_next(Side::Push, &mut hand.0, LAG)
    }

    #[inline(always)]
    fn pop_next(&self, hand: &mut Hand) -> bool {
        self.circle.exchange_next(Side::Pop, &mut hand.0, LAG)
    }

    queries!(|_: &Self| u64::MAX);
}
