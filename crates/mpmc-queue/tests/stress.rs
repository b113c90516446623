//! Real threads: nothing is lost, doubled or reordered.
#![cfg(not(loom))]

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use mpmc_queue::{
    Bounded, Queue, WaitFreeQueue,
    ring::{IndexRing, LockFreeRing, Rules, WaitFreeRing},
};
use testkit::{drops::Drops, stress::scaled};

/// Every third operation or so asks for help.
struct Impatient;

// SAFETY: nothing is broken.
unsafe impl Rules for Impatient {
    const DELAY: usize = 1;

    fn patience(_hand: usize) -> u32 {
        0
    }
}

type HelpedQueue<T> = Bounded<T, WaitFreeRing<Impatient>>;

/// What a producer pushed as its `number`-th value.
type Item = (usize, u64);

/// Checks what one consumer got: of each producer, in its order.
fn check_order(got: &[Item], producers: usize) {
    let mut next = vec![0; producers];
    for &(producer, number) in got {
        assert!(number >= next[producer], "producer {producer}: {number} after {}", next[producer]);
        next[producer] = number + 1;
    }
}

/// Checks that all consumers together got each item once.
fn check_all(got: Vec<Vec<Item>>, producers: usize, each: u64) {
    let mut all: Vec<Item> = got.into_iter().flatten().collect();
    all.sort_unstable();
    let expected = (0..producers).flat_map(|producer| (0..each).map(move |n| (producer, n)));
    assert!(all.into_iter().eq(expected), "an item is lost or doubled");
}

