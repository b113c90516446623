//! Models of the channel: no wake-up is lost (a model in which one is ends in a deadlock, which loom
//! reports), and what was sent before the end is received.
#![cfg(all(loom, feature = "blocking", feature = "async"))]

use std::{sync::Arc, time::Instant};

use lockfree_core::sync::{
    AtomicBool,
    Ordering::{Acquire, Release},
};
use mpmc_queue::{
    Queue,
    channel::{self, Closed, Receiver, RecvTimeoutError, Sender, TryRecvError},
};
use testkit::{
    drops::Drops,
    model::{Model, block_on, must_fail, thread},
};

/// A channel for few threads, so that a model has few words.
fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    channel::over(Queue::with_hands(capacity, 4, 0))
}

#[test]
fn each_end_wakes_the_other() {
    Model::new("each_end_wakes_the_other", 11700).check(|| {
        let (sender, receiver) = channel(1);
        let sending = thread::spawn(move || {
            for value in 0..2 {
                block_on(sender.send_async(value)).unwrap();
            }
        });
        for expected in 0..2 {
            assert_eq!(block_on(receiver.recv_async()), Ok(expected));
        }
        sending.join().unwrap();
    });
}

#[test]
fn parked_threads_are_woken() {
    Model::new("parked_threads_are_woken", 960).check(|| {
        let (sender, receiver) = channel(1);
        let sending = thread::spawn(move || {
            sender.send(0).unwrap();
            sender.send(1).unwrap();
        });
        assert_eq!(receiver.recv(), Ok(0));
        assert_eq!(receiver.recv(), Ok(1));
        sending.join().unwrap();
    });
}

#[test]
fn two_receivers_get_a_value_each() {
    Model::new("two_receivers_get_a_value_each", 1800).preemptions(1).check(|| {
        let (sender, receiver) = channel(2);
        let other = receiver.clone();
        let receiving = thread::spawn(move || block_on(other.recv_async()).unwrap());
        let sending = thread::spawn(move || {
            sender.try_send(1).unwrap();
            sender.try_send(2).unwrap();
            sender
        });
        let received = block_on(receiver.recv_async()).unwrap();
        assert_eq!(received + receiving.join().unwrap(), 3);
        drop(sending.join().unwrap());
    });
}

/// As `two_receivers_get_a_value_each`, but what two values call for is one wake-up.
#[test]
fn a_batch_wakes_as_many_as_it_has_values() {
    Model::new("a_batch_wakes_as_many_as_it_has_values", 1300).preemptions(1).check(|| {
        let (sender, receiver) = channel(2);
        let other = receiver.clone();
        let receiving = thread::spawn(move || block_on(other.recv_async()).unwrap());
        let sending = thread::spawn(move || {
            assert!(sender.try_send_many([1, 2]).is_ok());
            sender
        });
        let received = block_on(receiver.recv_async()).unwrap();
        assert_eq!(received + receiving.join().unwrap(), 3);
        drop(sending.join().unwrap());
    });
}

/// A sender waits in the midst of a batch, twice.
#[test]
fn a_batch_that_waits_is_woken_for_each_room() {
    Model::new("a_batch_that_waits_is_woken_for_each_room", 2180).preemptions(1).check(|| {
        let (sender, receiver) = channel(1);
        let sending = thread::spawn(move || {
            assert!(block_on(sender.send_many_async(0..3)).is_ok());
        });
        for expected in 0..3 {
            assert_eq!(block_on(receiver.recv_async()), Ok(expected));
        }
        sending.join().unwrap();
    });
}

#[test]
fn a_receiver_that_gives_up_leaves_its_wake_up_to_the_next() {
    Model::new("a_receiver_that_gives_up_leaves_its_wake_up_to_the_next", 471)
        .preemptions(1)
        .check(|| {
            let (sender, receiver) = channel(1);
            let other = receiver.clone();
            let receiving = thread::spawn(move || other.recv());
            let sending = thread::spawn(move || {
                sender.try_send(1).unwrap();
                sender
            });
            match receiver.recv_deadline(Instant::now()) {
                Ok(_) => drop(receiver.close()),
                Err(error) => assert_eq!(error, RecvTimeoutError::Timeout),
            }
            let received = receiving.join().unwrap();
            assert!(received == Ok(1) || receiver.is_closed());
            drop(sending.join().unwrap());
        });
}

#[test]
fn close_wakes_everybody() {
    Model::new("close_wakes_everybody", 7200).check(|| {
        let (sender, receiver) = channel::<u32>(1);
        let receiving = [receiver.clone(), receiver]
            .map(|receiver| thread::spawn(move || block_on(receiver.recv_async())));
        assert!(sender.close());
        for receiving in receiving {
            assert_eq!(receiving.join().unwrap(), Err(Closed(())));
        }
    });
}

