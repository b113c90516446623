//! Counters and limiters with a thread stopped anywhere, and their steps.
#![cfg(stepped)]

use core::time::Duration;
use std::sync::Arc;

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::{clock::ManualClock, slots};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLI: Duration = Duration::from_millis(1);
const ROUNDS: u64 = 300;
/// The most events that the victims count.
const VICTIMS: u64 = 8;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

fn sharded(buckets: usize) -> EventCounter<ManualClock> {
    EventCounter::with_clock(NANOSECOND, buckets, ManualClock::new())
}

fn in_one_ring(buckets: usize) -> SharedEventCounter<ManualClock> {
    SharedEventCounter::with_clock(NANOSECOND, buckets, ManualClock::new())
}

#[test]
fn a_thread_stopped_in_an_event_counter_blocks_nobody_and_loses_nothing() {
    let accesses = stop_anywhere(
        "EventCounter",
        shared(|| sharded(2)),
        |counter| {
            // No reads: they take longer with each thread that was stopped, and write nothing.
            counter.increment();
            counter.increment_at(1);
            counter.clock().advance(3 * NANOSECOND);
            counter.add(2);
            counter.add_at(0, 2);
        },
        |counter| {
            for round in 0..ROUNDS {
                counter.add_at(round, 1);
                let snapshot = counter.snapshot();
                assert_eq!(snapshot.counts.iter().sum::<u64>() + snapshot.evicted, snapshot.total);
                assert!((round + 1..=round + 1 + VICTIMS).contains(&snapshot.total));
            }
            counter.clock().advance(Duration::from_secs(1));
            counter.increment();
            assert_eq!(counter.count(NANOSECOND), 1);
        },
    );
    assert!(accesses >= 20);
}

#[test]
fn a_thread_stopped_in_a_shared_event_counter_blocks_nobody() {
    let accesses = stop_anywhere(
        "SharedEventCounter",
        shared(|| in_one_ring(2)),
        |counter| {
            counter.increment();
            counter.add_at(4, 2);
            counter.add_at(1, 1);
            counter.add_at(5, 1 << 20);
            counter.add_at(1 << 40, 1);
            let _ = (counter.snapshot(), counter.count(NANOSECOND), counter.late());
        },
        |counter| {
            for round in 0..ROUNDS {
                counter.add_at(round, 1);
                counter.add_at((1 << 40) + round, 1);
            }
            counter.clock().advance(Duration::from_nanos(1 << 50));
            counter.increment();
            assert_eq!(counter.count(NANOSECOND), 1);
            // What the victim has in its hands, and nothing else, may be missing.
            assert!(counter.total() > 2 * ROUNDS - 8, "{}", counter.total());
        },
    );
    assert!(accesses >= 15);
}

#[test]
fn a_thread_stopped_in_a_limiter_blocks_nobody() {
    let quotas = [
        ("RateLimiter, GCRA", Quota::gcra(1000, 16 * MILLI), Quota::gcra(500, 16 * MILLI)),
        ("RateLimiter, fixed", Quota::fixed(1000, 16 * MILLI), Quota::fixed(500, 16 * MILLI)),
        ("RateLimiter, sliding", Quota::sliding(1000, 16 * MILLI), Quota::sliding(500, 8 * MILLI)),
    ];
    for (name, quota, other) in quotas {
        let (quota, other) = (quota.unwrap(), other.unwrap());
        let accesses = stop_anywhere(
            name,
            shared(move || RateLimiter::with_clock(quota, ManualClock::new())),
            move |limiter| {
                limiter.check().unwrap();
                limiter.acquire_at(5 * MILLI, 2).unwrap();
                limiter.peek(3).unwrap();
                let _ = (limiter.available(), limiter.acquire(1001));
                limiter.reconfigure(other).unwrap();
                limiter.check().unwrap();
            },
            |limiter| {
                limiter.clock().advance(20 * MILLI);
                for window in 1..10 {
                    let admitted = (0..1100).filter(|_| limiter.check().is_ok()).count();
                    assert!((490..=1000).contains(&admitted), "{window}: {admitted}");
                    limiter.clock().advance(17 * MILLI);
                }
            },
        );
        assert!(accesses >= 20);
    }
}

