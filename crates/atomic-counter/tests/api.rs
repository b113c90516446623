//! Sequential behaviour.
#![cfg(all(not(loom), feature = "std"))]

use core::time::Duration;
use std::thread;

use atomic_counter::{
    Counter, CounterSlab, OutOfRange, ShardedCounter, SignedCounter, SignedShardedCounter,
    SlabCounter, SlabFull,
};

#[test]
fn every_operation_returns_the_value_before() {
    let counter = Counter::new(10);
    assert_eq!((counter.increment(), counter.add(5), counter.decrement()), (10, 11, 16));
    assert_eq!((counter.sub(5), counter.load()), (15, 10));
    assert_eq!((counter.take(), counter.take()), (10, 0));
    counter.store(7);
    assert_eq!(counter.load(), 7);
    assert_eq!(Counter::default().decrement(), 0);
    assert_eq!(Counter::from(u64::MAX).increment(), u64::MAX);

    let counter = SignedCounter::new(-1);
    assert_eq!((counter.increment(), counter.add(5), counter.decrement()), (-1, 0, 5));
    assert_eq!((counter.sub(10), counter.load()), (4, -6));
    assert_eq!((counter.take(), counter.take()), (-6, 0));
    counter.store(i64::MIN);
    assert_eq!((counter.decrement(), counter.load()), (i64::MIN, i64::MAX));
}

#[test]
fn wrapping_is_modulo_two_to_the_64() {
    let counter = Counter::new(0);
    counter.decrement();
    assert_eq!(counter.load(), u64::MAX);
    counter.add(3);
    assert_eq!(counter.load(), 2);

    let counter = ShardedCounter::new();
    counter.add(u64::MAX);
    thread::scope(|scope| scope.spawn(|| counter.add(3)).join().unwrap());
    assert_eq!(counter.sum(), 2);
}

#[test]
fn a_checked_operation_that_fails_changes_nothing() {
    let counter = Counter::new(u64::MAX - 1);
    assert_eq!(counter.checked_add(1), Ok(u64::MAX - 1));
    let error = counter.checked_add(2).unwrap_err();
    assert_eq!(error, OutOfRange { held: u64::MAX, operand: 2 });
    assert_eq!(error.to_string(), "the counter would leave its range");
    assert_eq!(counter.checked_sub(u64::MAX), Ok(u64::MAX));
    assert_eq!(counter.checked_sub(1), Err(OutOfRange { held: 0, operand: 1 }));
    assert_eq!(counter.load(), 0);

    let counter = SignedCounter::new(i64::MIN);
    assert_eq!(counter.checked_sub(1), Err(OutOfRange { held: i64::MIN, operand: 1 }));
    assert_eq!(counter.checked_add(-1), Err(OutOfRange { held: i64::MIN, operand: -1 }));
    assert_eq!(counter.checked_sub(-1), Ok(i64::MIN));
    assert_eq!(counter.load(), i64::MIN + 1);
}

#[test]
fn a_saturating_operation_stops_at_the_end_of_the_range() {
    let counter = Counter::new(5);
    assert_eq!((counter.saturating_sub(7), counter.saturating_add(3)), (5, 0));
    assert_eq!((counter.saturating_add(u64::MAX), counter.load()), (3, u64::MAX));

    let counter = SignedCounter::new(5);
    assert_eq!((counter.saturating_add(i64::MAX), counter.load()), (5, i64::MAX));
    assert_eq!((counter.saturating_sub(-1), counter.load()), (i64::MAX, i64::MAX));
    counter.store(-5);
    assert_eq!((counter.saturating_sub(i64::MAX), counter.load()), (-5, i64::MIN));
}

#[test]
fn a_counter_has_its_cache_lines_to_itself() {
    assert!(align_of::<Counter>() >= 64);
    assert_eq!(size_of::<Counter>(), align_of::<Counter>());
    assert_eq!(size_of::<SignedCounter>(), align_of::<SignedCounter>());
}

#[test]
fn deltas_of_each_reader_add_up() {
    let counter = ShardedCounter::new();
    counter.add(5);
    let (mut first, mut second, mut third) = (counter.delta_reader(), counter.delta_reader(), 5);
    assert_eq!((first.take(), first.take(), first.taken()), (5, 0, 5));
    counter.increment();
    assert_eq!((first.take(), second.take(), counter.take_delta(&mut third)), (1, 6, 1));
    assert_eq!((first.taken(), second.taken(), third, counter.sum()), (6, 6, 6, 6));
}

