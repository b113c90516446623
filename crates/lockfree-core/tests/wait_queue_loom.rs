//! Models of the line of waiting tasks: a lost wake-up is a deadlock, which loom reports.
#![cfg(all(loom, feature = "std"))]

use core::{
    future::poll_fn,
    mem,
    task::{Context, Poll, Waker},
};
use std::{sync::Arc, time::Instant};

use lockfree_core::{
    sync::{
        AtomicBool, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
        fence,
    },
    wait::{self, WaitQueue},
};
use testkit::model::{Model, must_fail, thread};

/// Permits, and those who wait for one.
#[derive(Default)]
struct Permits {
    left: AtomicUsize,
    line: WaitQueue,
}

impl Permits {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn release(&self) {
        // Relaxed: the line must see to the wake-up, whatever orders the count.
        self.left.fetch_add(1, Relaxed);
        self.line.notify_one();
    }

    fn take(&self) -> Option<()> {
        let mut left = self.left.load(Relaxed);
        while left > 0 {
            match self.left.compare_exchange_weak(left, left - 1, Relaxed, Relaxed) {
                Ok(_) => return Some(()),
                Err(now) => left = now,
            }
        }
        None
    }

    fn acquire(&self) {
        wait::block_on(self.line.wait_until(|| self.take()));
    }
}

fn spawn(permits: &Arc<Permits>, act: fn(&Permits)) -> thread::JoinHandle<()> {
    let permits = Arc::clone(permits);
    thread::spawn(move || act(&permits))
}

#[test]
fn join_line_loses_no_wake_up() {
    Model::new("join_line_loses_no_wake_up", 84).check(|| {
        let permits = Permits::new();
        let releasing = spawn(&permits, Permits::release);
        permits.acquire();
        releasing.join().unwrap();
    });
}

/// A permit is given by a read-modify-write, so the cheaper notification does.
#[test]
fn join_line_and_be_notified_after_a_read_modify_write() {
    Model::new("join_line_and_be_notified_after_a_read_modify_write", 84).check(|| {
        let permits = Permits::new();
        let releasing = spawn(&permits, |permits| {
            permits.left.fetch_add(1, Relaxed);
            permits.line.notify_after_rmw(1);
        });
        permits.acquire();
        releasing.join().unwrap();
    });
}

#[test]
fn twin_without_a_second_look() {
    must_fail("twin_without_a_second_look", "deadlock", || {
        let permits = Permits::new();
        let releasing = spawn(&permits, Permits::release);
        let mut waiter = permits.line.waiter();
        wait::block_on(poll_fn(|cx| {
            if permits.take().is_some() {
                return Poll::Ready(());
            }
            waiter.arm(cx.waker());
            Poll::Pending
        }));
        releasing.join().unwrap();
    });
}

#[test]
fn twin_that_notifies_first() {
    must_fail("twin_that_notifies_first", "deadlock", || {
        let permits = Permits::new();
        let releasing = spawn(&permits, |permits| {
            permits.line.notify_one();
            permits.left.fetch_add(1, Relaxed);
        });
        permits.acquire();
        releasing.join().unwrap();
    });
}

#[test]
fn join_line_by_two_who_are_woken_once_each() {
    Model::new("join_line_by_two_who_are_woken_once_each", 12000).check(|| {
        let permits = Permits::new();
        let other = spawn(&permits, Permits::acquire);
        let releasing = spawn(&permits, |permits| {
            permits.release();
            permits.release();
        });
        permits.acquire();
        other.join().unwrap();
        releasing.join().unwrap();
        assert_eq!(permits.left.load(Relaxed), 0);
    });
}

#[test]
fn two_permits_and_one_notification_of_two() {
    Model::new("two_permits_and_one_notification_of_two", 4400).check(|| {
        let permits = Permits::new();
        let other = spawn(&permits, Permits::acquire);
        let releasing = spawn(&permits, |permits| {
            permits.left.fetch_add(2, Relaxed);
            permits.line.notify_many(2);
        });
        permits.acquire();
        other.join().unwrap();
        releasing.join().unwrap();
    });
}

