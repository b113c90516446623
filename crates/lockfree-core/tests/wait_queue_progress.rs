//! What the line of waiting tasks costs those who do not wait, and whom a stopped one stops.
#![cfg(all(stepped, feature = "std"))]

use core::task::Waker;
use std::sync::Arc;

use lockfree_core::wait::WaitQueue;
use testkit::progress::{assert_steps, steps, stop_anywhere};

#[test]
fn with_nobody_there_a_notification_is_two_steps() {
    let line = WaitQueue::new();
    let ((), most) = steps(|| line.notify_one());
    assert_steps("WaitQueue::notify_one, nobody", most, 2);
    let ((), most) = steps(|| line.notify_many(7));
    assert_steps("WaitQueue::notify_many, nobody", most, 2);
    let ((), most) = steps(|| line.notify_after_rmw(7));
    assert_steps("WaitQueue::notify_after_rmw, nobody", most, 2);
    let ((), most) = steps(|| line.notify_all());
    assert_steps("WaitQueue::notify_all, nobody", most, 2);
}

/// Who notifies where nobody waits stops nobody, wherever it stops. (One that is stopped with the
/// lock stops those who need it: that is what the docs say.)
#[test]
fn a_stopped_notification_to_nobody_stops_nobody() {
    let build = || {
        let line = Arc::new(WaitQueue::new());
        (Arc::clone(&line), line)
    };
    let stops = stop_anywhere(
        "WaitQueue::notify_one, nobody",
        build,
        |line| line.notify_one(),
        |line| {
            for _ in 0..100 {
                let mut waiter = line.waiter();
                waiter.arm(Waker::noop());
                line.notify_one();
                assert!(waiter.leave());
            }
        },
    );
    assert_eq!(stops, 2);
}
