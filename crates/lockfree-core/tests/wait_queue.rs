//! What the line of waiting tasks promises to one thread, and to many at once.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    future::Future as _,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{panic::catch_unwind, sync::Arc, task::Wake, thread, time::Instant};

use lockfree_core::wait::{WaitQueue, Waiter, WakerCell};
use testkit::stress::scaled;

#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A task in the line, and a count of its wake-ups.
fn armed(line: &WaitQueue) -> (Waiter<&WaitQueue>, Arc<Task>) {
    let task = Arc::new(Task::default());
    let mut waiter = line.waiter();
    waiter.arm(&Waker::from(Arc::clone(&task)));
    (waiter, task)
}

fn times<const N: usize>(tasks: [&Arc<Task>; N]) -> [usize; N] {
    tasks.map(|task| task.0.load(Relaxed))
}

#[test]
fn they_are_woken_in_turn_and_once() {
    let line = WaitQueue::new();
    line.notify_one();
    let [(mut a, one), (_b, two), (_c, three)] = [(); 3].map(|()| armed(&line));
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 3, .. }");
    line.notify_one();
    assert_eq!(times([&one, &two, &three]), [1, 0, 0]);
    assert!(a.leave(), "it was notified");
    line.notify_many(5);
    line.notify_one();
    assert_eq!(times([&one, &two, &three]), [1, 1, 1]);
    assert_eq!(Arc::strong_count(&one), 1, "the line keeps no waker");
}

#[test]
fn one_that_comes_too_late_keeps_its_place() {
    let line = WaitQueue::new();
    let [(mut a, one), (_b, two)] = [(); 2].map(|()| armed(&line));
    line.notify_one();
    a.arm(&Waker::from(Arc::clone(&one)));
    line.notify_one();
    assert_eq!(times([&one, &two]), [2, 0]);
}

#[test]
fn dropping_one_that_was_notified_notifies_the_next() {
    let line = WaitQueue::new();
    let [(a, one), (b, two), (c, three)] = [(); 3].map(|()| armed(&line));
    drop(b);
    assert_eq!(times([&one, &two, &three]), [0; 3], "it had nothing to hand on");
    line.notify_one();
    drop(a);
    assert_eq!(times([&one, &two, &three]), [1, 0, 1]);
    drop(c);
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 0, .. }");
}

#[test]
fn everybody_is_woken() {
    let line = WaitQueue::new();
    let [(_a, one), (mut b, two)] = [(); 2].map(|()| armed(&line));
    line.notify_all();
    line.notify_all();
    assert_eq!(times([&one, &two]), [1, 1]);
    assert!(b.leave());
    assert!(!b.leave(), "it is in no line");
}

/// A task whose waker panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in the waker");
    }
}

#[test]
fn everybody_is_woken_although_wakers_panic() {
    let line = WaitQueue::new();
    let mut faulty = [(); 2].map(|()| line.waiter());
    let (_a, one) = armed(&line);
    faulty[0].arm(&Waker::from(Arc::new(Panics)));
    let (_b, two) = armed(&line);
    faulty[1].arm(&Waker::from(Arc::new(Panics)));
    let (_c, three) = armed(&line);
    assert!(catch_unwind(AssertUnwindSafe(|| line.notify_all())).is_err());
    assert_eq!(times([&one, &two, &three]), [1, 1, 1]);
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 0, .. }");
}

#[test]
fn a_future_that_is_ready_at_once_joins_no_line() {
    let line = WaitQueue::new();
    let cx = &mut Context::from_waker(Waker::noop());
    assert_eq!(pin!(line.wait_until(|| Some(1))).poll(cx), Poll::Ready(1));
    let mut second = Box::pin(line.wait_until(|| None::<()>));
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 0, .. }", "it has not been polled");
    assert!(second.as_mut().poll(cx).is_pending());
    let (_third, task) = armed(&line);
    line.notify_one();
    drop(second);
    assert_eq!(times([&task]), [1], "what it was notified of went on");
}