#[test]
fn twin_that_notifies_once_for_two() {
    must_fail("twin_that_notifies_once_for_two", "deadlock", || {
        let permits = Permits::new();
        let other = spawn(&permits, Permits::acquire);
        let releasing = spawn(&permits, |permits| {
            permits.left.fetch_add(2, Relaxed);
            permits.line.notify_one();
        });
        permits.acquire();
        other.join().unwrap();
        releasing.join().unwrap();
    });
}

/// One takes a permit past those who wait: whoever was notified for it waits on, and is notified
/// again for the next.
#[test]
fn one_who_is_overtaken_waits_on() {
    Model::new("one_who_is_overtaken_waits_on", 340).check(|| {
        let permits = Permits::new();
        let waiting = spawn(&permits, Permits::acquire);
        permits.release();
        if permits.take().is_some() {
            permits.release();
        }
        waiting.join().unwrap();
    });
}

/// A waiter ahead of another one gives up while a permit comes: the other one gets it.
fn cancelled(give_up: impl FnOnce(wait::Waiter<&WaitQueue>)) {
    let permits = Permits::new();
    let mut waiter = permits.line.waiter();
    waiter.arm(Waker::noop());
    let other = spawn(&permits, Permits::acquire);
    let releasing = spawn(&permits, Permits::release);
    give_up(waiter);
    other.join().unwrap();
    releasing.join().unwrap();
}

#[test]
fn one_who_gives_up_hands_the_notification_on() {
    Model::new("one_who_gives_up_hands_the_notification_on", 464)
        .check(|| cancelled(|waiter| drop(waiter)));
}

#[test]
fn twin_that_keeps_the_notification() {
    must_fail("twin_that_keeps_the_notification", "deadlock", || {
        cancelled(|mut waiter| {
            waiter.leave();
            mem::forget(waiter);
        });
    });
}

/// A thread whose time is up has taken the permit, or has left it to the one behind it.
#[test]
fn one_whose_time_is_up_hands_the_notification_on() {
    Model::new("one_whose_time_is_up_hands_the_notification_on", 6100).check(|| {
        let permits = Permits::new();
        let other = spawn(&permits, Permits::acquire);
        let releasing = spawn(&permits, Permits::release);
        let in_time = permits.line.block_until(Some(Instant::now()), || permits.take());
        if in_time.is_some() {
            permits.release();
        }
        other.join().unwrap();
        releasing.join().unwrap();
    });
}

#[test]
fn join_line_and_everybody_is_woken() {
    Model::new("join_line_and_everybody_is_woken", 369).check(|| {
        let gate = Arc::new((AtomicBool::new(false), WaitQueue::new()));
        let waiting = [(); 2].map(|()| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                gate.1.block_until(None, || gate.0.load(Relaxed).then_some(()));
            })
        });
        gate.0.store(true, Relaxed);
        gate.1.notify_all();
        for waiting in waiting {
            waiting.join().unwrap();
        }
    });
}

/// A task polled twice, with another waker the second time: the second one counts.
#[test]
fn the_latest_waker_is_woken() {
    Model::new("the_latest_waker_is_woken", 105).check(|| {
        let permits = Permits::new();
        let mut waiter = permits.line.waiter();
        let noop = Context::from_waker(Waker::noop());
        assert!(waiter.poll_until(&noop, || permits.take()).is_pending());
        let releasing = spawn(&permits, Permits::release);
        wait::block_on(poll_fn(|cx| waiter.poll_until(cx, || permits.take())));
        releasing.join().unwrap();
    });
}

/// What was done before a notification is seen by whoever it finds waiting, also without the lock:
/// two fences of total order stand between.
#[test]
fn join_line_and_see_what_came_before() {
    Model::new("join_line_and_see_what_came_before", 27).check(|| {
        let permits = Permits::new();
        let releasing = spawn(&permits, Permits::release);
        let mut waiter = permits.line.waiter();
        waiter.arm(Waker::noop());
        let seen = permits.left.load(Relaxed) == 1;
        releasing.join().unwrap();
        fence(SeqCst);
        assert!(seen || waiter.leave(), "neither seen nor notified");
    });
}
