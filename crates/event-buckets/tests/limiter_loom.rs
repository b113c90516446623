//! Models of the limiters.
#![cfg(loom)]

use core::{hash::BuildHasherDefault, time::Duration};
use std::{hash::DefaultHasher, sync::Arc};

use event_buckets::{KeyedLimiter, Quota, RateLimiter};
use lockfree_core::clock::ManualClock;
use testkit::model::{Model, must_fail, thread};

const NANOSECOND: Duration = Duration::from_nanos(1);
const MILLI: Duration = Duration::from_millis(1);

fn limiter(quota: Quota) -> Arc<RateLimiter<ManualClock>> {
    Arc::new(RateLimiter::with_clock(quota, ManualClock::new()))
}

fn gcra(interval: u64, burst: u32) -> Quota {
    Quota::gcra(1, Duration::from_nanos(interval)).unwrap().with_burst(burst).unwrap()
}

/// Of two threads that ask twice each three are admitted.
#[test]
fn one_word_admits_exactly_its_quota() {
    Model::new("one_word_admits_exactly_its_quota", 1600).check(|| {
        let limiter = limiter(Quota::fixed(3, MILLI).unwrap());
        let ask = |limiter: &RateLimiter<_>| {
            (0..2).filter(|_| limiter.acquire_at(NANOSECOND, 1).is_ok()).count()
        };
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || ask(&limiter)
        });
        let admitted = ask(&limiter) + other.join().unwrap();
        assert_eq!((admitted, limiter.available()), (3, 0));
    });
}

/// The same by a look and a step that are not one: too many.
#[test]
fn twin_looking_before_taking_admits_too_many() {
    must_fail("twin_looking_before_taking_admits_too_many", "too many", || {
        let counter =
            Arc::new(event_buckets::SharedEventCounter::with_clock(MILLI, 1, ManualClock::new()));
        let ask = |counter: &event_buckets::SharedEventCounter<_>| {
            let admitted = counter.count(MILLI) < 1;
            counter.add_at(0, admitted.into());
            usize::from(admitted)
        };
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || ask(&counter)
        });
        let admitted = ask(&counter) + other.join().unwrap();
        assert!(admitted <= 1, "too many");
    });
}

/// One of a burst of 1, at once or soon after; three of a burst of 3, long after: four of neither.
const SHORT: (u64, u32) = (1, 1);
const LONG: (u64, u32) = (100, 3);

#[test]
fn version_shows_all_its_words() {
    Model::new("version_shows_all_its_words", 60).check(|| {
        let limiter = limiter(gcra(SHORT.0, SHORT.1));
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || limiter.reconfigure(gcra(LONG.0, LONG.1)).unwrap()
        });
        assert_eq!(limiter.acquire_at(Duration::ZERO, 4).unwrap_err().retry_after(), None);
        other.join().unwrap();
        assert!(limiter.acquire_at(300 * NANOSECOND, 3).is_ok());
    });
}

#[test]
fn reused_places_are_noticed() {
    Model::new("reused_places_are_noticed", 1980).check(|| {
        let limiter = limiter(gcra(SHORT.0, SHORT.1));
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || (0..2).for_each(|_| limiter.reconfigure(gcra(LONG.0, LONG.1)).unwrap())
        });
        assert_eq!(limiter.acquire_at(Duration::ZERO, 4).unwrap_err().retry_after(), None);
        other.join().unwrap();
    });
}

#[test]
fn version_is_the_last_that_was_stored() {
    Model::new("version_is_the_last_that_was_stored", 90).check(|| {
        let limiter = limiter(gcra(SHORT.0, SHORT.1));
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || limiter.reconfigure(gcra(LONG.0, LONG.1)).unwrap()
        });
        limiter.reconfigure(gcra(SHORT.0, SHORT.1)).unwrap();
        other.join().unwrap();
        limiter.reconfigure(gcra(7, 7)).unwrap();
        assert_eq!(limiter.acquire_at(Duration::ZERO, 8).unwrap_err().retry_after(), None);
        assert!(limiter.acquire_at(100 * NANOSECOND, 7).is_ok());
    });
}

