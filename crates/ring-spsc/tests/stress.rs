//! Both rings between real threads.
#![cfg(not(loom))]

use std::thread;

use ring_spsc::contiguous;
use testkit::{drops::Drops, stress::scaled};

/// Every value arrives, in order, for capacities around what the look-ahead distinguishes.
#[test]
fn nothing_is_lost_or_reordered() {
    for capacity in [1, 2, 3, 7, 8, 64, 1000, 1024] {
        let count = scaled(200_000);
        let (mut producer, mut consumer) = ring_spsc::ring(capacity);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut values = 0..count;
                while !values.is_empty() {
                    if producer.push_iter(&mut values) == 0 {
                        thread::yield_now();
                    }
                }
            });
            let mut expected = 0;
            while !consumer.is_finished() {
                for value in consumer.pop_iter() {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                thread::yield_now();
            }
            assert_eq!(expected, count);
        });
    }
}

#[test]
fn chunks_lose_and_reorder_nothing() {
    for capacity in [1, 3, 64, 1000] {
        let count = scaled(400_000);
        let (mut producer, mut consumer) = contiguous::ring(capacity);
        thread::scope(|scope| {
            scope.spawn(move || {
                let (mut values, mut most) = (0..count, 1);
                while !values.is_empty() {
                    if producer.write_chunk(most).fill(&mut values) == 0 {
                        thread::yield_now();
                    }
                    most = most % 100 + 1;
                }
            });
            let (mut expected, mut most) = (0, 1);
            while !consumer.is_finished() {
                let chunk = consumer.read_chunk(most);
                let (first, second) = chunk.as_slices();
                for &value in first.iter().chain(second) {
                    assert_eq!(value, expected);
                    expected += 1;
                }
                if chunk.is_empty() {
                    thread::yield_now();
                }
                chunk.commit_all();
                most = most % 70 + 1;
            }
            assert_eq!(expected, count);
        });
    }
}

/// Ends that leave at any moment drop every value once.
#[test]
fn ends_that_leave_at_any_moment_leak_nothing() {
    let drops = Drops::new();
    for round in 0..scaled(2000) {
        let (mut producer, mut consumer) = ring_spsc::ring(8);
        let counted = drops.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                for value in 0..round % 50 {
                    let _ = producer.push(counted.counted(value));
                }
            });
            for _ in 0..round % 31 {
                consumer.pop();
            }
            drop(consumer);
        });
    }
    assert_eq!(drops.alive(), 0);
}

/// Each side's length is within what the other side can have made of it.
#[test]
fn len_stays_within_its_bounds_while_both_run() {
    let (mut producer, mut consumer) = ring_spsc::ring(100);
    thread::scope(|scope| {
        scope.spawn(move || {
            for value in 0..scaled(50_000) {
                let before = producer.len();
                assert!(before <= 100);
                if producer.push(value).is_ok() {
                    assert!(producer.len() <= before + 1);
                }
            }
        });
        while !consumer.is_finished() {
            let before = consumer.len();
            if consumer.pop().is_some() {
                assert!(consumer.len() + 1 >= before);
            } else {
                assert_eq!(before, 0);
            }
        }
    });
}
