//! Neither end waits for the other: one that is stopped at any access leaves the other its share.
#![cfg(stepped)]

use ring_spsc::{Consumer, Producer, contiguous};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const CAPACITY: usize = 8;

/// What the docs of the slotted ring promise.
const PUSH_BOUND: usize = 3;
const POP_BOUND: usize = 2;

/// A ring with `filled` values inside.
fn filled(filled: u32) -> (Producer<u32>, Consumer<u32>) {
    let (mut producer, consumer) = ring_spsc::ring(CAPACITY);
    assert_eq!(producer.push_iter(0..filled), filled as usize);
    (producer, consumer)
}

#[test]
fn a_stopped_producer_leaves_what_it_has_pushed() {
    let stops = stop_anywhere(
        "ring push, producer stopped",
        || filled(3),
        |mut producer| assert!(producer.push(3).is_ok()),
        |mut consumer| {
            let popped: Vec<u32> = consumer.pop_iter().collect();
            assert!(popped == [0, 1, 2] || popped == [0, 1, 2, 3]);
            assert_eq!(consumer.pop(), None);
        },
    );
    assert!(stops > 0);
}

#[test]
fn a_stopped_consumer_leaves_what_it_has_not_popped() {
    let stops = stop_anywhere(
        "ring pop, consumer stopped",
        || {
            let (producer, consumer) = filled(3);
            (consumer, producer)
        },
        |mut consumer| assert_eq!(consumer.pop(), Some(0)),
        |mut producer| {
            let pushed = producer.push_iter(0..);
            assert!((CAPACITY - 3..=CAPACITY - 2).contains(&pushed));
            assert!(producer.push(0).is_err());
        },
    );
    assert!(stops > 0);
}

#[test]
fn a_stopped_end_of_a_contiguous_ring_blocks_nobody() {
    stop_anywhere(
        "contiguous push_slice, producer stopped",
        || contiguous::ring(CAPACITY),
        |mut producer| assert_eq!(producer.push_slice(&[1, 2, 3]), 3),
        |mut consumer| assert!([0, 3].contains(&consumer.pop_iter().count())),
    );
    stop_anywhere(
        "contiguous pop_slice, consumer stopped",
        || {
            let (mut producer, consumer) = contiguous::ring(CAPACITY);
            producer.push_slice(&[1, 2, 3]);
            (consumer, producer)
        },
        |mut consumer| assert_eq!(consumer.pop_slice(&mut [0; 2]), 2),
        |mut producer| assert!([5, 7].contains(&producer.push_iter(0..))),
    );
}

#[test]
fn an_end_stopped_as_it_leaves_blocks_nobody() {
    stop_anywhere(
        "ring, producer leaving",
        || filled(2),
        drop,
        |mut consumer| {
            assert_eq!(consumer.pop_iter().count(), 2);
            drop(consumer);
        },
    );
    stop_anywhere(
        "ring, consumer leaving",
        || {
            let (producer, consumer) = filled(2);
            (consumer, producer)
        },
        drop,
        |mut producer| assert!(producer.push(0).is_ok()),
    );
}

#[test]
fn single_values_take_no_more_steps_than_promised() {
    let (mut producer, mut consumer) = ring_spsc::ring(CAPACITY);
    let (mut most_push, mut most_pop) = (0, 0);
    for round in 0..10 * CAPACITY {
        for value in 0..=round % (CAPACITY + 1) {
            most_push = most_push.max(steps(|| producer.push(value)).1);
        }
        for _ in 0..=(round * 5) % (CAPACITY + 1) {
            most_pop = most_pop.max(steps(|| consumer.pop()).1);
        }
    }
    assert_steps("Producer::push", most_push, PUSH_BOUND);
    assert_steps("Consumer::pop", most_pop, POP_BOUND);
}

#[test]
fn a_batch_of_a_contiguous_ring_takes_two_steps() {
    let (mut producer, mut consumer) = contiguous::ring(CAPACITY);
    let (mut most_push, mut most_pop) = (0, 0);
    for count in (1..CAPACITY).cycle().take(100) {
        most_push = most_push.max(steps(|| producer.push_slice(&vec![0; count])).1);
        most_pop = most_pop.max(steps(|| consumer.pop_slice(&mut vec![0; count])).1);
    }
    assert_steps("contiguous::Producer::push_slice", most_push, 2);
    assert_steps("contiguous::Consumer::pop_slice", most_pop, 2);
}
