//! The ends of a channel and the handles of a queue, stopped anywhere but where they wait by name.
#![cfg(all(stepped, feature = "blocking", feature = "async"))]

use core::{
    task::{Context, Waker},
    time::Duration,
};
use std::{sync::Arc, time::Instant};

use lockfree_core::wait::block_on;
use mpmc_queue::{
    Bounded, Queue, WaitFreeQueue,
    channel::{Receiver, Sender, channel},
    ring::IndexRing,
};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const CAPACITY: usize = 32;

type Ends = (Sender<u64>, Receiver<u64>);

fn filled(filled: u64) -> (Ends, Ends) {
    let (sender, receiver) = channel(CAPACITY);
    assert!(sender.try_send_many(0..filled).is_ok());
    ((sender.clone(), receiver.clone()), (sender, receiver))
}

/// What the others do, whatever the stopped thread has in its hands: at most a few values and places.
fn goes_on((sender, receiver): Ends) {
    let mut values = Vec::new();
    let _ = receiver.try_recv_into(&mut values, 2 * CAPACITY);
    for _ in 0..3 {
        let sent = (0..100).take_while(|&value| sender.try_send(value).is_ok()).count();
        assert!(sender.is_closed() || sent >= CAPACITY - 8, "{sent}");
        values.clear();
        let _ = receiver.try_recv_into(&mut values, 2 * CAPACITY);
        assert!(values.len() >= sent.saturating_sub(8));
    }
}

/// The waiting forms too, where there is room: they are as the others.
#[test]
fn a_sender_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "channel::Sender, all that it does",
        || filled(2),
        |(mut sender, _)| {
            let mut cx = Context::from_waker(Waker::noop());
            let _ = (sender.len(), sender.is_empty(), sender.is_full(), sender.is_closed());
            let _ = (sender.try_send(2), sender.try_send_many(3..5).is_ok(), sender.send(5));
            let _ = (sender.send_timeout(6, Duration::ZERO), block_on(sender.send_async(7)));
            let _ = (sender.send_deadline(8, Instant::now()), sender.send_many(9..11).is_ok());
            let _ = sender.poll_send(&mut cx, &mut Some(11));
            let _ = block_on(sender.send_many_async(12..13)).is_ok();
            let weak = sender.downgrade();
            drop((sender.clone(), weak.clone(), weak.upgrade()));
        },
        goes_on,
    );
    assert!(stops > 30);
}

#[test]
fn a_receiver_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "channel::Receiver, all that it does",
        || filled(16),
        |(_, mut receiver)| {
            let mut cx = Context::from_waker(Waker::noop());
            let (now, mut values) = (Instant::now(), Vec::new());
            let _ = (receiver.len(), receiver.is_empty(), receiver.is_full(), receiver.is_closed());
            let _ = (receiver.try_recv(), receiver.try_recv_into(&mut values, 2), receiver.recv());
            let _ = (receiver.recv_timeout(Duration::ZERO), receiver.recv_deadline(now));
            let _ = (receiver.recv_into(&mut values, 1), block_on(receiver.recv_async()));
            let _ = block_on(receiver.recv_into_async(&mut values, 1));
            let _ = (receiver.poll_recv(&mut cx), receiver.iter().next());
            let weak = receiver.downgrade();
            drop((receiver.clone(), weak.clone(), weak.upgrade()));
            assert!(receiver.into_iter().next().is_some());
        },
        goes_on,
    );
    assert!(stops > 30);
}

#[test]
fn an_end_stopped_as_it_closes_blocks_nobody() {
    stop_anywhere(
        "channel::Sender::close",
        || filled(2),
        |(sender, _)| _ = sender.close(),
        goes_on,
    );
    stop_anywhere(
        "channel::Receiver::close",
        || filled(2),
        |(_, receiver)| _ = receiver.close(),
        goes_on,
    );
}

/// What a queue does by a handle and by many.
fn all_operations<R: IndexRing>(queue: &Bounded<u64, R>) {
    let mut handle = queue.handle().unwrap();
    let _ = (handle.push(1), handle.pop(), handle.force_push(2));
    let _ = (handle.push_many(3..6).is_ok(), handle.pop_many(2).count());
    drop(handle);
    let _ = (queue.push(1), queue.pop(), queue.force_push(2));
    let _ = (queue.push_many(3..6).is_ok(), queue.pop_many(2).count());
    let _ = (queue.len(), queue.is_empty(), queue.is_full(), queue.drain().count());
}

fn queue_goes_on<R: IndexRing>(queue: &Bounded<u64, R>) {
    for _ in 0..3 {
        let pushed = (10..100).take_while(|&value| queue.push(value).is_ok()).count();
        assert!(queue.drain().count() >= pushed);
    }
}

fn stopped<R: IndexRing + 'static>(name: &str) {
    let stops = stop_anywhere(
        name,
        || {
            let queue = Arc::new(Bounded::<u64, R>::new(3));
            (Arc::clone(&queue), queue)
        },
        |queue| all_operations(&queue),
        |queue| queue_goes_on(&queue),
    );
    assert!(stops > 30);
}

#[test]
fn a_thread_stopped_in_any_operation_of_a_queue_blocks_nobody() {
    stopped::<mpmc_queue::ring::LockFreeRing>("Queue, all that it does");
    stopped::<mpmc_queue::ring::WaitFreeRing>("WaitFreeQueue, all that it does");
}

/// Alone, an operation of a queue is a few steps, by a handle and by the thread's own hand.
#[test]
fn operations_of_the_queues_are_counted() {
    let queue = Queue::new(100);
    queue.push(0_u64).unwrap();
    assert_steps("Bounded::push, lock-free, undisturbed", steps(|| queue.push(1)).1, 5);
    assert_steps("Bounded::pop, lock-free, undisturbed", steps(|| queue.pop()).1, 5);
    let queue = WaitFreeQueue::new(100);
    queue.push(0_u64).unwrap();
    let bound = queue.step_bound();
    assert_steps("Bounded::push, wait-free", steps(|| queue.push(1)).1, bound);
    assert_steps("Bounded::pop, wait-free", steps(|| queue.pop()).1, bound);
    let (displaced, most) = steps(|| queue.force_push(2));
    assert_eq!(displaced, None);
    assert_steps("Bounded::force_push, wait-free", most, bound);
}
