//! What a caller sees, on one thread.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    cell::{Cell, RefCell},
    time::Duration,
};

use event_buckets::{
    BadBuckets, BadQuota, EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter,
};
use lockfree_core::clock::{Clock, ManualClock};
use static_assertions::assert_impl_all;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

assert_impl_all!(EventCounter: Send, Sync, core::fmt::Debug);
assert_impl_all!(SharedEventCounter: Send, Sync, core::fmt::Debug);
assert_impl_all!(RateLimiter: Send, Sync, core::fmt::Debug);
assert_impl_all!(KeyedLimiter<str>: Send, Sync, core::fmt::Debug);

/// A clock that breaks its promise.
#[derive(Default)]
struct Unsteady(Cell<u64>);

impl Clock for Unsteady {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.get())
    }
}

mod counters {
    use super::*;

    macro_rules! tests {
        ($Counter:ident, $module:ident) => {
            mod $module {
                use super::*;

                #[test]
                fn windows_are_rounded_up_and_never_one_too_many() {
                    let clock = ManualClock::new();
                    let events = $Counter::with_clock(SECOND, 10, &clock);
                    for second in 0..10 {
                        events.add(1 << second);
                        clock.advance(SECOND);
                    }
                    // The tenth second has just begun: it is empty, and the first is too old.
                    assert_eq!(events.count(10 * SECOND), 1022);
                    assert_eq!(events.count(SECOND), 0);
                    assert_eq!(events.count(SECOND + Duration::from_nanos(1)), 512);
                    assert_eq!(events.count(Duration::MAX), 1022);
                    assert_eq!(events.count(Duration::ZERO), 0);
                    assert!((events.count_interpolated(10 * SECOND) - 1023.0).abs() < 1e-9);
                    assert!((events.rate(2 * SECOND) - 256.0).abs() < 1e-9);
                    assert!((events.rate_interpolated(2 * SECOND) - 384.0).abs() < 1e-9);
                    assert!((events.rate_interpolated(Duration::MAX) - 102.3).abs() < 1e-9);
                    assert_eq!(events.history(), [2, 4, 8, 16, 32, 64, 128, 256, 512, 0]);
                    assert_eq!((events.total(), events.evicted(), events.late()), (1023, 1, 0));
                }

                #[test]
                fn rates_of_nothing_are_zero() {
                    let events = $Counter::new(MILLI, 3);
                    for window in [Duration::ZERO, MILLI, Duration::MAX] {
                        assert_eq!(events.rate(window).to_bits(), 0);
                        assert_eq!(events.rate_interpolated(window).to_bits(), 0);
                    }
                    events.increment();
                    assert_eq!(events.rate_interpolated(Duration::ZERO).to_bits(), 0);
                }

                #[test]
                fn arguments_that_make_no_sense_are_refused() {
                    let refused = |width, buckets| $Counter::try_new(width, buckets).err();
                    assert_eq!(refused(Duration::ZERO, 1), Some(BadBuckets::WidthIsZero));
                    assert_eq!(refused(Duration::MAX, 1), Some(BadBuckets::WidthTooLong));
                    assert_eq!(refused(SECOND, 0), Some(BadBuckets::NoBuckets));
                    assert_eq!(refused(SECOND, usize::MAX), Some(BadBuckets::TooManyBuckets));
                }

                #[test]
                #[should_panic(expected = "a history needs at least one bucket")]
                fn new_panics_with_the_error() {
                    let _ = $Counter::new(SECOND, 0);
                }

                #[test]
                fn an_idle_gap_of_any_length_leaves_nothing_behind() {
                    for shift in 0..63 {
                        let clock = ManualClock::new();
                        let events = $Counter::with_clock(Duration::from_nanos(1), 5, &clock);
                        for gap in [1 << shift, (1 << shift) - 1, (1 << shift) + 5] {
                            events.add(3);
                            let before = events.total();
                            let then = clock.now_nanos();
                            let gap = Duration::from_nanos(gap);
                            if clock.advance(gap).as_nanos() - u128::from(then) < 5 {
                                continue;
                            }
                            let seen = (events.count(Duration::MAX), events.evicted());
                            assert_eq!(seen, (0, before), "{gap:?}");
                            events.add(4);
                            let seen = (events.count(Duration::MAX), events.total());
                            assert_eq!(seen, (4, before + 4), "{gap:?}");
                            clock.advance(Duration::from_nanos(100));
                        }
                        assert_eq!(events.late(), 0);
                    }
                }

                #[test]
                fn buckets_outlive_each_power_of_two() {
                    for shift in 3..63 {
                        let clock = ManualClock::new();
                        let events = $Counter::with_clock(Duration::from_nanos(1), 5, &clock);
                        clock.advance(Duration::from_nanos((1 << shift) - 2));
                        for _ in 0..4 {
                            events.increment();
                            clock.advance(Duration::from_nanos(1));
                        }
                        assert_eq!(events.count(Duration::MAX), 4, "{shift}");
                    }
                }

                #[test]
                fn a_clock_that_steps_back_is_held() {
                    let clock = Unsteady(Cell::new(3_500_000));
                    let events = $Counter::with_clock(MILLI, 4, clock);
                    events.add(2);
                    events.clock().0.set(9_500_000);
                    events.add(5);
                    events.clock().0.set(2_000_000);
                    events.add(7);
                    assert_eq!(events.total(), 14);
                    let seen = events.snapshot();
                    assert_eq!(seen.began, 9 * MILLI, "the newest bucket is the present one");
                    assert_eq!(events.count(4 * MILLI), seen.counts.iter().sum());
                    assert!(events.count(MILLI) >= 5, "the newest bucket is the present one");
                    assert!(events.count(4 * MILLI) <= 12, "what is 6 ms older is too old");
                    events.clock().0.set(10_500_000);
                    events.add(1);
                    assert_eq!((events.total(), events.count(MILLI)), (15, 1));
                }

                #[test]
                fn ticks_can_be_given() {
                    let clock = ManualClock::new();
                    let events = $Counter::with_clock(MILLI, 4, &clock);
                    clock.advance(20 * MILLI);
                    let tick = events.tick_of(clock.now());
                    assert_eq!(tick, 20);
                    events.increment_at(tick);
                    events.add_at(tick, 4);
                    assert_eq!((events.count(MILLI), events.late()), (5, 0));
                    // As old as a lap of the ring, of which the place holds a newer one.
                    events.add_at(tick - 8, 2);
                    assert_eq!((events.total(), events.late()), (7, 2));
                    assert_eq!((events.count(MILLI), events.evicted()), (7, 0));
                    clock.advance(MILLI);
                    events.add_at(tick + 1, 3);
                    assert_eq!((events.count(MILLI), events.count(2 * MILLI)), (3, 10));
                }

                #[test]
                fn large_adds_do_not_carry() {
                    let clock = ManualClock::new();
                    let events = $Counter::with_clock(MILLI, 4, &clock);
                    let mut total = 0;
                    for n in [3, 70_000, u64::from(u32::MAX), 1 << 31, (1 << 31) - 1, 1 << 40, 3] {
                        events.add(n);
                        total += n;
                        assert_eq!(events.total(), total);
                        let snapshot = events.snapshot();
                        assert_eq!(snapshot.counts.iter().sum::<u64>() + snapshot.evicted, total);
                        assert_eq!(snapshot.began, Duration::ZERO);
                    }
                    clock.advance(MILLI);
                    events.add(1);
                    assert_eq!((events.count(MILLI), events.total()), (1, total + 1));
                }

                #[test]
                fn it_tells_its_shape() {
                    let events = $Counter::new(MILLI, 3);
                    assert_eq!((events.bucket(), events.buckets()), (MILLI, 3));
                    assert!(format!("{events:?}").contains("total: 0"));
                }
            }
        };
    }
    tests!(EventCounter, sharded);
    tests!(SharedEventCounter, shared);

