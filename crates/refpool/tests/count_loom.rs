//! Models of the count.
#![cfg(all(loom, feature = "std"))]

#[expect(dead_code, reason = "a count needs no pool")]
mod fixtures;

use core::panic::AssertUnwindSafe;
use std::{panic::catch_unwind, sync::Arc};

use fixtures::Plain;
use lockfree_core::sync::{
    AtomicUsize,
    Ordering::{Relaxed, Release},
};
use refpool::RefCount;
use testkit::model::{Model, must_fail, thread};

/// A count, what it counts, and a second thing that each holder writes for itself.
struct Counting {
    count: RefCount,
    parts: [Plain; 3],
}

impl Counting {
    fn new() -> Arc<Self> {
        Arc::new(Self { count: RefCount::new(), parts: core::array::from_fn(|_| Plain::new()) })
    }

    /// Writes its part, lets go, and if it was the last reads all.
    fn use_and_release(&self, part: usize) -> bool {
        self.parts[part].write(1);
        let last = self.count.release();
        if last {
            self.parts.iter().for_each(|part| part.write(part.read() + 1));
        }
        last
    }
}

#[test]
fn last_release_sees_what_every_holder_did() {
    Model::new("last_release_sees_what_every_holder_did", 51).check(|| {
        let counting = Counting::new();
        counting.count.retain();
        counting.count.retain();
        let others = [1, 2].map(|part| {
            let counting = Arc::clone(&counting);
            thread::spawn(move || counting.use_and_release(part))
        });
        let own = counting.use_and_release(0);
        let last = others.map(|other| other.join().unwrap());
        assert_eq!([own, last[0], last[1]].into_iter().filter(|last| *last).count(), 1);
        assert_eq!(counting.count.count(), 0);
    });
}

/// A reference is added while the last one goes: it is there, or it is not; and one is the last.
#[test]
fn a_reference_that_is_tried_for_lives_or_never_was() {
    Model::new("a_reference_that_is_tried_for_lives_or_never_was", 596).exhaustive().check(|| {
        let counting = Counting::new();
        let trying = {
            let counting = Arc::clone(&counting);
            thread::spawn(move || {
                let seen = counting.count.count();
                let added = counting.count.try_retain();
                assert!(seen > 0 || !added, "zero is final");
                added && counting.use_and_release(1)
            })
        };
        let own = counting.use_and_release(0);
        let other = trying.join().unwrap();
        assert!(own ^ other, "one is the last");
        assert!(!counting.count.try_retain());
        assert_eq!(counting.count.count(), 0);
    });
}

#[test]
fn of_two_that_come_late_none_comes_back_from_zero() {
    Model::new("of_two_that_come_late_none_comes_back_from_zero", 166).check(|| {
        let count = Arc::new(RefCount::new());
        let trying = [(); 2].map(|()| {
            let count = Arc::clone(&count);
            thread::spawn(
                move || if count.try_retain() { (true, count.release()) } else { (false, false) },
            )
        });
        let mut last = usize::from(count.release());
        for trying in trying {
            last += usize::from(trying.join().unwrap().1);
        }
        assert_eq!((last, count.count()), (1, 0));
    });
}

/// What a plain count does: a thread that has seen one reference adds another, to none.
#[test]
fn twin_plain_count_comes_back_from_zero() {
    must_fail("twin_plain_count_comes_back_from_zero", "back from zero", || {
        let count = Arc::new(AtomicUsize::new(1));
        let trying = {
            let count = Arc::clone(&count);
            thread::spawn(move || assert!(count.fetch_add(1, Relaxed) != 0, "back from zero"))
        };
        count.fetch_sub(1, Release);
        trying.join().unwrap();
    });
}

/// Two threads release what nobody has: both are told, and the count stays at zero.
#[test]
fn a_count_released_too_often_stays_at_zero() {
    Model::new("a_count_released_too_often_stays_at_zero", 10).check(|| {
        let count = Arc::new(RefCount::new());
        assert!(count.release());
        let other = {
            let count = Arc::clone(&count);
            thread::spawn(move || catch_unwind(AssertUnwindSafe(|| count.release())).is_err())
        };
        let refused = catch_unwind(AssertUnwindSafe(|| count.release())).is_err();
        assert_eq!((count.count(), count.try_retain()), (0, false));
        assert!(refused & other.join().unwrap(), "nobody had a reference");
        assert_eq!((count.count(), count.try_retain()), (0, false));
    });
}

/// Five is the limit of a model's counts. Two ask for a sixth while one lets go.
#[test]
fn a_count_at_its_limit_refuses_and_never_wraps() {
    Model::new("a_count_at_its_limit_refuses_and_never_wraps", 28).check(|| {
        let count = Arc::new(RefCount::new());
        (1..5).for_each(|_| count.retain());
        let asking = {
            let count = Arc::clone(&count);
            thread::spawn(move || catch_unwind(AssertUnwindSafe(|| count.retain())).is_ok())
        };
        let own = count.try_retain();
        assert!(!count.release());
        let other = asking.join().unwrap();
        let left = 4 + usize::from(own) + usize::from(other);
        assert!(left <= 5 && count.count() == left);
        for _ in 1..left {
            assert!(!count.release());
        }
        assert!(count.release());
    });
}
