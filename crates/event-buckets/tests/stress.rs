//! Real threads, with readers all along.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{collections::BTreeMap, sync::Mutex, thread};

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::{Clock, MonotonicClock};
use testkit::stress::scaled;

const MICRO: Duration = Duration::from_micros(1);
const MILLI: Duration = Duration::from_millis(1);
const THREADS: u64 = 5;

/// Runs `work` on some threads while `watch` is called again and again.
fn beside(threads: u64, work: impl Fn(u64) + Sync, mut watch: impl FnMut() + Send) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !ended.load(Relaxed) {
                watch();
                thread::yield_now();
            }
            watch();
        });
        let work = &work;
        let threads: Vec<_> = (0..threads).map(|i| scope.spawn(move || work(i))).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        ended.store(true, Relaxed);
        watcher.join().unwrap();
    });
}

/// 100 million events by `ATOMWORKS_STRESS=100`.
#[test]
fn a_million_events_in_buckets_of_a_microsecond_are_all_counted() {
    let each = scaled(1_000_000) / THREADS;
    let counter = EventCounter::new(MICRO, 10);
    let mut last = 0;
    beside(
        THREADS,
        |_| (0..each).for_each(|_| counter.increment()),
        || {
            let snapshot = counter.snapshot();
            assert_eq!(snapshot.counts.iter().sum::<u64>() + snapshot.evicted, snapshot.total);
            assert!(snapshot.total >= last && snapshot.total <= THREADS * each);
            last = counter.total();
            assert!(last >= snapshot.total);
        },
    );
    assert_eq!((counter.total(), last), (THREADS * each, THREADS * each));
    assert_eq!(counter.late(), 0);
    thread::sleep(MILLI);
    assert_eq!((counter.count(Duration::MAX), counter.evicted()), (0, THREADS * each));
}

#[test]
fn a_million_events_in_one_ring_are_all_counted() {
    let each = scaled(1_000_000) / THREADS;
    let counter = SharedEventCounter::new(MICRO, 10);
    beside(
        THREADS,
        |_| (0..each).for_each(|_| counter.increment()),
        || {
            let snapshot = counter.snapshot();
            assert_eq!(snapshot.counts.iter().sum::<u64>() + snapshot.evicted, snapshot.total);
            assert!(snapshot.total <= THREADS * each);
        },
    );
    assert_eq!(counter.total(), THREADS * each);
    thread::sleep(MILLI);
    assert_eq!((counter.count(Duration::MAX), counter.evicted()), (0, THREADS * each));
}

/// Ticks that each thread draws from one count and may bring late: every event is where its tick says,
/// or tallied.
#[test]
fn what_is_not_in_its_bucket_is_late() {
    let each = scaled(200_000) / THREADS;
    let (ticks, counter) = (AtomicU64::new(0), SharedEventCounter::new(Duration::from_hours(1), 3));
    beside(
        THREADS,
        |_| (0..each).for_each(|_| counter.add_at(ticks.fetch_add(1, Relaxed) / 50, 3)),
        || assert!(counter.late() <= 3 * THREADS * each),
    );
    assert_eq!(counter.total(), 3 * THREADS * each);
}

#[test]
fn threads_that_come_and_go_lose_nothing() {
    let (waves, each) = (scaled(40), 500);
    let counter = EventCounter::new(MICRO, 5);
    for _ in 0..waves {
        beside(THREADS, |_| (0..each).for_each(|_| counter.increment()), || ());
    }
    assert_eq!(counter.total(), waves * THREADS * each);
}

/// An admission: the time just before, the time just after, and how many.
type Admitted = Vec<(u64, u64, u64)>;

/// Hammers a limiter from 8 threads for a while, and from each so often at least.
fn hammer(clock: MonotonicClock, acquire: impl Fn(u64, u32) -> bool + Sync) -> Admitted {
    let end = clock.now_nanos() + 1_000_000 * scaled(150);
    let all = Mutex::new(vec![]);
    thread::scope(|scope| {
        for i in 0..8_u32 {
            let (all, acquire) = (&all, &acquire);
            scope.spawn(move || {
                let (mut own, n) = (vec![], 1 + i % 3);
                for tries in 0.. {
                    let before = clock.now_nanos();
                    if before > end && tries >= 1000 {
                        break;
                    }
                    if acquire(before, n) {
                        own.push((before, clock.now_nanos(), u64::from(n)));
                    }
                }
                all.lock().unwrap().extend(own);
            });
        }
    });
    let mut all = all.into_inner().unwrap();
    all.sort_unstable();
    all
}