    #[test]
    fn threads_without_a_slot_are_counted() {
        struct Late(std::sync::Arc<EventCounter>);
        impl Drop for Late {
            fn drop(&mut self) {
                self.0.add(5);
                self.0.increment_at(0);
            }
        }
        thread_local!(static LATE: RefCell<Option<Late>> = const { RefCell::new(None) });
        let events = std::sync::Arc::new(EventCounter::new(Duration::from_hours(1), 2));
        let shared = std::sync::Arc::clone(&events);
        // The destructor that was registered first runs last, or first: both ways it is counted.
        std::thread::spawn(move || {
            LATE.set(Some(Late(std::sync::Arc::clone(&shared))));
            shared.increment();
        })
        .join()
        .unwrap();
        assert_eq!((events.total(), events.count(Duration::MAX)), (7, 7));
    }
}

#[test]
fn quotas_that_make_no_sense_are_refused() {
    type Make = fn(u32, Duration) -> Result<Quota, BadQuota>;
    let makes: [Make; 3] = [Quota::fixed, Quota::sliding, Quota::gcra];
    for make in makes {
        assert_eq!(make(0, SECOND), Err(BadQuota::LimitIsZero));
        assert_eq!(make(1, Duration::ZERO), Err(BadQuota::PeriodIsZero));
        assert_eq!(make(1, Duration::MAX), Err(BadQuota::TooLong));
        assert_eq!(make(u32::MAX, MILLI), Err(BadQuota::TooMany));
        assert!(make(1, SECOND).is_ok());
    }
    assert_eq!(Quota::sliding(1, Duration::from_micros(999)), Err(BadQuota::TooShort));
    let gcra = Quota::gcra(1, Duration::from_hours(24)).unwrap();
    assert_eq!(gcra.with_burst(0), Err(BadQuota::LimitIsZero));
    assert_eq!(gcra.with_burst(u32::MAX), Err(BadQuota::TooLong));
    let fixed = Quota::fixed(1, SECOND).unwrap();
    assert_eq!(fixed.with_burst(2), Err(BadQuota::OtherKind));
    assert!(KeyedLimiter::<u32>::new(fixed, 1).is_err());
}