#[test]
fn a_thread_stopped_in_a_keyed_limiter_blocks_nobody() {
    let quota = Quota::gcra(1, MILLI).unwrap().with_burst(2).unwrap();
    let accesses = stop_anywhere(
        "KeyedLimiter",
        shared(move || KeyedLimiter::<u32, _>::with_clock(quota, 7, ManualClock::new()).unwrap()),
        move |limiter| {
            // Nine keys: the last two share a word.
            (0..9).for_each(|key| _ = limiter.check(&key));
            let _ = (limiter.peek(&0, 1), limiter.busy());
            limiter.acquire_at(Duration::from_secs(100_000_000), &7, 1).unwrap();
            limiter.reconfigure(quota).unwrap();
        },
        |limiter| {
            limiter.clock().advance(Duration::from_secs(200_000_000));
            for _ in 0..20 {
                // Six: one word may be the victim's for the time of a burst.
                for key in 20..26 {
                    let admitted = (0..9).filter(|_| limiter.check(&key).is_ok()).count();
                    assert!((1..=2).contains(&admitted), "{key}: {admitted}");
                }
                limiter.clock().advance(5 * MILLI);
            }
        },
    );
    assert!(accesses >= 60);
}

/// The most steps of an operation, which two others disturb.
fn most<R>(operation: impl Fn() -> R, disturbance: impl Fn() + Sync) -> usize {
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
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    let counter = sharded(2);
    let add = || counter.increment_at(7);
    assert_steps("EventCounter::increment_at", most(add, add), 4);
    let time = AtomicU64::new(100);
    let next = || time.fetch_add(1, Relaxed);
    let rotate = || counter.increment_at(next());
    assert_steps("EventCounter::increment_at, a new bucket", most(rotate, rotate), 11);
    // The clock of these tests is one access.
    assert_steps("EventCounter::increment", most(|| counter.increment(), rotate), 4 + 1);
    let gap = || counter.increment_at(time.fetch_add(1 << 30, Relaxed));
    assert_steps("EventCounter::increment_at, after an idle gap", most(gap, add), 11);
    // For each cell 3, and 3 for each place; for the rest a word a place and two.
    let cells = || 2 * slots::high_water();
    let taken = most(|| counter.total(), rotate);
    assert_steps("EventCounter::total", taken, 12 + 2 * cells() + 6);
    let taken = most(|| counter.snapshot(), rotate);
    assert_steps("EventCounter::snapshot", taken, 1 + 24 + cells() * (1 + 3 + 3 * 4) + 12);

    let counter = in_one_ring(1);
    let time = AtomicU64::new(100);
    let rotate = || counter.increment_at(time.fetch_add(2, Relaxed));
    assert_steps("SharedEventCounter::increment_at", most(rotate, rotate), 5);
    let late = || counter.increment_at(3);
    assert_steps("SharedEventCounter::increment_at, late", most(late, rotate), 5);
    assert_steps("SharedEventCounter::total", most(|| counter.total(), rotate), 2 + 2);
}

/// Steps that are no loads: of what was admitted some, of a denial none.
#[test]
fn a_denial_takes_few_steps() {
    let denied = |name, quota: Quota, alone, bound| {
        let limiter = RateLimiter::with_clock(quota, ManualClock::new());
        let admit = steps(|| limiter.check().unwrap()).1;
        assert_steps(&format!("{name}, admitted alone"), admit, alone);
        while limiter.check().is_ok() {}
        let denial = most(|| limiter.check().unwrap_err(), || _ = limiter.check());
        assert_steps(&format!("{name}, denied"), denial, bound);
    };
    // The clock of these tests is one access.
    denied("RateLimiter::check, GCRA", Quota::gcra(3, MILLI).unwrap(), 7, 2 * 5 + 1);
    denied("RateLimiter::check, fixed", Quota::fixed(3, MILLI).unwrap(), 13, 2 * 11 + 1);
    denied(
        "RateLimiter::check, sliding",
        Quota::sliding(3, 16 * MILLI).unwrap(),
        13 + 2 * 17,
        12 + 2 * 17,
    );

    let quota = Quota::gcra(3, MILLI).unwrap();
    let limiter = KeyedLimiter::<u32, _>::with_clock(quota, 7, ManualClock::new()).unwrap();
    let first = steps(|| limiter.check(&1).unwrap()).1;
    assert_steps("KeyedLimiter::check, a new key", first, 60);
    assert_steps("KeyedLimiter::check", steps(|| limiter.check(&1).unwrap()).1, 7 + 1);
    limiter.check(&1).unwrap();
    let denial = most(|| limiter.check(&1).unwrap_err(), || _ = limiter.check(&1));
    assert_steps("KeyedLimiter::check, denied", denial, 7 + 1);
}
