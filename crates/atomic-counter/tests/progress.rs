//! Counters with a thread stopped anywhere, and their steps.
#![cfg(stepped)]

use core::time::Duration;
use std::sync::Arc;

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SignedCounter};
use lockfree_core::slots;
use testkit::progress::{assert_steps, steps, stop_anywhere};

/// How many times the companions do their work while the victim is stopped.
const ROUNDS: u64 = 1000;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

#[test]
fn a_thread_stopped_in_a_plain_counter_blocks_nobody() {
    stop_anywhere(
        "Counter",
        shared(|| Counter::new(0)),
        |counter| {
            counter.increment();
            counter.saturating_add(1);
            counter.checked_sub(1).unwrap();
            counter.store(counter.take());
        },
        |counter| {
            for _ in 0..ROUNDS {
                counter.saturating_add(2);
                counter.checked_sub(1).unwrap();
                counter.decrement();
            }
        },
    );
}

#[test]
fn a_thread_stopped_in_a_sharded_counter_blocks_nobody() {
    let accesses = stop_anywhere(
        "ShardedCounter",
        shared(ShardedCounter::new),
        |counter| {
            counter.increment();
            counter.add(2);
            let _ = counter.sum_within(Duration::ZERO, Duration::ZERO);
        },
        |counter| {
            let (mut reader, mut deltas) = (counter.delta_reader(), 0);
            for round in 0..ROUNDS {
                counter.increment();
                deltas += reader.take();
                let _ = counter.sum_within(Duration::ZERO, Duration::from_nanos(round));
            }
            assert!((ROUNDS..=ROUNDS + 3).contains(&deltas), "{deltas}");
        },
    );
    assert!(accesses >= 8);
}

#[test]
fn a_thread_stopped_in_a_slab_blocks_nobody() {
    let accesses = stop_anywhere(
        "CounterSlab",
        shared(CounterSlab::new),
        |slab| {
            let counter = slab.counter().unwrap();
            counter.increment();
            counter.add(2);
            let _ = counter.sum();
        },
        |slab| {
            let counter = slab.counter().unwrap();
            for _ in 0..ROUNDS {
                counter.increment();
            }
            let total: u64 = slab.iter().map(|counter| counter.sum()).sum();
            assert!((ROUNDS..=ROUNDS + 3).contains(&total), "{total}");
        },
    );
    assert!(accesses >= 10);
}

/// The most steps of an operation, which others disturb.
fn most(operation: impl Fn(), disturbance: impl Fn() + Sync) -> usize {
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
    operation();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    disturbance();
                }
            });
        }
        let most = (0..ROUNDS).map(|_| steps(&operation).1).max();
        ended.store(true, Relaxed);
        most.unwrap()
    })
}

#[test]
fn wait_free_operations_keep_their_bounds() {
    let plain = Counter::new(0);
    let add = || _ = plain.increment();
    assert_steps("Counter::increment", most(add, add), 1);
    assert_steps("Counter::take", most(|| _ = plain.take(), add), 1);
    let signed = SignedCounter::new(0);
    assert_steps("SignedCounter::add", most(|| _ = signed.add(-3), || _ = signed.decrement()), 1);

    let sharded = ShardedCounter::new();
    let add = || sharded.increment();
    assert_steps("ShardedCounter::increment", most(add, add), 3);
    // A table has fewer than two cells for each slot that was ever in use, in 12 levels. The threads
    // that other tests have stopped keep theirs.
    let cells = || 2 * slots::high_water() + 1;
    let taken = most(|| _ = sharded.sum(), add);
    assert_steps("ShardedCounter::sum", taken, 12 + cells());

    let slab = CounterSlab::new();
    let counter = slab.counter().unwrap();
    let add = || counter.increment();
    assert_steps("SlabCounter::increment", most(add, add), 4);
    let taken = most(|| _ = counter.sum(), add);
    assert_steps("SlabCounter::sum", taken, 12 + 2 * cells());
}
