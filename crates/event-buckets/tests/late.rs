//! Who stands still between the clock and the word, while others are admitted, is not denied for it.
#![cfg(all(not(loom), feature = "std"))]

use core::{cell::RefCell, time::Duration};

use event_buckets::{KeyedLimiter, Quota, RateLimiter};
use lockfree_core::clock::Clock;

const SECOND: Duration = Duration::from_secs(1);

/// A clock whose readings are given, in seconds.
struct Scripted(RefCell<Vec<u64>>);

impl Scripted {
    fn new(readings: &[u64]) -> Self {
        Self(RefCell::new(readings.iter().rev().copied().collect()))
    }
}

impl Clock for Scripted {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.borrow_mut().pop().expect("there is a reading for each look"))
    }
}

/// The start, somebody at 30, who read the clock at 10 and comes after him, and his second look.
const READINGS: [u64; 4] = [0, 30, 10, 40];

#[test]
fn a_limiter_looks_at_the_clock_again() {
    for quota in [Quota::gcra(1, SECOND), Quota::fixed(1, SECOND), Quota::sliding(1, SECOND)] {
        let limiter = RateLimiter::with_clock(quota.unwrap(), Scripted::new(&READINGS));
        assert_eq!(limiter.check(), Ok(()));
        // A sliding window takes the time of who was admitted, and so denies.
        let is_sliding = quota == Quota::sliding(1, SECOND);
        assert_eq!(limiter.check().is_err(), is_sliding, "{quota:?}");
    }
}

#[test]
fn a_keyed_limiter_looks_at_the_clock_again() {
    let quota = Quota::gcra(1, SECOND).unwrap();
    let clock = Scripted::new(&READINGS[2..]);
    let limiter = KeyedLimiter::<u32, _>::with_clock(quota, 8, clock).unwrap();
    assert_eq!(limiter.acquire_at(30 * SECOND, &7, 1), Ok(()));
    assert_eq!(limiter.check(&7), Ok(()));
}

/// A clock that stays behind is looked at twice and not waited for.
#[test]
fn a_clock_that_has_stepped_back_is_not_waited_for() {
    let quota = Quota::gcra(1, SECOND).unwrap();
    let limiter = RateLimiter::with_clock(quota, Scripted::new(&[0, 30, 10, 10]));
    assert_eq!(limiter.check(), Ok(()));
    assert!(limiter.check().is_err());
}
