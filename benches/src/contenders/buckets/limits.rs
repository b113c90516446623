//! Limiters: one that admits all, one that denies all, one with many keys.

use super::{Events, FAMILY, Hasty};
use crate::case::{Case, Contender, Role, Unit};
use crate::team::{self, BATCH, Job};
use core::num::NonZeroU32;
use core::{hint::black_box, time::Duration};
use event_buckets::{KeyedLimiter, Quota, RateLimiter};
use governor::clock::QuantaClock;
use governor::state::{InMemoryState, NotKeyed};
use lockfree_core::CachePadded;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A rate that nobody reaches, and one that everybody exceeds: an event an hour, or a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// A hundred million a second, and a burst of as many.
    Plenty,
    /// One an hour.
    Scarce,
}

/// What admits or denies.
pub trait Limit: Sync + Sized + 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// A limiter of this rate.
    fn new(rate: Rate) -> Self;
    /// One event, of a key where there are keys.
    fn admits(&self, key: u64) -> bool;
}

/// Calls a generic function for each limiter.
macro_rules! limiters {
    ($each:ident($($argument:expr),*)) => {
        vec![
            $each::<GcraLimiter>($($argument),*),
            $each::<SlidingLimiter>($($argument),*),
            $each::<Governor>($($argument),*),
            $each::<Ratelimiter>($($argument),*),
            $each::<LockedLimiter>($($argument),*),
        ]
    };
}

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, threads, contenders| Case {
        family: FAMILY,
        name: format!("{name}, {threads} thread{}", if threads == 1 { "" } else { "s" }),
        unit: Unit::Nanoseconds { threads },
        full_only: false,
        contenders,
    };
    let keyed = |threads| {
        vec![asks::<Keyed>(Rate::Plenty, threads), asks::<KeyedGovernor>(Rate::Plenty, threads)]
    };
    vec![
        case("admitted", 1, limiters!(asks(Rate::Plenty, 1))),
        case("admitted", 2, limiters!(asks(Rate::Plenty, 2))),
        case("denied", 1, limiters!(asks(Rate::Scarce, 1))),
        case("denied", 2, limiters!(asks(Rate::Scarce, 2))),
        case("1,000 keys", 1, keyed(1)),
        case("1,000 keys", 2, keyed(2)),
    ]
}

/// Each of `threads` asks; of plenty all must be admitted, of what is scarce one.
fn asks<L: Limit>(rate: Rate, threads: usize) -> Contender {
    let check = move || {
        let limiter = L::new(rate);
        let admitted = (0..100).filter(|_| limiter.admits(1)).count();
        right(rate, admitted as u64, 100)
    };
    Contender::new(L::NAME, L::PACKAGE, L::ROLE, check, move |budget| {
        let limiter = L::new(rate);
        let admitted = Mutex::new(0);
        let worker = |seat: u64| -> Job<'_> {
            let (limiter, admitted) = (&limiter, &admitted);
            Box::new(move |member| {
                let (mut operations, mut own) = (0, 0);
                while !member.is_over() {
                    let limiter = black_box(limiter);
                    for i in 0..BATCH {
                        own += u64::from(limiter.admits((i * 7 + seat) % 1000));
                    }
                    operations += BATCH;
                }
                *admitted.lock().unwrap_or_else(PoisonError::into_inner) += own;
                operations
            })
        };
        let seats = 0..threads as u64;
        let (sample, operations) = team::run(budget, seats.map(worker).collect());
        let admitted = *admitted.lock().unwrap_or_else(PoisonError::into_inner);
        right(rate, admitted, operations).map(|()| sample)
    })
}

fn right(rate: Rate, admitted: u64, asked: u64) -> Result<(), String> {
    let expected = match rate {
        Rate::Plenty => asked,
        Rate::Scarce => 1,
    };
    if admitted == expected { Ok(()) } else { Err(format!("{admitted} of {asked} admitted")) }
}

const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);

fn gcra(rate: Rate) -> Quota {
    let quota = match rate {
        Rate::Plenty => Quota::gcra(500_000_000, SECOND),
        Rate::Scarce => Quota::gcra(1, HOUR),
    };
    quota.expect("a quota")
}

/// Ours, as a leaky bucket.
#[derive(Debug)]
pub struct GcraLimiter(RateLimiter<Hasty>);

impl Limit for GcraLimiter {
    const NAME: &'static str = "GCRA";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new(rate: Rate) -> Self {
        Self(RateLimiter::with_clock(gcra(rate), Hasty::new()))
    }

    #[inline]
    fn admits(&self, _: u64) -> bool {
        self.0.check().is_ok()
    }
}

/// Ours, as a sliding window of a millisecond with the most that it takes, or of an hour.
#[derive(Debug)]
pub struct SlidingLimiter(RateLimiter<Hasty>);

impl Limit for SlidingLimiter {
    const NAME: &'static str = "sliding";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new(rate: Rate) -> Self {
        let quota = match rate {
            Rate::Plenty => Quota::sliding(4_000_000, Duration::from_millis(1)),
            Rate::Scarce => Quota::sliding(1, HOUR),
        };
        Self(RateLimiter::with_clock(quota.expect("a quota"), Hasty::new()))
    }

    #[inline]
    fn admits(&self, _: u64) -> bool {
        self.0.check().is_ok()
    }
}

