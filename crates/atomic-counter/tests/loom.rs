//! Models of the sharded counters. A sum reads every cell, so writers are few and add once or twice.
#![cfg(loom)]

use core::time::Duration;
use std::sync::Arc;

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SignedShardedCounter};
use lockfree_core::{
    slots,
    sync::{AtomicU64, Ordering::Relaxed},
};
use testkit::model::{Model, must_fail, thread};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// Two writers and a reader: sums never go back, never exceed what was begun, end at the total, and
/// the deltas of the reader add up to it.
#[test]
fn sums_are_monotone_and_deltas_add_up() {
    Model::new("sums_are_monotone_and_deltas_add_up", 1450).check(|| {
        let counter = Arc::new(ShardedCounter::new());
        let writers: [_; 2] = core::array::from_fn(|_| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || counter.increment())
        });
        let mut baseline = 0;
        let first = counter.take_delta(&mut baseline);
        let then = counter.sum();
        assert!(first <= then && then <= 2);
        for writer in writers {
            writer.join().unwrap();
        }
        let rest = counter.take_delta(&mut baseline);
        assert_eq!((first + rest, counter.sum()), (2, 2));
    });
}

/// A sum counts what happened before it, and nothing that was not begun.
#[test]
fn a_sum_lies_between_what_is_done_and_what_is_begun() {
    Model::new("a_sum_lies_between_what_is_done_and_what_is_begun", 205).check(|| {
        let counter = Arc::new(ShardedCounter::new());
        counter.add(10);
        let writer = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add(5);
                let own = counter.sum();
                assert!(own == 15 || own == 115, "{own}");
            }
        });
        let sum = counter.sum();
        assert!(sum == 10 || sum == 15, "{sum}");
        counter.add(100);
        writer.join().unwrap();
        assert_eq!(counter.sum(), 115);
    });
}

/// The next owner of a slot continues from the last one's count: none is lost.
#[test]
fn counts_pass_to_the_next_thread_of_a_slot() {
    Model::new("counts_pass_to_the_next_thread_of_a_slot", 330).check(|| {
        let shared = Arc::new((SignedShardedCounter::new(), CounterSlab::new()));
        shared.1.counter().unwrap();
        let threads: [_; 2] = core::array::from_fn(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.0.decrement();
                shared.1.get(0).unwrap().add(2);
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!((shared.0.sum(), shared.1.get(0).unwrap().sum()), (-2, 4));
    });
}

/// The same with a cell that is not handed over but shared: a count is lost.
#[test]
fn twin_counts_in_a_cell_that_two_threads_own() {
    must_fail("twin_counts_in_a_cell_that_two_threads_own", "a count is lost", || {
        let cell = Arc::new(AtomicU64::new(0));
        let add = |cell: &AtomicU64| cell.store(cell.load(Relaxed) + 1, Relaxed);
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || add(&cell)
        });
        add(&cell);
        other.join().unwrap();
        assert_eq!(cell.load(Relaxed), 2, "a count is lost");
    });
}

/// Adds on this thread, and beside it on ever more, the last of which has no slot.
fn add_deeper(shared: &Arc<(ShardedCounter, CounterSlab)>, depth: usize) {
    let has_slot = slots::with(|slot| slot.is_some());
    assert_eq!(has_slot, depth < slots::CAPACITY);
    let deeper = has_slot.then(|| {
        let shared = Arc::clone(shared);
        thread::spawn(move || add_deeper(&shared, depth + 1))
    });
    shared.0.increment();
    shared.1.get(0).unwrap().increment();
    if let Some(deeper) = deeper {
        deeper.join().unwrap();
    }
}

/// The thread without a slot adds to the cell of the rest; its counts are as good as the others'.
#[test]
fn threads_without_a_slot_are_counted() {
    Model::new("threads_without_a_slot_are_counted", 780).check(|| {
        let shared = Arc::new((ShardedCounter::new(), CounterSlab::new()));
        shared.1.counter().unwrap();
        add_deeper(&shared, 0);
        let total = slots::CAPACITY as u64 + 1;
        assert_eq!((shared.0.sum(), shared.1.get(0).unwrap().sum()), (total, total));
    });
}

/// Who finds a stamp young enough finds the sum that came with it, or a later one.
#[test]
fn cached_sum_is_as_fresh_as_its_stamp() {
    Model::new("cached_sum_is_as_fresh_as_its_stamp", 380).check(|| {
        let counter = Arc::new(ShardedCounter::new());
        counter.add(5);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.increment();
                let sum = counter.sum_within(Duration::ZERO, NANOSECOND);
                assert!(sum == 5 || sum == 6, "{sum}");
            }
        });
        let sum = counter.sum_within(Duration::ZERO, NANOSECOND);
        assert!(sum == 5 || sum == 6, "{sum}");
        assert!(counter.sum_within(NANOSECOND, NANOSECOND) >= sum);
        other.join().unwrap();
        assert_eq!(counter.sum_within(Duration::ZERO, 2 * NANOSECOND), 6);
    });
}

/// Ids are unique and dense.
#[test]
fn slab_ids_are_unique() {
    Model::new("slab_ids_are_unique", 18).check(|| {
        let slab = Arc::new(CounterSlab::new());
        let id = |slab: &CounterSlab| slab.counter().unwrap().id();
        let other = thread::spawn({
            let slab = Arc::clone(&slab);
            move || id(&slab)
        });
        let (mine, other) = (id(&slab), other.join().unwrap());
        assert_eq!((mine + other, slab.len()), (1, 2));
    });
}

/// A compare-exchange loop, a reset and an add lose nothing to each other.
#[test]
fn a_plain_counter_is_exact() {
    Model::new("a_plain_counter_is_exact", 32).check(|| {
        let counter = Arc::new(Counter::new(0));
        counter.store(1);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || u64::from(counter.checked_sub(1).is_ok())
        });
        let taken = counter.take();
        counter.increment();
        let subtracted = other.join().unwrap();
        assert_eq!(taken + counter.load() + subtracted, 2);
    });
}