fn through<R: IndexRing>(
    queue: &Bounded<Item, R>,
    producers: usize,
    consumers: usize,
    each: u64,
    by_handle: bool,
) {
    let left = AtomicUsize::new(producers * usize::try_from(each).unwrap());
    let push = |mut item: Item,
                push: &mut dyn FnMut(Item) -> Result<(), mpmc_queue::Full<Item>>| {
        while let Err(full) = push(item) {
            item = full.into_inner();
            thread::yield_now();
        }
    };
    let got: Vec<Vec<Item>> = thread::scope(|scope| {
        for producer in 0..producers {
            scope.spawn(move || {
                let mut handle = by_handle.then(|| queue.handle().expect("one a thread"));
                for number in 0..each {
                    let item = (producer, number);
                    match &mut handle {
                        Some(handle) => push(item, &mut |item| handle.push(item)),
                        None => push(item, &mut |item| queue.push(item)),
                    }
                }
            });
        }
        let consume = || {
            let mut handle = by_handle.then(|| queue.handle().expect("one a thread"));
            let mut got = Vec::new();
            while left.load(Relaxed) > 0 {
                let popped = match &mut handle {
                    Some(handle) => handle.pop(),
                    None => queue.pop(),
                };
                match popped {
                    Some(item) => {
                        left.fetch_sub(1, Relaxed);
                        got.push(item);
                    }
                    None => thread::yield_now(),
                }
            }
            check_order(&got, producers);
            got
        };
        let consumers: Vec<_> = (0..consumers).map(|_| scope.spawn(consume)).collect();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    assert!(queue.is_empty());
    check_all(got, producers, each);
}

fn through_all_sizes<R: IndexRing>() {
    for (capacity, producers, consumers) in
        [(1, 1, 1), (1, 2, 2), (2, 3, 1), (3, 2, 3), (17, 4, 4), (1024, 2, 2)]
    {
        for by_handle in [false, true] {
            let queue = Bounded::<Item, R>::new(capacity);
            through(&queue, producers, consumers, scaled(8_000), by_handle);
        }
    }
}

#[test]
fn the_lock_free_queue_loses_doubles_and_reorders_nothing() {
    through_all_sizes::<LockFreeRing>();
}

#[test]
fn the_wait_free_queue_loses_doubles_and_reorders_nothing() {
    through_all_sizes::<WaitFreeRing>();
}

#[test]
fn requests_lose_double_and_reorder_nothing() {
    through_all_sizes::<WaitFreeRing<Impatient>>();
}

/// Eight threads for each processor, more than there are hands.
#[test]
fn oversubscription_loses_nothing() {
    let threads = 4 * thread::available_parallelism().map_or(2, usize::from).min(16);
    let each = scaled(20_000) / threads as u64;
    through(&Queue::with_hands(100, threads, 0), threads, threads, each, false);
    through(&WaitFreeQueue::with_hands(100, threads, 0), threads, threads, each, false);
    through(&HelpedQueue::with_hands(7, threads, 0), threads, threads, each, false);
}

/// Threads come and go, with slots and handles that others had before.
fn generations<T: Send, R: IndexRing>(queue: &Bounded<T, R>, value: impl Fn() -> T + Sync) {
    for generation in 0..scaled(150) {
        thread::scope(|scope| {
            for thread in 0..4 {
                let value = &value;
                scope.spawn(move || {
                    for step in 0..20 {
                        match (generation + thread + step) % 5 {
                            0 | 1 => drop(queue.push(value())),
                            2 => drop(queue.force_push(value())),
                            3 => drop(queue.pop()),
                            _ => drop(queue.handle().and_then(|mut handle| handle.pop())),
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn threads_that_come_and_go_leak_nothing() {
    let drops = Drops::new();
    generations(&Queue::with_hands(5, 3, 2), || drops.counted(()));
    generations(&WaitFreeQueue::with_hands(5, 3, 2), || drops.counted(()));
    generations(&HelpedQueue::with_hands(5, 3, 2), || drops.counted(()));
    assert_eq!(drops.alive(), 0);
    assert!(drops.dropped() > 0);
}

/// Each thread puts back what it takes: nobody may ever see a full queue, or an empty one.
fn pairs_are_never_refused<R: IndexRing>(capacity: usize, threads: usize) {
    let full = Bounded::<usize, R>::new(capacity);
    assert!(full.push_many(0..capacity).is_ok());
    let empty = Bounded::<usize, R>::new(capacity);
    thread::scope(|scope| {
        for thread in 0..threads.min(capacity) {
            let (full, empty) = (&full, &empty);
            scope.spawn(move || {
                for _ in 0..scaled(8_000) {
                    let value = full.pop().expect("another thread has at most one");
                    full.push(value).expect("this thread has made room");
                    empty.push(thread).expect("each thread has at most one inside");
                    empty.pop().expect("this thread has pushed one");
                }
            });
        }
    });
    let mut left: Vec<usize> = full.drain().collect();
    left.sort_unstable();
    assert!(left.into_iter().eq(0..capacity));
    assert!(empty.is_empty());
}

#[test]
fn who_pops_first_never_sees_it_full_and_who_pushes_first_never_empty() {
    for (capacity, threads) in [(1, 1), (2, 2), (4, 4), (16, 8), (17, 8)] {
        pairs_are_never_refused::<LockFreeRing>(capacity, threads);
        pairs_are_never_refused::<WaitFreeRing>(capacity, threads);
        pairs_are_never_refused::<WaitFreeRing<Impatient>>(capacity, threads);
    }
}

/// Displaced or popped, in the queue or never: each value ends in one place.
fn replacing<R: IndexRing>(capacity: usize) {
    let queue = Bounded::<Item, R>::new(capacity);
    let each = scaled(8_000);
    let got: Vec<Vec<Item>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let queue = &queue;
                scope.spawn(move || {
                    let mut got = Vec::new();
                    for number in 0..each {
                        got.extend(queue.force_push((thread, number)));
                        if (number + thread as u64).is_multiple_of(3) {
                            got.extend(queue.pop());
                        }
                    }
                    check_order(&got, 4);
                    got
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let left = queue.drain().collect();
    check_all(got.into_iter().chain([left]).collect(), 4, each);
}

#[test]
fn displaced_values_are_lost_by_nobody() {
    for capacity in [1, 3, 64] {
        replacing::<LockFreeRing>(capacity);
        replacing::<WaitFreeRing>(capacity);
        replacing::<WaitFreeRing<Impatient>>(capacity);
    }
}
