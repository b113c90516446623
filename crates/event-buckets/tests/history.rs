//! What real threads saw at one time of the clock is what one thread could have seen.
#![cfg(all(not(loom), feature = "std"))]

use core::time::Duration;

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::ManualClock;
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, on_threads},
    stress::scaled,
};

const THREADS: usize = 3;
const OPERATIONS: usize = 12;
const SECOND: Duration = Duration::from_secs(1);

/// How many events there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Events(u64);

#[derive(Clone, Copy, Debug)]
enum Call {
    Add(u64),
    Total,
    Count,
}
use Call::{Add, Count, Total};

impl Spec for Events {
    type Operation = Call;
    type Outcome = u64;

    fn apply(&mut self, call: &Call) -> u64 {
        match *call {
            Add(n) => {
                self.0 += n;
                0
            }
            Total | Count => self.0,
        }
    }
}

fn counts(most: u64, counter: impl Fn() -> Box<dyn Fn(Call) -> u64 + Sync>) {
    let choose = |random: u64| match random % 4 {
        0 | 1 => Add(1 + (random >> 32) % most),
        2 => Total,
        _ => Count,
    };
    for round in 0..scaled(300) {
        let counter = counter();
        let history = on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |call| counter(*call));
        check(&Events::default(), history);
    }
}

#[test]
fn the_shared_counter_is_linearizable_in_a_bucket() {
    counts(5, || {
        let counter = SharedEventCounter::with_clock(SECOND, 4, ManualClock::new());
        Box::new(move |call| match call {
            Add(n) => {
                counter.add(n);
                0
            }
            Total => counter.total(),
            Count => counter.count(SECOND),
        })
    });
}

#[test]
fn single_events_are_linearizable_in_a_bucket() {
    counts(1, || {
        let counter = EventCounter::with_clock(SECOND, 4, ManualClock::new());
        Box::new(move |call| match call {
            Add(_) => {
                counter.increment();
                0
            }
            Total => counter.total(),
            Count => counter.count(SECOND),
        })
    });
}

/// What two clients may still do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Left([u32; 2]);

#[derive(Clone, Copy, Debug)]
struct Acquire {
    client: usize,
    events: u32,
}

impl Spec for Left {
    type Operation = Acquire;
    type Outcome = bool;

    fn apply(&mut self, call: &Acquire) -> bool {
        let left = self.0[call.client].checked_sub(call.events);
        self.0[call.client] = left.unwrap_or(self.0[call.client]);
        left.is_some()
    }
}

const LIMIT: u32 = 12;

fn admissions(clients: u64, limiter: impl Fn(Quota) -> Box<dyn Fn(Acquire) -> bool + Sync>) {
    let choose = |random: u64| Acquire {
        client: usize::try_from(random % clients).unwrap(),
        events: 1 + u32::try_from(random >> 62).unwrap(),
    };
    for quota in
        [Quota::fixed(LIMIT, SECOND), Quota::sliding(LIMIT, SECOND), Quota::gcra(LIMIT, SECOND)]
    {
        for round in 0..scaled(100) {
            let limiter = limiter(quota.unwrap());
            let history =
                on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |call| limiter(*call));
            check(&Left([LIMIT; 2]), history);
        }
    }
}

#[test]
fn the_limiter_is_linearizable_at_one_time() {
    admissions(1, |quota| {
        let limiter = RateLimiter::with_clock(quota, ManualClock::new());
        Box::new(move |call| limiter.acquire(call.events).is_ok())
    });
}

#[test]
fn the_keyed_limiter_is_linearizable_at_one_time() {
    admissions(2, |quota| {
        let Ok(limiter) = KeyedLimiter::<usize, _>::with_clock(quota, 64, ManualClock::new())
        else {
            // A kind of quota that is for one limiter alone.
            let limiters = [0, 1].map(|_| RateLimiter::with_clock(quota, ManualClock::new()));
            return Box::new(move |call| limiters[call.client].acquire(call.events).is_ok());
        };
        Box::new(move |call| limiter.acquire(&call.client, call.events).is_ok())
    });
}

/// The oracle is worth what it refuses: one admission too many, one event too few.
#[test]
fn the_checker_refuses_one_too_many_and_one_too_few() {
    let recorder = Recorder::new();
    (0..=LIMIT).for_each(|_| _ = recorder.record(Acquire { client: 0, events: 1 }, || true));
    assert!(!is_linearizable(&Left([LIMIT; 2]), &recorder.take()));
    let recorder = Recorder::new();
    for (call, outcome) in [(Add(1), 0), (Add(1), 0), (Total, 1)] {
        recorder.record(call, || outcome);
    }
    assert!(!is_linearizable(&Events::default(), &recorder.take()));
}