#[test]
fn a_fixed_window_begins_anew_at_each_multiple() {
    let clock = ManualClock::new();
    let limiter = RateLimiter::with_clock(Quota::fixed(3, SECOND).unwrap(), &clock);
    for _ in 0..3 {
        clock.advance(Duration::from_millis(300));
        assert_eq!(limiter.available(), 3);
        assert!(limiter.peek(3).is_ok() && limiter.acquire(3).is_ok());
        let denied = limiter.check().unwrap_err();
        assert_eq!(denied.retry_after(), Some(Duration::from_millis(700)));
        clock.advance(Duration::from_millis(700) - Duration::from_nanos(1));
        assert!(limiter.check().is_err());
        clock.advance(Duration::from_nanos(1));
    }
    assert_eq!(limiter.acquire(4).unwrap_err().retry_after(), None);
    assert!(limiter.acquire(0).is_ok());
}

#[test]
fn gcra_works_off_one_an_interval() {
    let clock = ManualClock::new();
    let quota = Quota::gcra(1000, SECOND).unwrap().with_burst(5).unwrap();
    let limiter = RateLimiter::with_clock(quota, &clock);
    assert!(limiter.acquire(5).is_ok());
    assert_eq!(limiter.acquire(2).unwrap_err().retry_after(), Some(2 * MILLI));
    assert_eq!(limiter.acquire_at(MILLI, 1), Ok(()));
    clock.advance(3 * MILLI);
    assert_eq!(limiter.available(), 2);
    clock.advance(Duration::from_hours(1));
    assert_eq!(limiter.available(), 5);
}

