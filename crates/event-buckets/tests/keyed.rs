//! A keyed limiter: keys of their own, what their words can hold, and how long.
#![cfg(all(not(loom), feature = "std"))]

use core::time::Duration;

use event_buckets::{BadQuota, KeyedLimiter, Quota};
use lockfree_core::clock::{Clock as _, ManualClock};

const SECOND: Duration = Duration::from_secs(1);

fn limiter(quota: Quota, keys: usize, clock: &ManualClock) -> KeyedLimiter<u32, &ManualClock> {
    KeyedLimiter::with_clock(quota, keys, clock).unwrap()
}

#[test]
fn keys_have_quotas_of_their_own() {
    let clock = ManualClock::new();
    let quota = Quota::gcra(10, SECOND).unwrap();
    let limiter = KeyedLimiter::<u32, _>::with_clock(quota, 1000, &clock).unwrap();
    for round in 0..5 {
        for key in 0..100 {
            assert!(limiter.peek(&key, 10).is_ok());
            assert!((0..10).all(|_| limiter.check(&key).is_ok()), "{key} {round}");
            let denied = limiter.check(&key).unwrap_err().retry_after().unwrap();
            assert!(denied <= Duration::from_micros(100_001), "{denied:?}");
        }
        assert_eq!(limiter.busy(), 100);
        // So long that times come back: a key that owes nothing still owes nothing.
        clock.advance(SECOND * 17_000 * (round + 1));
        assert_eq!(limiter.busy(), 0);
    }
    assert_eq!(limiter.acquire(&1, 11).unwrap_err().retry_after(), None);
    assert!(limiter.acquire_at(clock.now(), &1, 10).is_ok() && limiter.acquire(&2, 0).is_ok());
    limiter.reconfigure(Quota::gcra(20, SECOND).unwrap()).unwrap();
    assert!(limiter.acquire(&3, 20).is_ok() && limiter.check(&3).is_err());
    let far = Quota::gcra(1, Duration::from_hours(1)).unwrap();
    assert_eq!(limiter.reconfigure(far), Err(BadQuota::OutOfScale));
    let fast = Quota::gcra(1_000_000_000, SECOND).unwrap().with_burst(10).unwrap();
    assert_eq!(limiter.reconfigure(fast), Err(BadQuota::OutOfScale));
}

#[test]
fn there_is_room_for_as_many_keys_as_were_asked_for() {
    let clock = ManualClock::new();
    for (keys, capacity) in [(0, 7), (1, 7), (7, 7), (8, 14), (15, 28), (1000, 256 * 7)] {
        let limiter = limiter(Quota::gcra(1, SECOND).unwrap(), keys, &clock);
        assert_eq!(limiter.capacity(), capacity, "{keys}");
    }
}

#[test]
fn who_is_denied_is_told_how_long_in_coarse_units_too() {
    let clock = ManualClock::new();
    // An hour's debt is counted in units of 65 us.
    let limiter = limiter(Quota::gcra(10, Duration::from_hours(1)).unwrap(), 100, &clock);
    limiter.acquire(&1, 10).unwrap();
    for denied in [limiter.check(&1), limiter.peek(&1, 1)] {
        let wait = denied.unwrap_err().retry_after().unwrap();
        let expected = Duration::from_mins(6);
        assert!(wait >= expected && wait < expected + Duration::from_millis(1), "{wait:?}");
    }
}

#[test]
fn a_quota_is_too_much_for_new_and_reconfigure_alike() {
    let clock = ManualClock::new();
    let small = Quota::gcra(10, SECOND / 100).unwrap();
    let mut refused = 0;
    for burst in (1 << 20) - 2..(1 << 20) + 3 {
        let large = Quota::gcra(1_000_000_000, SECOND).unwrap().with_burst(burst).unwrap();
        let new = KeyedLimiter::<u32, _>::with_clock(large, 10, &clock).err();
        assert_eq!(limiter(small, 10, &clock).reconfigure(large).err(), new, "{burst}");
        assert!(new.is_none_or(|error| error == BadQuota::TooMany), "{burst}: {new:?}");
        refused += u32::from(new.is_some());
    }
    assert_eq!(refused, 2, "a burst is 2^20 at most");
}

#[test]
fn an_interval_is_sixteen_units_at_least() {
    let clock = ManualClock::new();
    // Units of 2^16 ns.
    let limiter = limiter(Quota::gcra(10, Duration::from_hours(1)).unwrap(), 100, &clock);
    let every = |nanos| Quota::gcra(1, Duration::from_nanos(nanos)).unwrap();
    limiter.reconfigure(every(16 << 16)).unwrap();
    assert_eq!(limiter.reconfigure(every((16 << 16) - 1)), Err(BadQuota::OutOfScale));
}

/// A word tells times of two eras apart. What it says is of the past when the next era begins, and what
/// is owed then is owed still.
#[test]
fn debts_outlive_eras() {
    const STEPS: u64 = 300_000;
    const STEP: Duration = Duration::from_secs(50);
    let clock = ManualClock::new();
    let limiter = limiter(Quota::gcra(4, 8 * STEP).unwrap(), 10, &clock);
    let mut admitted = 0;
    for _ in 0..STEPS {
        admitted += u64::from(limiter.check(&1).is_ok());
        clock.advance(STEP);
    }
    let owed = STEPS / 2 + 4;
    assert!((owed - 2..=owed).contains(&admitted), "{admitted} of {owed}");
}
