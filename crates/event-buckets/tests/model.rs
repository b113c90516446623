//! Property tests against lists of all that ever happened.
#![cfg(all(not(loom), feature = "std"))]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "times that are compared in floats are below 2^52"
)]

use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::ManualClock;
use proptest::{collection::vec, prelude::*};

/// Pauses: none, within a bucket, to its very end, some buckets, longer than the history, for ever.
fn pauses(width: u64) -> impl Strategy<Value = u64> {
    let edges = [0, 1, width - 1, width, width + 1, 7 * width, (1 << 32) * width, 1 << 59];
    prop_oneof![0..width, 0..20 * width, prop::sample::select(edges.to_vec())]
}

/// Every event with its time.
#[derive(Default)]
struct Events {
    at: BTreeMap<u64, u64>,
    width: u64,
    buckets: u64,
}

impl Events {
    /// Events from `first` to the bucket of now.
    fn since(&self, first: u64) -> u64 {
        self.at.range(first * self.width..).map(|(_, n)| n).sum()
    }

    fn count(&self, now: u64, window: u64) -> u64 {
        let buckets = window.div_ceil(self.width).min(self.buckets);
        let first = (now / self.width + 1).saturating_sub(buckets);
        if buckets == 0 { 0 } else { self.since(first) }
    }

    /// Each bucket's events, spread evenly over it; over the part that has passed in the present one.
    fn interpolated(&self, now: u64, window: u64) -> f64 {
        let window = window.min(self.width * self.buckets);
        let begin = now.saturating_sub(window) as f64;
        let mut buckets = BTreeMap::new();
        for (time, n) in &self.at {
            *buckets.entry(time / self.width).or_insert(0) += n;
        }
        let parts = buckets.iter().map(|(&bucket, &n)| {
            let start = (bucket * self.width) as f64;
            let end = ((bucket + 1) * self.width).min(now) as f64;
            let inside = (end - begin.max(start)).max(0.0);
            // A bucket that has just begun lies in every window.
            let whole = end - start;
            if whole == 0.0 {
                n as f64 * f64::from(u8::from(window > 0))
            } else {
                n as f64 * (inside / whole).min(1.0)
            }
        });
        parts.sum()
    }

    fn history(&self, now: u64) -> Vec<u64> {
        let present = now / self.width;
        let ticks = (0..self.buckets).rev().map(|age| present.checked_sub(age));
        let of = |tick: u64| self.at.range(tick * self.width..(tick + 1) * self.width);
        ticks.map(|tick| tick.map_or(0, |tick| of(tick).map(|(_, n)| n).sum())).collect()
    }
}

macro_rules! counts_as_the_list_does {
    ($name:ident, $Counter:ident) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]
            #[test]
            fn $name(
                width in prop_oneof![Just(1_u64), Just(1000), Just(1 << 20), 2..5000_u64],
                buckets in 1..12_usize,
                seed in vec((any::<prop::sample::Index>(), 0..5_u64, 0..40_u64), 1..60),
                steps in vec(pauses(1000), 60),
            ) {
                let clock = ManualClock::new();
                let counter = $Counter::with_clock(Duration::from_nanos(width), buckets, &clock);
                let mut events = Events { width, buckets: buckets as u64, ..Events::default() };
                let mut now = 0_u64;
                for ((index, n, windows), pause) in seed.into_iter().zip(steps) {
                    // In units of buckets and nanoseconds both.
                    let scaled = u128::from(pause) * u128::from(width) / 1000;
                    let pause = if index.index(2) == 0 { pause } else { scaled.min(1 << 60) as u64 };
                    if now + pause > 1 << 62 { break; }
                    now += pause;
                    clock.advance(Duration::from_nanos(pause));
                    counter.add(n);
                    *events.at.entry(now).or_default() += n;

                    let total = events.since(0);
                    prop_assert_eq!(counter.total(), total);
                    for window in [0, 1, width, windows * width, windows * width + index.index(width as usize) as u64] {
                        let asked = Duration::from_nanos(window);
                        let count = events.count(now, window);
                        prop_assert_eq!(counter.count(asked), count);
                        let whole = window.div_ceil(width).min(buckets as u64) * width;
                        let rate = if whole == 0 { 0.0 } else { count as f64 * 1e9 / whole as f64 };
                        prop_assert!((counter.rate(asked) - rate).abs() <= 1e-9 * rate);
                        // Where nanoseconds are exact in a float.
                        if now < 1 << 52 {
                            let close = events.interpolated(now, window);
                            let ours = counter.count_interpolated(asked);
                            prop_assert!((ours - close).abs() <= 1e-6 * close.max(1.0), "{} {}", ours, close);
                        }
                    }
                    let snapshot = counter.snapshot();
                    prop_assert_eq!(&snapshot.counts, &events.history(now));
                    prop_assert_eq!(snapshot.counts.iter().sum::<u64>() + snapshot.evicted, total);
                    prop_assert_eq!((snapshot.evicted, snapshot.total), (counter.evicted(), total));
                    prop_assert_eq!(counter.late(), 0);
                }
            }
        }
    };
}

