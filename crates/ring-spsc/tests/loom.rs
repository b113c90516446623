//! Every edge of the two rings, in both directions, and twins that break what they stand for.
#![cfg(loom)]
#![expect(
    clippy::arc_with_non_send_sync,
    reason = "loom's threads take anything; it looks for races"
)]

use lockfree_core::sync::{
    AtomicBool,
    Ordering::{Acquire, Relaxed, Release},
    UnsafeCell, hint,
};
use ring_spsc::{StaticRing, contiguous};
use std::sync::Arc;
use testkit::{
    drops::Drops,
    model::{Model, must_fail, thread},
};

/// `count` values through a slotted ring of `capacity`, in order and whole.
fn through_the_ring(capacity: usize, count: usize) {
    let (mut producer, mut consumer) = ring_spsc::ring(capacity);
    let pushing = thread::spawn(move || {
        for value in 0..count {
            let mut value = Box::new(value);
            while let Err(full) = producer.push(value) {
                value = full.into_inner();
                hint::spin_loop();
            }
        }
    });
    for expected in 0..count {
        let value = loop {
            match consumer.pop() {
                Some(value) => break value,
                None => hint::spin_loop(),
            }
        };
        assert_eq!(*value, expected);
    }
    assert!(consumer.pop().is_none());
    pushing.join().unwrap();
}

#[test]
fn publish_and_vacate_through_one_slot() {
    Model::new("publish_and_vacate_through_one_slot", 400).check(|| through_the_ring(1, 3));
}

#[test]
fn publish_and_vacate_through_two_slots() {
    Model::new("publish_and_vacate_through_two_slots", 640).check(|| through_the_ring(2, 4));
}

/// A ring of 8 looks two slots ahead: one look must tell of both (I3).
#[test]
fn vacate_is_seen_by_looking_ahead() {
    Model::new("vacate_is_seen_by_looking_ahead", 26).check(|| {
        let (mut producer, mut consumer) = ring_spsc::ring(8);
        assert_eq!(producer.push_iter((0..8).map(Box::new)), 8);
        let popping = thread::spawn(move || {
            assert_eq!(*consumer.pop().unwrap(), 0);
            assert_eq!(*consumer.pop().unwrap(), 1);
            consumer
        });
        let pushed = producer.push_iter((8..11).map(Box::new));
        assert!(pushed <= 2);
        let mut consumer = popping.join().unwrap();
        for expected in 2..8 + pushed {
            assert_eq!(*consumer.pop().unwrap(), expected);
        }
    });
}

#[test]
fn publish_is_seen_by_peek() {
    Model::new("publish_is_seen_by_peek", 6).check(|| {
        let (mut producer, mut consumer) = ring_spsc::ring(2);
        let pushing = thread::spawn(move || producer.push(Box::new(7)).unwrap());
        if let Some(value) = consumer.peek_mut() {
            **value += 1;
            assert_eq!(consumer.pop().as_deref(), Some(&8));
        }
        pushing.join().unwrap();
    });
}

/// The length is exact at some moment of the call: it lies between the bounds of any moment.
#[test]
fn len_lies_between_its_bounds() {
    Model::new("len_lies_between_its_bounds", 130).check(|| {
        let (mut producer, mut consumer) = ring_spsc::ring(3);
        producer.push_iter([0, 1]);
        let popping = thread::spawn(move || {
            assert!((2..=3).contains(&consumer.len()));
            consumer.pop();
            assert!((1..=2).contains(&consumer.len()));
            consumer
        });
        assert!((1..=2).contains(&producer.len()));
        producer.push(2).unwrap();
        assert!((2..=3).contains(&producer.len()));
        let consumer = popping.join().unwrap();
        assert_eq!((producer.len(), consumer.len()), (2, 2));
    });
}

