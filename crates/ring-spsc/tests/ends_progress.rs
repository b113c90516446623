//! All that an end can do, stopped anywhere: what the other end has is its own.
#![cfg(stepped)]

use ring_spsc::{Consumer, Producer, StaticRing, contiguous};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const CAPACITY: usize = 8;

fn filled(filled: u32) -> (Producer<u32>, Consumer<u32>) {
    let (mut producer, consumer) = ring_spsc::ring(CAPACITY);
    assert_eq!(producer.push_iter(0..filled), filled as usize);
    (producer, consumer)
}

fn filled_contiguous(filled: u32) -> (contiguous::Producer<u32>, contiguous::Consumer<u32>) {
    let (mut producer, consumer) = contiguous::ring(CAPACITY);
    assert_eq!(producer.push_iter(0..filled), filled as usize);
    (producer, consumer)
}

fn swapped<A, B>((one, other): (A, B)) -> (B, A) {
    (other, one)
}

#[test]
fn a_producer_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "Producer, all that it does",
        || filled(2),
        |mut producer| {
            let _ = (producer.len(), producer.is_empty(), producer.is_full(), producer.is_closed());
            assert_eq!(producer.push_slice(&[2, 3]), 2);
            assert_eq!(producer.push_iter(4..6), 2);
            assert!(producer.push(6).is_ok());
        },
        |mut consumer| {
            let popped: Vec<_> = consumer.pop_iter().collect();
            assert!((2..=7).contains(&popped.len()));
            assert!(popped.into_iter().zip(0..).all(|(value, place)| value == place));
        },
    );
    assert!(stops > 10);
}

#[test]
fn a_consumer_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "Consumer, all that it does",
        || swapped(filled(7)),
        |mut consumer| {
            let _ = (consumer.len(), consumer.is_empty(), consumer.is_full(), consumer.is_closed());
            let _ =
                (consumer.is_finished(), consumer.peek().copied(), consumer.peek_mut().is_some());
            assert_eq!(consumer.pop_slice(&mut [0; 2]), 2);
            let mut rest = consumer.pop_iter();
            assert!(rest.size_hint().0 <= 5 && rest.next() == Some(2));
            assert_eq!(consumer.pop(), Some(3));
        },
        |mut producer| {
            let room = producer.push_iter(0..);
            assert!((CAPACITY - 7..=CAPACITY - 3).contains(&room), "{room}");
            assert!(producer.push(0).is_err());
        },
    );
    assert!(stops > 10);
}

#[test]
fn a_producer_of_a_contiguous_ring_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "contiguous::Producer, all that it does",
        || filled_contiguous(1),
        |mut producer| {
            let _ = (producer.len(), producer.is_empty(), producer.is_full(), producer.is_closed());
            assert!(producer.push(1).is_ok());
            assert_eq!(producer.push_slice(&[2]), 1);
            assert_eq!(producer.write_chunk(CAPACITY).fill([3, 4]), 2);
            assert_eq!(producer.push_iter([5]), 1);
            let mut chunk = producer.write_chunk(1);
            chunk.as_mut_slices().0[0].write(6);
            // SAFETY: the one value is written.
            unsafe { chunk.commit(1) };
        },
        |mut consumer| {
            let popped: Vec<_> = consumer.pop_iter().collect();
            assert!((1..=7).contains(&popped.len()));
            assert!(popped.into_iter().zip(0..).all(|(value, place)| value == place));
        },
    );
    assert!(stops > 8);
}

#[test]
fn a_consumer_of_a_contiguous_ring_stopped_anywhere_blocks_nobody() {
    let stops = stop_anywhere(
        "contiguous::Consumer, all that it does",
        || swapped(filled_contiguous(7)),
        |mut consumer| {
            let _ = (consumer.len(), consumer.is_empty(), consumer.is_full(), consumer.is_closed());
            let _ =
                (consumer.is_finished(), consumer.peek().copied(), consumer.peek_mut().is_some());
            assert_eq!(consumer.pop(), Some(0));
            assert_eq!(consumer.pop_slice(&mut [0; 1]), 1);
            let mut chunk = consumer.read_chunk(1);
            assert_eq!((chunk.as_slices().0[0], chunk.as_mut_slices().0.len()), (2, 1));
            chunk.commit(1);
            consumer.read_chunk(1).commit_all();
            assert_eq!(consumer.read_chunk(1).into_iter().next(), Some(4));
            assert_eq!(consumer.pop_iter().next(), Some(5));
        },
        |mut producer| {
            let room = producer.push_iter(0..);
            assert!((CAPACITY - 7..=CAPACITY - 1).contains(&room), "{room}");
        },
    );
    assert!(stops > 12);
}

#[test]
fn a_thread_stopped_in_the_splitting_of_a_static_ring_blocks_nobody() {
    stop_anywhere(
        "StaticRing::split",
        || {
            let ring: &'static StaticRing<u8, 2> = Box::leak(Box::new(StaticRing::new()));
            let other: &'static contiguous::StaticRing<u8, 2> =
                Box::leak(Box::new(contiguous::StaticRing::new()));
            ((ring, other), (ring, other))
        },
        |(ring, other)| drop((ring.split(), other.split())),
        |(ring, other)| {
            // The stopped thread may have its ends; nobody waits for them.
            let _ = (ring.split().is_some(), other.split().is_some());
        },
    );
}

#[test]
fn looks_at_a_ring_take_no_more_steps_than_promised() {
    let (producer, consumer) = filled(3);
    // log2 of the capacity, and one.
    assert_steps("Producer::len", steps(|| producer.len()).1, 4);
    assert_steps("Consumer::len", steps(|| consumer.len()).1, 4);
    assert_steps("Consumer::is_closed", steps(|| consumer.is_closed()).1, 1);
    assert_steps("Consumer::is_finished", steps(|| consumer.is_finished()).1, 2);
    assert_steps("Consumer::peek", steps(|| consumer.peek().is_some()).1, 2);
    let (mut producer, mut consumer) = filled_contiguous(3);
    assert_steps("contiguous::Producer::len", steps(|| producer.len()).1, 1);
    assert_steps("contiguous::Consumer::len", steps(|| consumer.len()).1, 1);
    // More than it knows to be free: it looks.
    let (chunk, taken) = steps(|| producer.write_chunk(CAPACITY));
    assert_steps("contiguous::Producer::write_chunk", taken, 1);
    assert_steps("contiguous::WriteChunk::fill", steps(|| chunk.fill([0, 0])).1, 1);
    let (chunk, taken) = steps(|| consumer.read_chunk(2));
    assert_steps("contiguous::Consumer::read_chunk", taken, 1);
    assert_steps("contiguous::ReadChunk::commit_all", steps(|| chunk.commit_all()).1, 1);
}
