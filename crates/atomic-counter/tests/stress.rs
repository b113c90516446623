//! Real threads that come and go, with readers all along.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use std::{thread, time::Instant};

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SignedShardedCounter};
use testkit::stress::scaled;

const THREADS: u64 = 100;
const WAVE: u64 = 25;

/// Runs `work` on 100 threads, 25 at a time, while `watch` is called again and again.
fn in_waves(work: impl Fn() + Sync, mut watch: impl FnMut() + Send) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !ended.load(Relaxed) {
                watch();
                thread::yield_now();
            }
            watch();
        });
        for _ in 0..THREADS / WAVE {
            let wave: Vec<_> = (0..WAVE).map(|_| scope.spawn(&work)).collect();
            for thread in wave {
                thread.join().unwrap();
            }
        }
        ended.store(true, Relaxed);
        watcher.join().unwrap();
    });
}

#[test]
fn a_hundred_threads_lose_no_count_and_deltas_add_up() {
    let each = scaled(1_000_000);
    let counter = ShardedCounter::new();
    let (mut reader, mut deltas, mut last) = (counter.delta_reader(), 0, 0);
    in_waves(
        || (0..each).for_each(|_| counter.increment()),
        || {
            let sum = counter.sum();
            assert!(sum >= last && sum <= THREADS * each, "{last}, then {sum}");
            last = sum;
            deltas += reader.take();
            assert!(deltas >= sum, "{sum}, then {deltas}");
        },
    );
    assert_eq!((counter.sum(), last, deltas), (THREADS * each, THREADS * each, THREADS * each));
}

#[test]
fn a_hundred_threads_lose_no_count_in_one_word() {
    let each = scaled(20_000);
    let (counter, mut last) = (Counter::new(0), 0);
    in_waves(
        || (0..each).for_each(|_| _ = counter.increment()),
        || {
            let now = counter.load();
            assert!(now >= last);
            last = now;
        },
    );
    assert_eq!(counter.take(), THREADS * each);
}

#[test]
fn takers_share_a_count_among_them() {
    let each = scaled(20_000);
    let (counter, mut taken) = (Counter::new(0), 0);
    in_waves(|| (0..each).for_each(|_| _ = counter.increment()), || taken += counter.take());
    assert_eq!(taken, THREADS * each);
}

#[test]
fn checked_counters_never_leave_their_range() {
    const LIMIT: u64 = 3;
    let each = scaled(5_000);
    let counter = Counter::new(u64::MAX - LIMIT);
    in_waves(
        || {
            for _ in 0..each {
                if counter.checked_add(1).is_ok() {
                    counter.checked_sub(1).unwrap();
                }
            }
        },
        || assert!(counter.load() >= u64::MAX - LIMIT),
    );
    assert_eq!(counter.load(), u64::MAX - LIMIT);
}

#[test]
fn ups_and_downs_cancel_out() {
    let each = scaled(30_000);
    let (counter, mut baseline, mut deltas) = (SignedShardedCounter::new(), 0, 0);
    in_waves(
        || {
            for _ in 0..each {
                counter.add(3);
                counter.sub(2);
                counter.decrement();
            }
        },
        || {
            deltas += counter.take_delta(&mut baseline);
            assert!((0..=3 * WAVE.cast_signed()).contains(&deltas), "{deltas}");
        },
    );
    assert_eq!((counter.sum(), deltas), (0, 0));
}

#[test]
fn a_slab_loses_no_count_while_counters_are_made() {
    let each = scaled(2_000);
    let slab = CounterSlab::new();
    in_waves(
        || {
            let own = slab.counter().unwrap();
            for _ in 0..each {
                own.increment();
                slab.iter().step_by(7).for_each(|counter| counter.add(2));
            }
        },
        || assert!(slab.iter().all(|counter| counter.sum() <= 2 * THREADS * each + each)),
    );
    assert_eq!(slab.len() as u64, THREADS);
    assert!(slab.iter().all(|counter| counter.sum() >= each));
    assert!(
        slab.iter().filter(|counter| counter.id() % 7 != 0).all(|counter| counter.sum() == each)
    );
}

#[test]
fn a_bounded_age_holds_under_fire() {
    let each = scaled(50_000);
    let (counter, start, mut last) = (ShardedCounter::new(), Instant::now(), 0);
    in_waves(
        || {
            for _ in 0..each {
                counter.increment();
            }
            assert!(counter.sum_within(Duration::ZERO, start.elapsed()) >= each, "its own adds");
        },
        || {
            let sum = counter.sum_within(Duration::from_micros(100), start.elapsed());
            assert!(sum >= last && sum <= counter.sum());
            last = sum;
        },
    );
    assert_eq!(counter.sum_within(Duration::ZERO, start.elapsed()), THREADS * each);
}