/// The most that were surely admitted in a stretch of time as long as `window`.
fn most_within(admitted: &Admitted, window: u64) -> u64 {
    let from = |i: usize| {
        let end = admitted[i].0 + window;
        let begun = admitted[i..].iter().take_while(move |one| one.0 <= end);
        begun.filter(move |one| one.1 <= end).map(|one| one.2).sum()
    };
    (0..admitted.len()).map(from).max().unwrap_or(0)
}

#[test]
fn eight_threads_get_no_more_than_a_fixed_window() {
    let clock = MonotonicClock::new();
    let limiter = RateLimiter::with_clock(Quota::fixed(100, 2 * MILLI).unwrap(), clock);
    let admitted = hammer(clock, |now, n| limiter.acquire_at(Duration::from_nanos(now), n).is_ok());
    let mut windows = BTreeMap::new();
    for (time, _, n) in admitted {
        *windows.entry(time / 2_000_000).or_insert(0) += n;
    }
    assert!(
        windows.len() as u64 > scaled(10) && windows.values().all(|&n| n <= 100),
        "{windows:?}"
    );
    assert!(windows.values().any(|&n| n == 100));
}

#[test]
fn eight_threads_get_no_more_than_a_sliding_window() {
    let clock = MonotonicClock::new();
    let limiter = RateLimiter::with_clock(Quota::sliding(100, 2 * MILLI).unwrap(), clock);
    let admitted = hammer(clock, |_, n| limiter.acquire(n).is_ok());
    let most = most_within(&admitted, 2_000_000);
    assert!((90..=100).contains(&most), "{most}");
}

#[test]
fn eight_threads_get_no_more_than_gcra() {
    let clock = MonotonicClock::new();
    let quota = Quota::gcra(50_000, Duration::from_secs(1)).unwrap().with_burst(30).unwrap();
    let limiter = RateLimiter::with_clock(quota, clock);
    let admitted = hammer(clock, |_, n| limiter.acquire(n).is_ok());
    for window in [0, 20_000, 100_000, 5_000_000] {
        let most = most_within(&admitted, window);
        assert!(most <= 30 + window / 20_000, "{most} in {window}");
    }
    assert!(most_within(&admitted, 100_000_000) >= 30);
}

#[test]
fn eight_threads_with_few_keys_get_no_more_than_each_key_may() {
    let clock = MonotonicClock::new();
    let quota = Quota::gcra(10_000, Duration::from_secs(1)).unwrap().with_burst(5).unwrap();
    // Ten keys in a table of seven: they crowd each other out, again and again.
    let limiter = KeyedLimiter::<u64, _>::with_clock(quota, 7, clock).unwrap();
    let (draws, admitted) = (AtomicU64::new(0), Mutex::new(vec![]));
    let admitted_at_all = hammer(clock, |before, n| {
        let key = draws.fetch_add(7, Relaxed) % 10;
        let ok = limiter.acquire(&key, n).is_ok();
        if ok {
            admitted.lock().unwrap().push((key, (before, clock.now_nanos(), n.into())));
        }
        ok
    });
    let admitted = admitted.into_inner().unwrap();
    assert_eq!(admitted.len(), admitted_at_all.len());
    for key in 0..10 {
        let mut of_key: Admitted = vec![];
        of_key.extend(admitted.iter().filter(|one| one.0 == key).map(|one| one.1));
        of_key.sort_unstable();
        for window in [0, 100_000, 1_000_000, 10_000_000] {
            let most = most_within(&of_key, window);
            assert!(most <= 5 + window / 100_000, "{most} of {key} in {window}");
        }
    }
}

/// Never more than the largest limit in the smallest window, and what is torn would be far more.
#[test]
fn a_limiter_keeps_its_contract_while_it_is_reconfigured() {
    let clock = MonotonicClock::new();
    let quotas = [(100, 1), (50, 3), (10, 1)];
    let quotas = quotas.map(|(limit, millis)| Quota::sliding(limit, millis * MILLI).unwrap());
    let limiter = RateLimiter::with_clock(quotas[0], clock);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        for offset in 0..2 {
            let (limiter, ended) = (&limiter, &ended);
            scope.spawn(move || {
                for i in offset.. {
                    limiter.reconfigure(quotas[i % 3]).unwrap();
                    if ended.load(Relaxed) {
                        break;
                    }
                }
            });
        }
        let admitted = hammer(clock, |_, n| limiter.acquire(n).is_ok());
        ended.store(true, Relaxed);
        let most = most_within(&admitted, 1_000_000);
        assert!((10..=100).contains(&most), "{most}");
    });
}
