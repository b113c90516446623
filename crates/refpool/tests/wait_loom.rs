//! Models of those who wait. A wake-up that is lost would be a deadlock, which the model reports.
#![cfg(all(loom, feature = "std"))]

mod fixtures;

use core::{future::poll_fn, panic::AssertUnwindSafe, task::Poll};
use std::{panic::catch_unwind, sync::Arc, time::Instant};

use fixtures::{Plain, counted, pool};
use lockfree_core::{
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Release},
    },
    wait::WaitQueue,
};
use refpool::{AcquireTimeoutError, Closed, Handle, Pool};
use testkit::{
    drops::Drops,
    model::{Model, block_on, must_fail, thread},
};

/// A wake-up that is lost would be a deadlock, which the model reports.
#[test]
fn who_waits_is_woken_by_a_release() {
    Model::new("who_waits_is_woken_by_a_release", 102).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        let acquired = pool.acquire_blocking().unwrap();
        assert_eq!(acquired.read(), 0);
        other.join().unwrap();
    });
}

#[test]
fn two_who_wait_are_woken_in_turn() {
    Model::new("two_who_wait_are_woken_in_turn", 470).preemptions(1).check(|| {
        let pool = pool();
        let handle = pool.acquire();
        let waiting = [(); 2].map(|()| {
            let pool = pool.clone();
            thread::spawn(move || block_on(pool.acquire_async()).unwrap().write(1))
        });
        drop(handle);
        for waiting in waiting {
            waiting.join().unwrap();
        }
        assert_eq!(pool.stats().in_use, 0);
    });
}

/// Room wakes as a resource does: after a detach, and after `clear_idle`.
#[test]
fn who_waits_is_woken_by_room() {
    Model::new("who_waits_is_woken_by_room", 184).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(Handle::detach(handle)));
        assert!(block_on(pool.acquire_async()).is_ok());
        other.join().unwrap();
    });
}

/// One gives up at the moment at which it is notified: the other one is woken in its place.
#[test]
fn one_who_gives_up_leaves_its_wake_up_to_the_next() {
    Model::new("one_who_gives_up_leaves_its_wake_up_to_the_next", 478).preemptions(1).check(|| {
        let pool = pool();
        let handle = pool.acquire();
        let waiting = {
            let pool = pool.clone();
            thread::spawn(move || pool.acquire_blocking().map(drop))
        };
        let giving_up = {
            let pool = pool.clone();
            thread::spawn(move || {
                let mut future = Box::pin(pool.acquire_async());
                let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready()));
                block_on(polled)
            })
        };
        drop(handle);
        giving_up.join().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_deadline_ends_the_wait_or_does_not() {
    Model::new("a_deadline_ends_the_wait_or_does_not", 154).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        match pool.acquire_deadline(Instant::now()) {
            Ok(acquired) => assert_eq!(acquired.read(), 0),
            Err(error) => assert_eq!(error, AcquireTimeoutError::Timeout),
        }
        other.join().unwrap();
        assert!(pool.try_acquire().is_ok());
    });
}

#[test]
fn close_wakes_everybody() {
    Model::new("close_wakes_everybody", 105).preemptions(1).check(|| {
        let drops = Drops::new();
        let pool = counted(&drops, 0);
        let handle = pool.acquire();
        let waiting = [(); 2].map(|()| {
            let pool = pool.clone();
            thread::spawn(move || block_on(pool.acquire_async()).map(drop))
        });
        assert!(pool.close());
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), Err(Closed));
        }
        drop(handle);
        assert_eq!(drops.alive(), 0);
    });
}

/// Two slots: one that the search has passed comes back behind it. The search finds nothing, and is
/// followed by a notification, or made after it.
#[test]
fn what_comes_back_behind_a_search_wakes_who_waits() {
    Model::new("what_comes_back_behind_a_search_wakes_who_waits", 191).check(|| {
        let pool = Pool::builder(2, Plain::new).extras(0).build();
        let (first, second) = (pool.acquire(), pool.acquire());
        let first = Handle::into_owned(first);
        let other = thread::spawn(move || drop(first));
        assert!(block_on(pool.acquire_async()).is_ok());
        drop(second);
        other.join().unwrap();
    });
}

/// A panic in `reset` leaves room, and the room wakes who waits.
#[test]
fn who_waits_is_woken_by_a_loss() {
    Model::new("who_waits_is_woken_by_a_loss", 108).check(|| {
        let pool = Pool::builder(1, Plain::new)
            .extras(0)
            .reset(|plain| assert!(plain.read() == 0, "as told"))
            .build();
        let handle = Handle::into_owned(pool.acquire());
        handle.write(1);
        let other = thread::spawn(move || {
            assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
        });
        assert_eq!(pool.acquire_blocking().unwrap().read(), 0);
        other.join().unwrap();
    });
}

/// Room for an extra resource that comes back is waited for as the resources are.
#[test]
fn who_waits_is_woken_by_an_extra_resource() {
    Model::new("who_waits_is_woken_by_an_extra_resource", 76).check(|| {
        let drops = Drops::new();
        let making = drops.clone();
        let pool = Pool::builder(0, move || making.counted(Plain::new())).extras(1).build();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        drop(pool.acquire_blocking().unwrap());
        other.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (2, 0));
    });
}

/// A waiter that looks and then joins the line, and does not look again: its wake-up is lost.
#[test]
fn twin_waiter_that_does_not_look_again() {
    must_fail("twin_waiter_that_does_not_look_again", "deadlock", || {
        let pool = Arc::new((AtomicUsize::new(2), WaitQueue::new()));
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                pool.0.store(0, Release);
                pool.1.notify_one();
            })
        };
        let (mut waiter, mut joined) = (pool.1.waiter(), false);
        block_on(poll_fn(|cx| {
            if joined || pool.0.load(Acquire) == 0 {
                return Poll::Ready(());
            }
            joined = true;
            waiter.arm(cx.waker());
            Poll::Pending
        }));
        other.join().unwrap();
    });
}