#[test]
fn what_is_there_at_either_look_needs_no_place() {
    let line = WaitQueue::new();
    let mut waiter = line.waiter();
    let cx = &Context::from_waker(Waker::noop());
    assert_eq!(waiter.poll_until(cx, || Some(1)), Poll::Ready(1));
    let mut looks = 0;
    let second = || {
        looks += 1;
        (looks == 2).then_some(2)
    };
    assert_eq!(waiter.poll_until(cx, second), Poll::Ready(2));
    assert_eq!(format!("{line:?}{waiter:?}").matches("None").count(), 1);
    assert_eq!(waiter.poll_until(cx, || None::<()>), Poll::Pending);
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 1, .. }");
}

#[test]
fn a_panic_in_an_attempt_hands_the_notification_on() {
    let line = WaitQueue::new();
    let (mut a, one) = armed(&line);
    let (_b, two) = armed(&line);
    line.notify_one();
    let cx = &Context::from_waker(Waker::noop());
    let outcome = catch_unwind(AssertUnwindSafe(move || {
        let _ = a.poll_until(cx, || -> Option<()> { panic!("in the attempt") });
    }));
    assert!(outcome.is_err());
    assert_eq!(times([&one, &two]), [1, 1]);
}

#[test]
fn an_owner_of_the_line_may_wait_in_it() {
    let line = Arc::new(WaitQueue::new());
    let mut waiter = Waiter::new(Arc::clone(&line));
    waiter.arm(Waker::noop());
    line.notify_one();
    assert!(thread::spawn(move || waiter.leave()).join().unwrap());
}

#[test]
fn a_deadline_ends_the_wait() {
    let soon = Instant::now() + Duration::from_millis(5);
    assert_eq!(WaitQueue::new().block_until(Some(soon), || None::<()>), None);
    assert_eq!(WakerCell::new().block_until(Some(soon), || None::<()>), None);
    assert!(Instant::now() >= soon);
    assert_eq!(WaitQueue::default().block_until(Some(soon), || Some(1)), Some(1));
}

/// Permits go from thread to thread; some threads give up now and then. Nobody sleeps for ever.
#[test]
fn permits_go_round() {
    let (permits, line) = (AtomicUsize::new(2), WaitQueue::new());
    let take = || {
        let take_one = |left: usize| left.checked_sub(1);
        permits.fetch_update(Relaxed, Relaxed, take_one).ok()
    };
    thread::scope(|scope| {
        for thread in 0..8 {
            let line = &line;
            let permits = &permits;
            scope.spawn(move || {
                for turn in 0..scaled(2000) {
                    let patience = Duration::from_micros(turn % 50);
                    let deadline = (thread % 2 == 0).then(|| Instant::now() + patience);
                    if line.block_until(deadline, take).is_some() {
                        permits.fetch_add(1, Relaxed);
                        line.notify_one();
                    }
                }
            });
        }
    });
    assert_eq!(permits.into_inner(), 2);
    assert_eq!(format!("{line:?}"), "WaitQueue { waiting: 0, .. }");
}

/// Any first pause ends, and permits given with no fence of the caller's own find who waits.
#[test]
fn whatever_the_first_pause_who_blocks_is_woken() {
    for pause in [0, 1, 256] {
        let (line, permits) = (WaitQueue::with_first_pause(pause), AtomicUsize::new(0));
        let take = || {
            let seen = permits.load(Relaxed);
            let taken =
                seen > 0 && permits.compare_exchange(seen, seen - 1, Relaxed, Relaxed).is_ok();
            taken.then_some(())
        };
        let soon = Instant::now() + Duration::from_millis(1);
        assert_eq!(line.block_until(Some(soon), take), None);
        thread::scope(|scope| {
            scope.spawn(|| (0..scaled(2000)).for_each(|_| line.block_until(None, take).unwrap()));
            for _ in 0..scaled(2000) {
                permits.fetch_add(1, Relaxed);
                line.notify_after_rmw(1);
            }
        });
        assert_eq!(permits.load(Relaxed), 0);
    }
}
