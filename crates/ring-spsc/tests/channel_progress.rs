//! The ends of a channel, stopped anywhere but where they wait for each other by name.
#![cfg(all(stepped, feature = "blocking", feature = "async"))]

use core::{
    task::{Context, Waker},
    time::Duration,
};
use std::time::Instant;

use lockfree_core::wait::block_on;
use ring_spsc::channel::{Receiver, Sender, channel};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const CAPACITY: usize = 16;

fn filled(filled: u32) -> (Sender<u32>, Receiver<u32>) {
    let (mut sender, receiver) = channel(CAPACITY);
    assert_eq!(sender.try_send_iter(0..filled), Ok(filled as usize));
    (sender, receiver)
}

/// The waiting forms too, where there is room: they are as the others.
#[test]
fn a_sender_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "channel::Sender, all that it does",
        || filled(2),
        |mut sender| {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = (sender.len(), sender.is_empty(), sender.is_full(), sender.is_closed());
            let _ = (sender.try_send(2), sender.try_send_iter(3..5), sender.send(5));
            let _ = (sender.send_timeout(6, Duration::ZERO), block_on(sender.send_async(7)));
            let _ =
                (sender.send_deadline(8, Instant::now()), sender.poll_send(&mut cx, &mut Some(9)));
        },
        |mut receiver| {
            let mut values = Vec::new();
            let _ = receiver.try_recv_into(&mut values, CAPACITY);
            assert!((2..=10).contains(&values.len()));
            assert!(values.into_iter().zip(0..).all(|(value, place)| value == place));
        },
    );
    assert!(stops > 30);
}

#[test]
fn a_receiver_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "channel::Receiver, all that it does",
        || {
            let (sender, receiver) = filled(12);
            (receiver, sender)
        },
        |mut receiver| {
            let mut cx = Context::from_waker(Waker::noop());
            let (now, mut values) = (Instant::now(), Vec::new());
            let _ = (receiver.len(), receiver.is_empty(), receiver.is_full());
            let _ = (receiver.is_closed(), receiver.peek().copied());
            let _ = (receiver.try_recv(), receiver.try_recv_into(&mut values, 2), receiver.recv());
            let _ = (receiver.recv_timeout(Duration::ZERO), receiver.recv_deadline(now));
            let _ = (receiver.recv_into(&mut values, 1), block_on(receiver.recv_async()));
            let _ = block_on(receiver.recv_into_async(&mut values, 1));
            let _ = (receiver.poll_recv(&mut cx), receiver.iter().next());
            assert_eq!(receiver.into_iter().next(), Some(11));
        },
        |mut sender| {
            let room = sender.try_send_iter(0..);
            assert!(room.is_err() || room.is_ok_and(|room| room >= CAPACITY - 12));
        },
    );
    assert!(stops > 30);
}

#[test]
fn a_value_takes_no_more_steps_than_promised() {
    let (mut sender, mut receiver) = channel(CAPACITY);
    let (mut most_sent, mut most_received) = (0, 0);
    for round in 0..100 {
        for _ in 0..round % 5 {
            most_sent = most_sent.max(steps(|| sender.try_send(0)).1);
        }
        for _ in 0..round % 7 {
            most_received = most_received.max(steps(|| receiver.try_recv()).1);
        }
        // The other end waits.
        let mut cx = Context::from_waker(Waker::noop());
        if receiver.is_empty() {
            assert!(receiver.poll_recv(&mut cx).is_pending());
        }
    }
    // A push or a pop, a look at whether the other end is there, and a wake-up.
    assert_steps("channel::Sender::try_send", most_sent, 8);
    assert_steps("channel::Receiver::try_recv", most_received, 8);
}