#[test]
fn a_sliding_window_forgets_by_sixteenths() {
    let clock = ManualClock::new();
    let quota = Quota::sliding(4, Duration::from_millis(16)).unwrap();
    let limiter = RateLimiter::with_clock(quota, &clock);
    for _ in 0..4 {
        assert!(limiter.check().is_ok());
        clock.advance(MILLI);
    }
    // The first was in tick 0, which no window reaches from tick 17 on.
    let denied = limiter.check().unwrap_err();
    assert_eq!(denied.retry_after(), Some(13 * MILLI));
    assert_eq!(limiter.acquire(2).unwrap_err().retry_after(), Some(14 * MILLI));
    assert_eq!(limiter.acquire(5).unwrap_err().retry_after(), None);
    clock.advance(13 * MILLI);
    assert_eq!(limiter.available(), 1);
    assert!(limiter.check().is_ok() && limiter.peek(1).is_err());
    clock.advance(Duration::from_hours(100_000));
    assert!(limiter.acquire(4).is_ok() && limiter.check().is_err());
}

#[test]
fn a_limiter_is_reconfigured_while_it_runs() {
    let clock = ManualClock::new();
    let quota = |limit, window| Quota::sliding(limit, window).unwrap();
    let limiter = RateLimiter::with_clock(quota(4, SECOND), &clock);
    assert!(limiter.acquire(4).is_ok());
    limiter.reconfigure(quota(6, SECOND)).unwrap();
    assert_eq!(limiter.available(), 2);
    limiter.reconfigure(quota(2, SECOND)).unwrap();
    assert_eq!(limiter.available(), 0);
    limiter.reconfigure(quota(4, 3 * SECOND)).unwrap();
    clock.advance(2 * SECOND);
    assert_eq!(limiter.available(), 0);
    let out_of_scale = [62_499_999, 3_875_000_001].map(Duration::from_nanos);
    for window in out_of_scale {
        assert_eq!(limiter.reconfigure(quota(1, window)), Err(BadQuota::OutOfScale));
    }
    // The marks are of sixteenths of the first window, and 62 of them make the longest.
    for window in [SECOND / 16, 62 * SECOND / 16] {
        limiter.reconfigure(quota(1, window)).unwrap();
    }
    let gcra = Quota::gcra(2, SECOND).unwrap();
    assert_eq!(limiter.reconfigure(gcra), Err(BadQuota::OtherKind));

    let limiter = RateLimiter::with_clock(gcra, &clock);
    assert!(limiter.acquire(2).is_ok());
    assert_eq!(limiter.reconfigure(quota(1, SECOND)), Err(BadQuota::OtherKind));
    // What was owed for a second at the old rate is a full bucket at the new one, not a hundred.
    limiter.reconfigure(Quota::gcra(200, SECOND).unwrap().with_burst(2).unwrap()).unwrap();
    assert_eq!(limiter.check().unwrap_err().retry_after(), Some(5 * MILLI));
    limiter.reconfigure(Quota::fixed(9, SECOND).unwrap()).unwrap();
    clock.advance(SECOND);
    assert_eq!(limiter.available(), 9);
}

#[test]
fn a_clock_that_steps_back_makes_no_limiter_looser() {
    let quotas = [
        Quota::fixed(3, 16 * MILLI).unwrap(),
        Quota::sliding(3, 16 * MILLI).unwrap(),
        Quota::gcra(3, 16 * MILLI).unwrap(),
    ];
    for quota in quotas {
        let limiter = RateLimiter::with_clock(quota, Unsteady(Cell::new(1_000_000_000)));
        assert!(limiter.acquire(3).is_ok());
        for back in [999_999_999, 900_000_000, 1_000_000, 0] {
            limiter.clock().0.set(back);
            assert!(limiter.check().is_err(), "{quota:?} {back}");
        }
        limiter.clock().0.set(1_100_000_000);
        assert!(limiter.acquire(3).is_ok(), "{quota:?}");
    }
}

