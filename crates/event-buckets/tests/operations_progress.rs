//! A thread stopped anywhere in what the other tests of progress leave out, and what is called wait-free.
#![cfg(stepped)]

use core::time::Duration;
use std::sync::Arc;

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::ManualClock;
use testkit::progress::{assert_steps, pause_anywhere, steps, stop_anywhere};

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLI: Duration = Duration::from_millis(1);

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

fn sharded() -> EventCounter<ManualClock> {
    let counter = EventCounter::with_clock(NANOSECOND, 2, ManualClock::new());
    counter.increment();
    counter
}

fn in_one_ring() -> SharedEventCounter<ManualClock> {
    let counter = SharedEventCounter::with_clock(NANOSECOND, 2, ManualClock::new());
    counter.increment();
    counter
}

/// Reads are paused and not stopped for ever: they take longer with each thread that has a shard.
#[test]
fn a_thread_stopped_in_a_reading_blocks_nobody() {
    pause_anywhere(
        "EventCounter, all readings",
        shared(sharded),
        |own| {
            let _ = (own.count(NANOSECOND), own.count_interpolated(NANOSECOND), own.total());
            let _ = (own.rate(NANOSECOND), own.rate_interpolated(NANOSECOND));
            let _ = (own.history(), own.snapshot(), own.evicted(), own.late());
        },
        |own| {
            (0..50).for_each(|_| own.increment());
            assert_eq!(own.total(), 51);
        },
    );
    pause_anywhere(
        "SharedEventCounter, all readings",
        shared(in_one_ring),
        |own| {
            let _ = (own.count(NANOSECOND), own.count_interpolated(NANOSECOND), own.total());
            let _ = (own.rate(NANOSECOND), own.rate_interpolated(NANOSECOND));
            let _ = (own.history(), own.snapshot(), own.evicted(), own.late());
            own.add(1);
            own.increment_at(0);
        },
        |own| {
            (0..50).for_each(|_| own.increment());
            assert!(own.total() >= 51);
        },
    );
}

#[test]
fn a_thread_stopped_in_a_limiter_blocks_nobody() {
    let quota = Quota::gcra(1000, MILLI).unwrap();
    stop_anywhere(
        "RateLimiter, KeyedLimiter, all that they do",
        shared(move || {
            let keyed = KeyedLimiter::<u32, _>::with_clock(quota, 7, ManualClock::new());
            (RateLimiter::with_clock(quota, ManualClock::new()), keyed.unwrap())
        }),
        move |own| {
            let (one, keyed) = &*own;
            let _ = (one.check(), one.acquire(2), one.acquire_at(MILLI, 1), one.peek(1));
            let _ = (one.available(), one.reconfigure(quota));
            let _ = (keyed.check(&1), keyed.acquire(&2, 2), keyed.acquire_at(MILLI, &3, 1));
            let _ = (keyed.peek(&1, 1), keyed.busy(), keyed.reconfigure(quota));
        },
        |own| {
            for _ in 0..10 {
                let _ = (own.0.check(), own.1.check(&9));
                own.0.clock().advance(MILLI);
                own.1.clock().advance(MILLI);
            }
            assert!(own.0.check().is_ok());
        },
    );
}

#[test]
fn additions_are_few_steps() {
    let counter = sharded();
    assert_steps("EventCounter::add", steps(|| counter.add(2)).1, 5);
    let counter = in_one_ring();
    assert_steps("SharedEventCounter::add", steps(|| counter.add(2)).1, 5);
    assert_steps("SharedEventCounter::increment", steps(|| counter.increment()).1, 5);
}
