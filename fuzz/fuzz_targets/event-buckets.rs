//! Counters and a limiter beside plain numbers, on a clock that is set by hand.
#![no_main]

use core::time::Duration;

use arbitrary::Arbitrary;
use event_buckets::{EventCounter, Quota, RateLimiter, SharedEventCounter};
use libfuzzer_sys::fuzz_target;
use lockfree_core::clock::ManualClock;

#[derive(Arbitrary, Debug)]
enum Step {
    Add(u16),
    Advance(u32),
    Leap(u64),
    Count(u64),
    Acquire(u16),
}

fuzz_target!(|input: (u32, u8, u16, u32, Vec<Step>)| {
    let (bucket, buckets, rate, period, steps) = input;
    let (bucket, buckets) = (u64::from(bucket).max(1), u64::from(buckets).max(1));
    let clock = ManualClock::new();
    let width = Duration::from_nanos(bucket);
    let sharded = EventCounter::with_clock(width, usize::try_from(buckets).unwrap(), &clock);
    let shared = SharedEventCounter::with_clock(width, usize::try_from(buckets).unwrap(), &clock);
    let quota = Quota::gcra(rate.into(), Duration::from_nanos(period.into())).ok();
    let limiter = quota.map(|quota| RateLimiter::with_clock(quota, &clock));
    let interval = u128::from(period).div_ceil(u128::from(rate).max(1));
    // When all that was admitted is worked off.
    let mut busy_until = 0_u128;
    let (mut now, mut events) = (0_u64, Vec::new());
    for step in steps {
        match step {
            Step::Add(n) => {
                sharded.add(n.into());
                shared.add(n.into());
                events.push((now / bucket, u64::from(n)));
            }
            Step::Advance(by) => {
                now += u64::from(by);
                clock.advance(Duration::from_nanos(by.into()));
            }
            Step::Leap(by) => {
                let by = by >> 16;
                now += by;
                clock.advance(Duration::from_nanos(by));
            }
            Step::Count(window) => {
                // A window is of whole buckets, the present one among them.
                let whole = window.div_ceil(bucket).clamp(1, buckets);
                let oldest = (now / bucket).saturating_sub(whole - 1);
                let inside = events.iter().filter(|(tick, _)| *tick >= oldest);
                let expected: u64 = inside.map(|(_, n)| n).sum();
                let window = Duration::from_nanos(window.max(1));
                assert_eq!((sharded.count(window), shared.count(window)), (expected, expected));
            }
            Step::Acquire(n) => {
                let Some(limiter) = &limiter else { continue };
                let (n, at) = (u128::from(n), u128::from(now));
                let done = busy_until.max(at) + n * interval;
                let fits = done <= at + u128::from(rate) * interval;
                assert_eq!(limiter.acquire(n.try_into().unwrap()).is_ok(), fits || n == 0);
                busy_until = if fits && n > 0 { done } else { busy_until };
            }
        }
        let total: u64 = events.iter().map(|(_, n)| n).sum();
        assert_eq!((sharded.total(), shared.total()), (total, total));
    }
});