#[test]
fn a_sum_within_an_age_is_reread_only_when_it_is_older() {
    let (counter, s) = (ShardedCounter::new(), Duration::from_secs);
    counter.add(1);
    assert_eq!(counter.sum_within(s(9), s(0)), 1, "there is no earlier sum, at time 0 too");
    counter.add(1);
    assert_eq!(counter.sum_within(s(9), s(9)), 1, "9 s old");
    assert_eq!(counter.sum_within(s(8), s(9)), 2, "too old");
    counter.add(1);
    assert_eq!(counter.sum_within(s(0), s(9)), 2, "begun right now");
    assert_eq!(counter.sum_within(s(0), s(3)), 2, "a clock that is behind");
    assert_eq!(counter.sum_within(Duration::ZERO, s(9) + Duration::from_nanos(1)), 3);
    counter.add(1);
    assert_eq!(counter.sum_within(Duration::MAX, Duration::MAX), 3);
}

#[test]
fn signed_sums_and_deltas_go_both_ways() {
    let counter = SignedShardedCounter::default();
    let mut baseline = 0;
    counter.add(5);
    counter.decrement();
    assert_eq!((counter.sum(), counter.take_delta(&mut baseline)), (4, 4));
    thread::scope(|scope| scope.spawn(|| counter.sub(10)).join().unwrap());
    counter.increment();
    assert_eq!((counter.sum(), counter.take_delta(&mut baseline), baseline), (-5, -9, -5));
    counter.sub(i64::MIN);
    assert_eq!(counter.sum(), i64::MIN.wrapping_neg().wrapping_sub(5));
}

#[test]
fn a_slab_gives_dense_ids_and_keeps_counters_apart() {
    let slab = CounterSlab::default();
    assert!(slab.is_empty() && slab.get(0).is_none());
    let counters: Vec<_> = (0..1000).map(|_| slab.counter().unwrap()).collect();
    assert!(counters.iter().map(SlabCounter::id).eq(0..1000));
    for counter in &counters {
        counter.add(counter.id() as u64);
    }
    thread::scope(|scope| {
        let counters = &counters;
        scope.spawn(move || counters.iter().for_each(SlabCounter::increment)).join().unwrap();
    });
    assert!(slab.iter().map(|counter| counter.sum()).eq(1..=1000));
    let same = slab.get(17).unwrap();
    let mut baseline = 10;
    assert_eq!((same.take_delta(&mut baseline), baseline), (8, 18));
    assert_eq!((slab.len(), slab.get(1000).is_none()), (1000, true));
}

#[test]
fn a_full_slab_says_so() {
    assert_eq!(CounterSlab::CAPACITY, 1_048_560);
    let slab = CounterSlab::new();
    for _ in 0..CounterSlab::CAPACITY {
        slab.counter().unwrap();
    }
    assert_eq!(slab.counter().unwrap_err(), SlabFull);
    let last = slab.get(CounterSlab::CAPACITY - 1).unwrap();
    last.increment();
    assert_eq!((last.id(), last.sum()), (CounterSlab::CAPACITY - 1, 1));
}

#[test]
fn counts_in_thread_local_destructors_are_kept() {
    struct AtExit(&'static (ShardedCounter, CounterSlab));
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.0.increment();
            self.0.1.get(0).unwrap().increment();
        }
    }
    thread_local! {
        static AT_EXIT: core::cell::Cell<Option<AtExit>> = const { core::cell::Cell::new(None) };
    }
    static COUNTERS: (ShardedCounter, CounterSlab) = (ShardedCounter::new(), CounterSlab::new());
    COUNTERS.1.counter().unwrap();
    for before in [true, false] {
        thread::spawn(move || {
            if before {
                AT_EXIT.set(Some(AtExit(&COUNTERS)));
            }
            COUNTERS.0.increment();
            AT_EXIT.set(Some(AtExit(&COUNTERS)));
        })
        .join()
        .unwrap();
    }
    // The first thread replaced one value by another, which counted too.
    assert_eq!((COUNTERS.0.sum(), COUNTERS.1.get(0).unwrap().sum()), (5, 3));
}

#[test]
fn everything_is_shared_and_has_a_debug_form() {
    fn is<T: Send + Sync + core::fmt::Debug>(value: &T) -> String {
        format!("{value:?}")
    }
    let slab = CounterSlab::new();
    assert_eq!(is(&Counter::new(1)), "Counter(1)");
    assert_eq!(is(&SignedCounter::new(-1)), "SignedCounter(-1)");
    assert_eq!(is(&ShardedCounter::new()), "ShardedCounter { sum: 0, .. }");
    assert_eq!(is(&SignedShardedCounter::new()), "SignedShardedCounter { sum: 0, .. }");
    assert_eq!(is(&slab.counter().unwrap()), "SlabCounter { id: 0, sum: 0, .. }");
    assert_eq!(is(&slab), "CounterSlab { len: 1, .. }");
}