/// The last end sees what the other did, sweeps what is left and frees the ring, in either order.
#[test]
fn gone_ends_hand_over_what_is_left() {
    Model::new("gone_ends_hand_over_what_is_left", 15).check(|| {
        let drops = Drops::new();
        let (mut producer, mut consumer) = ring_spsc::ring(2);
        let counted = drops.clone();
        let pushing = thread::spawn(move || {
            producer.push(Box::new(counted.counted(0))).unwrap();
            producer.push(Box::new(counted.counted(1))).unwrap();
        });
        drop(consumer.pop());
        drop(consumer);
        pushing.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (2, 0));
    });
}

#[test]
fn gone_ends_of_a_contiguous_ring_hand_over_what_is_left() {
    Model::new("gone_ends_of_a_contiguous_ring_hand_over_what_is_left", 32).check(|| {
        let drops = Drops::new();
        let (mut producer, mut consumer) = contiguous::ring(2);
        let counted = drops.clone();
        let pushing = thread::spawn(move || {
            producer.push(counted.counted(0)).unwrap();
            producer.push(counted.counted(1)).unwrap();
        });
        drop(consumer.pop());
        drop(consumer);
        pushing.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (2, 0));
    });
}

/// A consumer that sees the producer gone sees all that it pushed.
#[test]
fn gone_producer_has_pushed_everything() {
    Model::new("gone_producer_has_pushed_everything", 9).check(|| {
        let (mut producer, mut consumer) = ring_spsc::ring(2);
        let pushing = thread::spawn(move || {
            producer.push(Box::new(1)).unwrap();
        });
        if consumer.is_closed() {
            assert!(!consumer.is_finished());
            assert_eq!(consumer.pop().as_deref(), Some(&1));
            assert!(consumer.is_finished());
        }
        pushing.join().unwrap();
    });
}

/// A ring without allocation is split again only when the ends before have swept it.
#[test]
fn reuse_follows_the_teardown() {
    Model::new("reuse_follows_the_teardown", 32).check(|| {
        let ring = Arc::new(StaticRing::<Box<usize>, 1>::new());
        let before = Arc::clone(&ring);
        let using = thread::spawn(move || {
            if let Some((mut producer, _consumer)) = before.split() {
                producer.push(Box::new(1)).unwrap();
            }
        });
        if let Some((mut producer, mut consumer)) = ring.split() {
            assert!(consumer.pop().is_none());
            producer.push(Box::new(2)).unwrap();
            assert_eq!(consumer.pop().as_deref(), Some(&2));
        }
        using.join().unwrap();
    });
}

/// `count` values through a contiguous ring of `capacity`, pushed and popped in chunks.
fn through_the_contiguous_ring(capacity: usize, count: usize) {
    let (mut producer, mut consumer) = contiguous::ring(capacity);
    let pushing = thread::spawn(move || {
        let mut values = (0..count).map(Box::new).peekable();
        while values.peek().is_some() {
            if producer.push_iter(&mut values) == 0 {
                hint::spin_loop();
            }
        }
    });
    let mut expected = 0;
    while expected < count {
        let mut any = false;
        for value in consumer.pop_iter() {
            assert_eq!(*value, expected);
            expected += 1;
            any = true;
        }
        if !any {
            hint::spin_loop();
        }
    }
    pushing.join().unwrap();
}

#[test]
fn tail_and_head_through_one_place() {
    Model::new("tail_and_head_through_one_place", 360).check(|| through_the_contiguous_ring(1, 3));
}

#[test]
fn tail_and_head_through_two_places() {
    Model::new("tail_and_head_through_two_places", 130).check(|| through_the_contiguous_ring(2, 4));
}

#[test]
fn tail_and_head_of_single_values() {
    Model::new("tail_and_head_of_single_values", 360).check(|| {
        let (mut producer, mut consumer) = contiguous::ring(1);
        let pushing = thread::spawn(move || {
            for value in 0..3 {
                while producer.push(value).is_err() {
                    hint::spin_loop();
                }
            }
        });
        for expected in 0..3 {
            while consumer.peek().is_none() {
                hint::spin_loop();
            }
            assert_eq!(consumer.pop(), Some(expected));
        }
        pushing.join().unwrap();
    });
}