/// Ours with keys.
#[derive(Debug)]
pub struct Keyed(KeyedLimiter<u64, Hasty>);

impl Limit for Keyed {
    const NAME: &'static str = "KeyedLimiter";
    const PACKAGE: Option<&'static str> = Some("event-buckets");
    const ROLE: Role = Role::Ours;

    fn new(_: Rate) -> Self {
        let quota = Quota::gcra(1_000_000, Duration::from_millis(1)).expect("a quota");
        Self(KeyedLimiter::with_clock(quota, 10_000, Hasty::new()).expect("a quota for keys"))
    }

    #[inline]
    fn admits(&self, key: u64) -> bool {
        self.0.check(&key).is_ok()
    }
}

/// `governor`, on the processor's counter too.
#[derive(Debug)]
pub struct Governor(governor::RateLimiter<NotKeyed, InMemoryState, QuantaClock>);

fn governors(rate: Rate) -> governor::Quota {
    match rate {
        Rate::Plenty => governor::Quota::per_second(NonZeroU32::new(500_000_000).expect("not 0")),
        Rate::Scarce => governor::Quota::with_period(HOUR).expect("not 0"),
    }
}

impl Limit for Governor {
    const NAME: &'static str = "governor";
    const PACKAGE: Option<&'static str> = Some("governor");

    fn new(rate: Rate) -> Self {
        Self(governor::RateLimiter::direct_with_clock(governors(rate), QuantaClock::default()))
    }

    #[inline]
    fn admits(&self, _: u64) -> bool {
        self.0.check().is_ok()
    }
}

impl Events for Governor {
    const NAME: &'static str = <Self as Limit>::NAME;
    const PACKAGE: Option<&'static str> = <Self as Limit>::PACKAGE;

    fn new() -> Self {
        Limit::new(Rate::Plenty)
    }

    #[inline]
    fn increment(&self) {
        let _ = black_box(self.0.check().is_ok());
    }

    fn sum(&self) -> u64 {
        u64::MAX
    }
}

/// `governor` with keys, in its own sharded table.
#[derive(Debug)]
pub struct KeyedGovernor(
    governor::RateLimiter<u64, governor::state::keyed::DashMapStateStore<u64>, QuantaClock>,
);

impl Limit for KeyedGovernor {
    const NAME: &'static str = "governor";
    const PACKAGE: Option<&'static str> = Some("governor");

    fn new(rate: Rate) -> Self {
        Self(governor::RateLimiter::dashmap_with_clock(governors(rate), QuantaClock::default()))
    }

    #[inline]
    fn admits(&self, key: u64) -> bool {
        self.0.check_key(&key).is_ok()
    }
}

/// `ratelimit`: a token bucket.
#[expect(missing_debug_implementations, reason = "it has none")]
pub struct Ratelimiter(ratelimit::Ratelimiter);

impl Limit for Ratelimiter {
    const NAME: &'static str = "ratelimit";
    const PACKAGE: Option<&'static str> = Some("ratelimit");

    fn new(rate: Rate) -> Self {
        let builder = match rate {
            Rate::Plenty => {
                let builder = ratelimit::Ratelimiter::builder(500_000_000);
                builder.max_tokens(500_000_000).initial_available(500_000_000)
            }
            Rate::Scarce => {
                let builder = ratelimit::Ratelimiter::builder(1).period(HOUR);
                builder.max_tokens(1).initial_available(1)
            }
        };
        Self(builder.build().expect("a limiter"))
    }

    #[inline]
    fn admits(&self, _: u64) -> bool {
        self.0.try_wait().is_ok()
    }
}

impl Events for Ratelimiter {
    const NAME: &'static str = <Self as Limit>::NAME;
    const PACKAGE: Option<&'static str> = <Self as Limit>::PACKAGE;

    fn new() -> Self {
        Limit::new(Rate::Plenty)
    }

    #[inline]
    fn increment(&self) {
        let _ = black_box(self.0.try_wait().is_ok());
    }

    fn sum(&self) -> u64 {
        u64::MAX
    }
}

/// A token bucket behind a lock.
#[derive(Debug)]
pub struct LockedLimiter {
    a_second: f64,
    burst: f64,
    held: CachePadded<Mutex<(Instant, f64)>>,
}

impl Limit for LockedLimiter {
    const NAME: &'static str = "Mutex";
    const PACKAGE: Option<&'static str> = None;

    fn new(rate: Rate) -> Self {
        let (a_second, burst) = match rate {
            Rate::Plenty => (5e8, 5e8),
            Rate::Scarce => (1.0 / 3600.0, 1.0),
        };
        Self { a_second, burst, held: CachePadded::new(Mutex::new((Instant::now(), burst))) }
    }

    #[inline]
    fn admits(&self, _: u64) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let passed = now.duration_since(held.0).as_secs_f64();
        *held = (now, (held.1 + passed * self.a_second).min(self.burst));
        let admits = held.1 >= 1.0;
        held.1 -= f64::from(u8::from(admits));
        admits
    }
}