#[test]
fn a_receiver_that_leaves_wakes_the_sender() {
    Model::new("a_receiver_that_leaves_wakes_the_sender", 43).check(|| {
        let (sender, receiver) = channel(1);
        sender.try_send(0).unwrap();
        let sending = thread::spawn(move || sender.send(1));
        drop(receiver);
        assert_eq!(sending.join().unwrap(), Err(Closed(1)));
    });
}

#[test]
fn a_sender_that_leaves_wakes_the_receiver() {
    Model::new("a_sender_that_leaves_wakes_the_receiver", 27).check(|| {
        let (sender, receiver) = channel::<u32>(1);
        let receiving = thread::spawn(move || receiver.recv());
        drop(sender);
        assert_eq!(receiving.join().unwrap(), Err(Closed(())));
    });
}

/// Somebody else closes the channel than who sent, told so by a flag of their own.
#[test]
fn close_carries_what_was_sent() {
    Model::new("close_carries_what_was_sent", 1000).check(|| {
        let (sender, receiver) = channel(1);
        let closing = sender.clone();
        let sent = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&sent);
        let sending = thread::spawn(move || {
            sender.try_send(Box::new(7)).unwrap();
            sent.store(true, Release);
            sender
        });
        let closing = thread::spawn(move || {
            if told.load(Acquire) {
                assert!(closing.close());
                return true;
            }
            false
        });
        let received = receiver.try_recv();
        assert!(!matches!(received, Err(TryRecvError::Closed)), "the end before what was sent");
        let sender = sending.join().unwrap();
        let closed = closing.join().unwrap();
        assert_eq!(receiver.is_closed(), closed);
        drop(sender);
    });
}

/// One sends, another drops that end, a third drops the last one and so closes, a fourth receives:
/// only the words of the channel order what they do.
#[test]
fn leave_of_each_sender_and_close_carry_what_was_sent() {
    Model::new("leave_of_each_sender_and_close_carry_what_was_sent", 2100).check(|| {
        let (sender, receiver) = channel(1);
        let last = sender.clone();
        let receiving = thread::spawn(move || {
            let early = receiver.try_recv().err() == Some(TryRecvError::Closed);
            assert!(!early, "the end before what was sent");
            receiver
        });
        let closing = thread::spawn(move || drop(last));
        sender.try_send(Box::new(7)).unwrap();
        let dropping = thread::spawn(move || drop(sender));
        closing.join().unwrap();
        dropping.join().unwrap();
        assert!(receiving.join().unwrap().is_closed());
    });
}

#[test]
fn a_weak_sender_revives_nothing() {
    Model::new("a_weak_sender_revives_nothing", 22).check(|| {
        let (sender, receiver) = channel(1);
        let weak = sender.downgrade();
        let dropping = thread::spawn(move || drop(sender));
        match weak.upgrade() {
            Some(sender) => {
                assert!(!receiver.is_closed());
                sender.try_send(1).unwrap();
                assert_eq!(receiver.try_recv(), Ok(1));
            }
            None => assert!(weak.upgrade().is_none()),
        }
        dropping.join().unwrap();
        assert!(receiver.is_closed());
    });
}

/// A send meets the closing: the value is received, or given back, or dropped with the last end.
#[test]
fn a_value_sent_into_the_end_is_dropped_once() {
    Model::new("a_value_sent_into_the_end_is_dropped_once", 455).check(|| {
        let drops = Drops::new();
        let (sender, receiver) = channel(1);
        let counted = drops.counted(Box::new(7));
        let sending = thread::spawn(move || drop(sender.try_send(counted)));
        receiver.close();
        drop(receiver.try_recv());
        sending.join().unwrap();
        drop(receiver);
        assert_eq!((drops.dropped(), drops.alive()), (1, 0));
    });
}

/// What a channel would be without looking into the queue again once it is seen to be closed.
#[test]
fn twin_that_looks_once() {
    must_fail("twin_that_looks_once", "the end before what was sent", || {
        let queue = Arc::new((Queue::with_hands(1, 4, 0), AtomicBool::new(false)));
        let sending = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                queue.0.push(7).unwrap();
                queue.1.store(true, Release);
            }
        });
        let received = queue.0.pop();
        assert!(received.is_some() || !queue.1.load(Acquire), "the end before what was sent");
        sending.join().unwrap();
    });
}

#[test]
fn close_by_two_is_told_to_one() {
    Model::new("close_by_two_is_told_to_one", 23).check(|| {
        let (sender, receiver) = channel::<u32>(1);
        let closing = thread::spawn(move || sender.close());
        let first = receiver.close();
        assert!(first ^ closing.join().unwrap());
        assert!(receiver.is_closed());
    });
}
