//! All that a counter can do, stopped anywhere; and what is called wait-free, counted.
//!
//! A sum looks at the cells of all threads that are there, so where one is taken those that were stopped go on
//! in the end.
#![cfg(stepped)]

use core::time::Duration;
use std::sync::Arc;

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SignedCounter, SignedShardedCounter};
use testkit::progress::{assert_steps, pause_anywhere, steps, stop_anywhere};

const ROUNDS: u64 = 200;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

macro_rules! stopped_in_a_shared_word {
    ($test:ident, $Counter:ident, $first:expr, $more:expr) => {
        #[test]
        fn $test() {
            let accesses = stop_anywhere(
                concat!(stringify!($Counter), ", all that it does"),
                shared(|| $Counter::new($first)),
                |own| {
                    let _ = (own.increment(), own.decrement(), own.add(3), own.sub(2), own.load());
                    let _ = (own.checked_add(1), own.checked_sub(1));
                    let _ = (own.saturating_add(1), own.saturating_sub(1));
                    own.store(own.take());
                },
                |own| {
                    for _ in 0..ROUNDS {
                        own.store(5);
                        let _ = (own.checked_add($more), own.saturating_sub(1), own.take());
                    }
                    assert_eq!(own.load(), 0);
                },
            );
            assert!(accesses >= 10);
        }
    };
}

stopped_in_a_shared_word!(
    a_thread_stopped_anywhere_in_a_plain_counter_blocks_nobody,
    Counter,
    10,
    2
);
stopped_in_a_shared_word!(
    a_thread_stopped_anywhere_in_a_signed_counter_blocks_nobody,
    SignedCounter,
    -5,
    -2
);

#[test]
fn a_thread_stopped_anywhere_in_a_signed_sharded_counter_blocks_nobody() {
    let accesses = pause_anywhere(
        "SignedShardedCounter, all that it does",
        shared(SignedShardedCounter::new),
        |own| {
            own.increment();
            own.decrement();
            own.add(5);
            own.sub(4);
            let _ = (own.sum(), own.take_delta(&mut 0));
        },
        |own| {
            (0..ROUNDS).for_each(|_| own.add(2));
            let sum = own.sum() - 2 * i64::try_from(ROUNDS).unwrap();
            assert!((0..=5).contains(&sum), "{sum}");
        },
    );
    assert!(accesses >= 8);
}

#[test]
fn a_thread_stopped_anywhere_in_a_reading_blocks_nobody() {
    let accesses = pause_anywhere(
        "ShardedCounter, all that it does",
        shared(ShardedCounter::new),
        |own| {
            let _ = own.delta_reader().take();
            own.add(1);
            own.increment();
            let _ = (own.sum(), own.take_delta(&mut 0), own.delta_reader().taken());
            let _ = own.sum_within(Duration::ZERO, Duration::ZERO);
        },
        |own| {
            (0..ROUNDS).for_each(|_| own.increment());
            assert!((ROUNDS..=ROUNDS + 2).contains(&own.sum()));
        },
    );
    assert!(accesses >= 8);
}

#[test]
fn a_thread_stopped_anywhere_in_a_slab_blocks_nobody() {
    let accesses = pause_anywhere(
        "CounterSlab, all that it does",
        shared(CounterSlab::new),
        |slab| {
            let _ = (slab.len(), slab.is_empty(), slab.iter().count(), slab.get(0).is_some());
            let own = slab.counter().unwrap();
            own.add(1);
            own.increment();
            let _ = (own.sum(), own.take_delta(&mut 0), slab.get(own.id()).is_some());
        },
        |slab| {
            let own = slab.counter().unwrap();
            (0..ROUNDS).for_each(|_| own.increment());
            assert_eq!(own.sum(), ROUNDS);
            assert!(slab.len() <= 2 && slab.iter().count() <= 2);
        },
    );
    assert!(accesses >= 8);
}

#[test]
fn a_change_of_a_plain_counter_is_one_step() {
    let own = Counter::new(5);
    assert_steps("Counter::add", steps(|| own.add(2)).1, 1);
    assert_steps("Counter::sub", steps(|| own.sub(2)).1, 1);
    assert_steps("Counter::decrement", steps(|| own.decrement()).1, 1);
    assert_steps("Counter::load", steps(|| own.load()).1, 1);
    assert_steps("Counter::store", steps(|| own.store(1)).1, 1);
    let own = ShardedCounter::new();
    own.increment();
    assert_steps("ShardedCounter::add", steps(|| own.add(2)).1, 3);
    let (_, taken) = steps(|| own.take_delta(&mut 0));
    assert!(taken > 0);
}