/// Who sees that the window has gone on sees from where.
#[test]
fn head_shows_the_marks_of_a_window() {
    Model::new("head_shows_the_marks_of_a_window", 316).check(|| {
        let limiter = limiter(Quota::sliding(1, MILLI).unwrap());
        assert!(limiter.acquire_at(Duration::ZERO, 1).is_ok());
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || limiter.acquire_at(2 * MILLI, 1).is_ok()
        });
        let own = limiter.acquire_at(3 * MILLI, 1).is_ok();
        let other = other.join().unwrap();
        assert!(own != other, "one of the two: {own} {other}");
        assert!(
            limiter.acquire_at(5 * MILLI, 1).is_ok() && limiter.acquire_at(6 * MILLI, 1).is_err()
        );
    });
}

/// Two threads whose clocks are a ring apart: never more than the limit in a window.
#[test]
fn a_window_that_a_slow_thread_asks_for_is_not_emptier() {
    Model::new("a_window_that_a_slow_thread_asks_for_is_not_emptier", 4880).check(|| {
        let limiter = limiter(Quota::sliding(2, MILLI).unwrap());
        assert!(limiter.acquire_at(2 * MILLI, 1).is_ok());
        let other = thread::spawn({
            let limiter = Arc::clone(&limiter);
            move || limiter.acquire_at(6 * MILLI, 2).is_ok()
        });
        // Once the other has asked, these are of its tick.
        let own = [3, 3].map(|tick| limiter.acquire_at(tick * MILLI, 1).is_ok());
        assert!(own != [true, true] || !other.join().unwrap());
        assert!(
            limiter.acquire_at(9 * MILLI, 2).is_ok() && limiter.acquire_at(9 * MILLI, 1).is_err()
        );
    });
}

type Keyed = KeyedLimiter<u32, ManualClock, BuildHasherDefault<DefaultHasher>>;

/// A table of one line, with one event in 100 nanoseconds for each key.
fn keyed() -> Arc<Keyed> {
    let hasher = BuildHasherDefault::default();
    let keyed = Keyed::with_clock_and_hasher(gcra(100, 1), 1, ManualClock::new(), hasher);
    Arc::new(keyed.unwrap())
}

fn ask(keyed: &Keyed, nanos: u64, key: u32) -> usize {
    usize::from(keyed.acquire_at(Duration::from_nanos(nanos), &key, 1).is_ok())
}

/// One thread finds the first word taken and claims the second, the other one finds it free.
#[test]
fn one_word_is_all_that_a_key_gets() {
    Model::new("one_word_is_all_that_a_key_gets", 1670).check(|| {
        let keyed = keyed();
        assert_eq!(ask(&keyed, 0, 1), 1);
        let other = thread::spawn({
            let keyed = Arc::clone(&keyed);
            move || ask(&keyed, 99, 7)
        });
        let own = ask(&keyed, 100, 7);
        assert!(own + other.join().unwrap() <= 1);
        assert_eq!(ask(&keyed, 299, 7), 1);
    });
}

/// One thread finds all words taken and is admitted by the shared one, the other one finds one free.
#[test]
fn one_word_with_the_shared_one_is_all_that_a_key_gets() {
    Model::new("one_word_with_the_shared_one_is_all_that_a_key_gets", 1770).check(|| {
        let keyed = keyed();
        assert_eq!((ask(&keyed, 0, 1), ask(&keyed, 0, 2)), (1, 1));
        let other = thread::spawn({
            let keyed = Arc::clone(&keyed);
            move || ask(&keyed, 99, 7)
        });
        let own = ask(&keyed, 100, 7);
        assert!(own + other.join().unwrap() <= 1);
    });
}

/// 2^40 units later a time looks like one to come.
#[test]
fn swept_words_owe_nothing() {
    const LATER: u64 = (1 << 40) + 50;
    Model::new("swept_words_owe_nothing", 250).preemptions(1).check(|| {
        let keyed = keyed();
        assert_eq!(ask(&keyed, 0, 7), 1);
        let other = thread::spawn({
            let keyed = Arc::clone(&keyed);
            move || ask(&keyed, LATER, 1)
        });
        assert_eq!(ask(&keyed, LATER, 7), 1);
        assert_eq!(other.join().unwrap(), 1);
        assert_eq!(ask(&keyed, LATER, 7), 0);
    });
}