#[test]
fn who_waits_is_admitted_in_the_end() {
    let limiter = RateLimiter::new(Quota::gcra(1000, SECOND).unwrap().with_burst(1).unwrap());
    for _ in 0..5 {
        limiter.block_until_ready(1).unwrap();
    }
    assert!(limiter.clock().now() >= 4 * MILLI);
    assert_eq!(limiter.block_until_ready(2).unwrap_err().retry_after(), None);

    let quota = Quota::gcra(1000, SECOND).unwrap().with_burst(1).unwrap();
    let keyed = KeyedLimiter::<str>::new(quota, 10).unwrap();
    (0..3).for_each(|_| keyed.block_until_ready("ada", 1).unwrap());
    assert!(keyed.clock().now() >= 2 * MILLI);
}

#[test]
fn who_awaits_is_admitted_in_the_end() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let quota = Quota::sliding(1, MILLI).unwrap();
    let (limiter, keyed) = (RateLimiter::new(quota), {
        let quota = Quota::gcra(1000, SECOND).unwrap().with_burst(1).unwrap();
        KeyedLimiter::<str>::new(quota, 10).unwrap()
    });
    runtime.block_on(async {
        for _ in 0..5 {
            limiter.until_ready(1, tokio::time::sleep).await.unwrap();
            keyed.until_ready("ada", 1, tokio::time::sleep).await.unwrap();
        }
        assert!(limiter.until_ready(2, tokio::time::sleep).await.is_err());
    });
    assert!(limiter.clock().now() >= 4 * MILLI);
}

/// 584 years, or somebody's tick that is none.
#[test]
fn the_last_moment_of_a_clock_is_one_like_others() {
    const NANOSECOND: Duration = Duration::from_nanos(1);
    let clock = ManualClock::new();
    let (own, one) = (
        EventCounter::with_clock(NANOSECOND, 2, &clock),
        SharedEventCounter::with_clock(NANOSECOND, 2, &clock),
    );
    for tick in [1, u64::MAX - 1, u64::MAX, u64::MAX] {
        own.increment_at(tick);
        one.increment_at(tick);
    }
    let all = own.snapshot();
    assert_eq!(all.counts.iter().sum::<u64>() + all.evicted, all.total);
    // A thread's last two buckets are one.
    assert_eq!((all.total, own.evicted(), own.count(NANOSECOND)), (4, all.evicted, 3));
    let all = one.snapshot();
    assert_eq!((all.counts, all.evicted, all.total), (vec![1, 2], 1, 4));
    assert_eq!((one.count(NANOSECOND), one.count(2 * NANOSECOND), one.evicted()), (2, 3, 1));

    for quota in [Quota::fixed(1, SECOND), Quota::sliding(1, SECOND), Quota::gcra(1, SECOND)] {
        let limiter = RateLimiter::with_clock(quota.unwrap(), &clock);
        assert!(limiter.acquire_at(Duration::MAX, 1).is_ok());
    }
    for period in [SECOND, MILLI] {
        let quota = Quota::gcra(1, period).unwrap();
        let keyed = KeyedLimiter::<u32, _>::with_clock(quota, 1, &clock).unwrap();
        let admitted = [0; 2].map(|key| keyed.acquire_at(Duration::MAX, &key, 1).is_ok());
        assert_eq!(admitted, [true, false]);
    }
}

/// A clock that does not begin at 0, as that of the Unix epoch: at any time a limiter begins afresh.
#[test]
fn a_sliding_window_begins_whenever_the_clock_does() {
    let tick = Duration::from_nanos(1_000_000 / 16);
    for ticks in [1_u64 << 32, (1 << 40) - (1 << 32) + 1, (1 << 40) - 1, 1 << 40, 3 << 39] {
        let clock = ManualClock::new();
        clock.set(Duration::from_nanos(ticks * 62_500)).unwrap();
        let limiter = RateLimiter::with_clock(Quota::sliding(2, MILLI).unwrap(), &clock);
        for round in 0..100 {
            assert!(limiter.acquire(2).is_ok() && limiter.check().is_err(), "{ticks} {round}");
            clock.advance(17 * tick);
        }
    }
}