counts_as_the_list_does!(an_event_counter_counts_as_the_list_does, EventCounter);
counts_as_the_list_does!(a_shared_event_counter_counts_as_the_list_does, SharedEventCounter);

/// The most that were admitted in a stretch of time as long as `window`.
fn most_within(admitted: &[(u64, u64)], window: u64) -> u64 {
    let from =
        |i: usize| admitted[i..].iter().take_while(move |one| one.0 <= admitted[i].0 + window);
    (0..admitted.len()).map(|i| from(i).map(|one| one.1).sum()).max().unwrap_or(0)
}

proptest! {
    #[test]
    fn a_fixed_window_admits_what_the_reference_does(
        limit in 1..9_u32,
        window in prop_oneof![Just(1_000_000_u64), 9..5000_u64],
        steps in vec((0..4_u32, pauses(1000)), 1..80),
    ) {
        let clock = ManualClock::new();
        let quota = Quota::fixed(limit, Duration::from_nanos(window)).unwrap();
        let limiter = RateLimiter::with_clock(quota, &clock);
        let (mut now, mut used) = (0, HashMap::new());
        for (n, pause) in steps {
            if now + pause > 1 << 62 { break; }
            now += pause;
            clock.advance(Duration::from_nanos(pause));
            let used = used.entry(now / window).or_insert(0);
            prop_assert_eq!(limiter.available(), limit - *used);
            let fits = n == 0 || *used + n <= limit;
            prop_assert_eq!(limiter.peek(n).is_ok(), fits);
            match limiter.acquire(n) {
                Ok(()) => { prop_assert!(fits); *used += n; }
                Err(denied) => {
                    prop_assert!(!fits);
                    let left = (n <= limit).then(|| Duration::from_nanos(window - now % window));
                    prop_assert_eq!(denied.retry_after(), left);
                }
            }
        }
    }

    #[test]
    fn gcra_admits_what_the_reference_does(
        burst in 1..9_u32,
        interval in prop_oneof![Just(1000_u64), 1..5000_u64],
        steps in vec((0..4_u32, pauses(1000)), 1..80),
    ) {
        let clock = ManualClock::new();
        let quota = Quota::gcra(1, Duration::from_nanos(interval)).unwrap().with_burst(burst).unwrap();
        let limiter = RateLimiter::with_clock(quota, &clock);
        // A leaky bucket, as its level in nanoseconds.
        let (mut now, mut level, mut admitted) = (0, 0_u64, vec![]);
        for (n, pause) in steps {
            if now + pause > 1 << 62 { break; }
            now += pause;
            level = level.saturating_sub(pause);
            clock.advance(Duration::from_nanos(pause));
            let (size, cost) = (interval * u64::from(burst), interval * u64::from(n));
            let fits = level + cost <= size;
            match limiter.acquire(n) {
                Ok(()) => { prop_assert!(fits); level += cost; admitted.push((now, n.into())); }
                Err(denied) => {
                    prop_assert!(!fits);
                    let after = (n <= burst).then(|| Duration::from_nanos(level + cost - size));
                    prop_assert_eq!(denied.retry_after(), after);
                }
            }
        }
        for window in [0, 1, interval, 3 * interval, 100 * interval] {
            prop_assert!(most_within(&admitted, window) <= u64::from(burst) + window / interval);
        }
    }

    /// Also while it is reconfigured: never more than the largest limit in the smallest window.
    #[test]
    fn a_sliding_window_never_admits_more_in_any_window(
        limit in 1..9_u32,
        steps in vec((0..4_u32, pauses(62_500), 0..10_u32), 1..150),
    ) {
        const WINDOW: u64 = 1_000_000;
        let quota = |limit, window| Quota::sliding(limit, Duration::from_nanos(window)).unwrap();
        let clock = ManualClock::new();
        let limiter = RateLimiter::with_clock(quota(limit, WINDOW), &clock);
        let (mut now, mut admitted) = (0, vec![]);
        for (n, pause, change) in steps {
            let pause = pause.min(1 << 40);
            now += pause;
            clock.advance(Duration::from_nanos(pause));
            match change {
                0 => limiter.reconfigure(quota(1, WINDOW)).unwrap(),
                1 => limiter.reconfigure(quota(limit, 3 * WINDOW)).unwrap(),
                2 => limiter.reconfigure(quota(limit, WINDOW)).unwrap(),
                _ => {}
            }
            let peeked = limiter.peek(n);
            match limiter.acquire(n) {
                Ok(()) => admitted.push((now, u64::from(n))),
                // Whoever comes back when he is told to is admitted, and not before.
                Err(denied) => {
                    prop_assert_eq!(peeked, Err(denied));
                    if let Some(after) = denied.retry_after() {
                        now += after.as_nanos() as u64 - 1;
                        clock.advance(after.saturating_sub(Duration::from_nanos(1)));
                        prop_assert!(limiter.peek(n).is_err());
                        now += 1;
                        clock.advance(Duration::from_nanos(1));
                        prop_assert!(limiter.acquire(n).is_ok());
                        admitted.push((now, u64::from(n)));
                    }
                }
            }
        }
        prop_assert!(most_within(&admitted, WINDOW) <= u64::from(limit));
    }

    #[test]
    fn each_key_is_a_limiter_of_its_own_while_there_is_room(
        burst in 1..6_u32,
        interval in prop_oneof![Just(1_000_000_u64), 1..5000_u64],
        steps in vec((0..4_u32, 0..3_u32, pauses(1000)), 1..100),
    ) {
        let clock = ManualClock::new();
        let quota = Quota::gcra(1, Duration::from_nanos(interval)).unwrap().with_burst(burst).unwrap();
        // Three keys, and seven places in the least of tables.
        let keyed = KeyedLimiter::<u32, _>::with_clock(quota, 7, &clock).unwrap();
        let own: [_; 4] = core::array::from_fn(|_| RateLimiter::with_clock(quota, &clock));
        let mut now = 0;
        for (key, n, pause) in steps {
            if now + pause > 1 << 62 { break; }
            now += pause;
            clock.advance(Duration::from_nanos(pause));
            prop_assert_eq!(keyed.peek(&key, n), own[key as usize].peek(n));
            prop_assert_eq!(keyed.acquire(&key, n), own[key as usize].acquire(n));
        }
    }

    /// However many keys crowd a table of seven: none is ever admitted more than its quota.
    #[test]
    fn no_key_is_admitted_more_than_its_quota(
        steps in vec((0..30_u32, 1..3_u32, 0..2000_u64), 1..400),
    ) {
        const INTERVAL: u64 = 10_000;
        const BURST: u32 = 4;
        let clock = ManualClock::new();
        let quota = Quota::gcra(1, Duration::from_nanos(INTERVAL)).unwrap().with_burst(BURST).unwrap();
        let keyed = KeyedLimiter::<u32, _>::with_clock(quota, 7, &clock).unwrap();
        let (mut now, mut admitted) = (0, HashMap::<u32, Vec<_>>::new());
        for (key, n, pause) in steps {
            now += pause;
            clock.advance(Duration::from_nanos(pause));
            if keyed.acquire(&key, n).is_ok() {
                admitted.entry(key).or_default().push((now, n.into()));
            }
        }
        for admitted in admitted.values() {
            for window in [0, INTERVAL, 3 * INTERVAL, 10 * INTERVAL] {
                prop_assert!(most_within(admitted, window) <= u64::from(BURST) + window / INTERVAL);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// In steady demand a sliding window is as good as full: 16 of its 17 parts.
    #[test]
    fn a_sliding_window_admits_nearly_its_limit(limit in 17..200_u32, demand in 1..4_u32) {
        let clock = ManualClock::new();
        let quota = Quota::sliding(limit, Duration::from_millis(16)).unwrap();
        let limiter = RateLimiter::with_clock(quota, &clock);
        let mut admitted = 0_u64;
        for _ in 0..1600_u32 {
            (0..demand * limit / 16).for_each(|_| admitted += u64::from(limiter.check().is_ok()));
            clock.advance(Duration::from_micros(100));
        }
        // Ten windows, and what the first holds at once.
        let (least, most) = (u64::from(limit) * 10 * 16 / 17 - 10, u64::from(limit) * 11);
        let offered = u64::from(demand * limit / 16) * 1600;
        prop_assert!((least.min(offered)..=most).contains(&admitted), "{} {} {}", least, admitted, most);
    }
}
