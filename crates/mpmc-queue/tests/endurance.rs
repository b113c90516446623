//! The long run: items by the million, each with its bit, through threads that come and go.
//!
//! 100,000 items a test by default; `ATOMWORKS_STRESS=1000` makes it 100 million.
#![cfg(not(loom))]

use core::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::thread;

use mpmc_queue::{
    Bounded, Full,
    ring::{IndexRing, LockFreeRing, WaitFreeRing},
};
use testkit::stress::scaled;

/// How many items a thread moves before another takes its place.
const TURN: u64 = 10_000;
/// Where an item's number ends and its producer begins.
const NUMBER_BITS: u32 = 40;

/// One bit for each item of each producer.
struct Seen(Vec<Vec<AtomicU64>>);

impl Seen {
    fn new(producers: u64, each: u64) -> Self {
        let words = || (0..each.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self((0..producers).map(|_| words()).collect())
    }

    fn note(&self, producer: usize, number: u64) {
        let word = &self.0[producer][usize::try_from(number / 64).unwrap()];
        let before = word.fetch_or(1 << (number % 64), Relaxed);
        assert!(
            before >> (number % 64) & 1 == 0,
            "item {number} of producer {producer} came twice"
        );
    }

    fn count(&self) -> u64 {
        self.0.iter().flatten().map(|word| u64::from(word.load(Relaxed).count_ones())).sum()
    }
}

/// As many threads at a time push as pop. Each pushes or pops [`TURN`] items and goes, and a new one
/// goes on where it ended: so there is one order of a producer's items, and each consumer must see it.
fn endure<R: IndexRing>(producers: u64, items: u64) {
    let queue = &Bounded::<u64, R>::new(1024);
    let each = items / producers;
    let (seen, producing) = (&Seen::new(producers, each), &AtomicUsize::new(0));
    thread::scope(|scope| {
        for producer in 0..producers {
            producing.fetch_add(1, Relaxed);
            scope.spawn(move || {
                for start in (0..each).step_by(usize::try_from(TURN).unwrap()) {
                    let turn = start..each.min(start + TURN);
                    let push = move || turn.for_each(|n| push(queue, producer << NUMBER_BITS | n));
                    thread::scope(|inner| inner.spawn(push).join().unwrap());
                }
                producing.fetch_sub(1, Release);
            });
            scope.spawn(move || {
                let mut next = vec![0; usize::try_from(producers).unwrap()];
                while thread::scope(|inner| {
                    inner.spawn(|| pop(queue, producing, &mut next, seen)).join().unwrap()
                }) {}
            });
        }
    });
    assert!(queue.is_empty());
    assert_eq!(seen.count(), each * producers, "items were lost");
}

fn push<R: IndexRing>(queue: &Bounded<u64, R>, mut item: u64) {
    while let Err(Full(back)) = queue.push(item) {
        item = back;
        thread::yield_now();
    }
}

/// Pops a turn's worth of items; false if there will be no more. `next`: the least number that may
/// come from each producer.
fn pop<R: IndexRing>(
    queue: &Bounded<u64, R>,
    producing: &AtomicUsize,
    next: &mut [u64],
    seen: &Seen,
) -> bool {
    for _ in 0..TURN {
        let item = loop {
            let over = producing.load(Acquire) == 0;
            match queue.pop() {
                Some(item) => break item,
                None if over => return false,
                None => thread::yield_now(),
            }
        };
        let producer = usize::try_from(item >> NUMBER_BITS).unwrap();
        let number = item & ((1 << NUMBER_BITS) - 1);
        assert!(number >= next[producer], "item {number} of producer {producer} came late");
        next[producer] = number + 1;
        seen.note(producer, number);
    }
    true
}

const ITEMS: u64 = 100_000;

#[test]
fn two_threads_through_the_lock_free_queue() {
    endure::<LockFreeRing>(1, scaled(ITEMS));
}

#[test]
fn two_threads_through_the_wait_free_queue() {
    endure::<WaitFreeRing>(1, scaled(ITEMS));
}

#[test]
fn sixteen_threads_through_the_lock_free_queue() {
    endure::<LockFreeRing>(8, scaled(ITEMS));
}

#[test]
fn sixteen_threads_through_the_wait_free_queue() {
    endure::<WaitFreeRing>(8, scaled(ITEMS));
}