#[test]
fn tail_and_head_of_slices() {
    Model::new("tail_and_head_of_slices", 390).check(|| {
        let (mut producer, mut consumer) = contiguous::ring(3);
        let pushing = thread::spawn(move || {
            let values = [0, 1, 2, 3, 4];
            let mut pushed = 0;
            while pushed < values.len() {
                match producer.push_slice(&values[pushed..]) {
                    0 => hint::spin_loop(),
                    more => pushed += more,
                }
            }
        });
        let mut popped = Vec::<usize>::new();
        while popped.len() < 5 {
            let mut values = [0; 2];
            match consumer.pop_slice(&mut values) {
                0 => hint::spin_loop(),
                count => popped.extend(&values[..count]),
            }
        }
        assert_eq!(popped, [0, 1, 2, 3, 4]);
        pushing.join().unwrap();
    });
}

/// A slot whose flag publishes nothing: the value must be seen to race.
#[test]
fn twin_flag_without_publication() {
    must_fail("twin_flag_without_publication", "Causality violation", || {
        let slot = Arc::new((AtomicBool::new(false), UnsafeCell::new(0)));
        let filled = Arc::clone(&slot);
        let filling = thread::spawn(move || {
            // SAFETY: none: that is what the twin shows.
            filled.1.with_mut(|value| unsafe { *value = 1 });
            filled.0.store(true, Relaxed);
        });
        if slot.0.load(Acquire) {
            // SAFETY: none: that is what the twin shows.
            slot.1.with(|value| assert_eq!(unsafe { *value }, 1));
        }
        filling.join().unwrap();
    });
}

/// A consumer that empties its slots in reverse breaks I3: one look ahead lies.
#[test]
fn twin_emptying_out_of_order() {
    must_fail("twin_emptying_out_of_order", "Causality violation", || {
        let slots = Arc::new([0, 1].map(|value| (AtomicBool::new(true), UnsafeCell::new(value))));
        let emptied = Arc::clone(&slots);
        let emptying = thread::spawn(move || {
            for (full, value) in emptied.iter().rev() {
                // SAFETY: none: that is what the twin shows.
                value.with(|value| unsafe { *value });
                full.store(false, Release);
            }
        });
        let [first, ahead] = &*slots;
        if !ahead.0.load(Acquire) {
            // SAFETY: none: that is what the twin shows.
            first.1.with_mut(|value| unsafe { *value = 2 });
        }
        emptying.join().unwrap();
    });
}

mod channel {
    //! No wake-up is lost: a model in which one is ends in a deadlock, which loom reports.

    use super::*;
    use ring_spsc::channel::{Closed, channel};
    use testkit::model::block_on;

    #[test]
    fn each_end_wakes_the_other() {
        Model::new("each_end_wakes_the_other", 14_000).check(|| {
            let (mut sender, mut receiver) = channel(1);
            let sending = thread::spawn(move || {
                for value in 0..2 {
                    block_on(sender.send_async(value)).unwrap();
                }
            });
            for expected in 0..2 {
                assert_eq!(block_on(receiver.recv_async()), Ok(expected));
            }
            assert_eq!(block_on(receiver.recv_async()), Err(Closed(())));
            sending.join().unwrap();
        });
    }

    #[test]
    fn parked_threads_are_woken() {
        Model::new("parked_threads_are_woken", 620).check(|| {
            let (mut sender, mut receiver) = channel(1);
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
    fn an_end_that_leaves_wakes_the_other() {
        Model::new("an_end_that_leaves_wakes_the_other", 68).check(|| {
            let (mut sender, receiver) = channel(1);
            sender.try_send(0).unwrap();
            let sending = thread::spawn(move || block_on(sender.send_async(1)));
            drop(receiver);
            assert_eq!(sending.join().unwrap(), Err(Closed(1)));
        });
    }
}
