//! Bare atomics that do less than any ring must: what the hardware lets one do.

use super::{Pop, Push, Ring};
use crate::case::Role;
use lockfree_core::CachePadded;
use lockfree_core::sync::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::Arc;

/// The floor of a stream: words whose index is shown to the other side once every half of the ring,
/// so that synchronizing costs next to nothing and moving the lines is what remains. Items linger
/// unseen until then: no queue.
#[derive(Debug)]
pub struct Halves {
    words: Box<[CachePadded<[AtomicU64; 16]>]>,
    shown: CachePadded<AtomicUsize>,
    freed: CachePadded<AtomicUsize>,
}

impl Halves {
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words[(index / 16) & (self.words.len() - 1)][index % 16]
    }

    fn half(&self) -> usize {
        self.words.len() * 8
    }
}

/// A side of [`Halves`]: where it is, and up to where it may go.
#[derive(Debug)]
pub struct HalvesSide {
    ring: Arc<Halves>,
    index: usize,
    limit: usize,
}

/// The side of [`Halves`] that pops.
#[derive(Debug)]
pub struct HalvesConsumer(HalvesSide);

impl Ring for Halves {
    const NAME: &'static str = "floor: index shown twice a lap";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Floor;
    type Producer = HalvesSide;
    type Consumer = HalvesConsumer;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let ring = Arc::new(Self {
            words: (0..capacity / 16).map(|_| CachePadded::default()).collect(),
            shown: CachePadded::default(),
            freed: CachePadded::default(),
        });
        let consumer = HalvesSide { ring: Arc::clone(&ring), index: 0, limit: 0 };
        (HalvesSide { ring, index: 0, limit: capacity }, HalvesConsumer(consumer))
    }
}

impl Push for HalvesSide {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        if self.index == self.limit {
            self.limit = self.ring.freed.load(Acquire) + 2 * self.ring.half();
            if self.index == self.limit {
                return false;
            }
        }
        self.ring.word(self.index).store(item, Relaxed);
        self.index += 1;
        if self.index & (self.ring.half() - 1) == 0 {
            self.flush();
        }
        true
    }

    fn flush(&mut self) {
        self.ring.shown.store(self.index, Release);
    }
}

impl Pop for HalvesConsumer {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        let Self(side) = self;
        if side.index == side.limit {
            side.limit = side.ring.shown.load(Acquire);
            if side.index == side.limit {
                return None;
            }
        }
        let item = side.ring.word(side.index).load(Relaxed);
        side.index += 1;
        if side.index & (side.ring.half() - 1) == 0 {
            side.ring.freed.store(side.index, Release);
        }
        Some(item)
    }
}

/// The floor of a round trip: one word each way. It holds one item, and only the reply tells that
/// the item was read: no queue.
#[derive(Debug)]
pub struct Mailbox(Arc<CachePadded<AtomicU64>>);

/// The side of [`Mailbox`] that reads, and what it read last.
#[derive(Debug)]
pub struct MailboxConsumer(Arc<CachePadded<AtomicU64>>, u64);

impl Ring for Mailbox {
    const NAME: &'static str = "floor: one word each way";
    const PACKAGE: Option<&'static str> = None;
    const ROLE: Role = Role::Floor;
    type Producer = Self;
    type Consumer = MailboxConsumer;

    fn ring(_: usize) -> (Self::Producer, Self::Consumer) {
        let word = Arc::new(CachePadded::new(AtomicU64::new(u64::MAX)));
        (Self(Arc::clone(&word)), MailboxConsumer(word, u64::MAX))
    }
}

impl Push for Mailbox {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.0.store(item, Release);
        true
    }
}

impl Pop for MailboxConsumer {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        let item = self.0.load(Acquire);
        let news = item != self.1;
        self.1 = item;
        news.then_some(item)
    }
}
