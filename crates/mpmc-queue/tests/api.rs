//! Sequential behaviour, drops, zero-sized types and panics, of both queues.
#![cfg(not(loom))]

use core::panic::AssertUnwindSafe;
use std::{panic::catch_unwind, thread};

use mpmc_queue::{
    Full, Queue, WaitFreeQueue,
    ring::{IndexRing, LockFreeRing, WaitFreeRing},
};
use testkit::drops::Drops;

/// Every test twice: the two queues have one interface.
macro_rules! of_both_queues {
    ($($(#[$attribute:meta])* $name:ident => |$Queue:ident| $body:block)*) => {
        mod lock_free {
            use super::*;
            $($(#[$attribute])* #[test] fn $name() { use Queue as $Queue; $body })*
        }
        mod wait_free {
            use super::*;
            $($(#[$attribute])* #[test] fn $name() { use WaitFreeQueue as $Queue; $body })*
        }
    };
}

of_both_queues! {
    values_come_out_in_order_for_any_capacity => |AnyQueue| {
        for capacity in [1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 33, 1000, 1024] {
            let queue = AnyQueue::new(capacity);
            let (mut pushed, mut popped) = (0, 0);
            for round in 0..3 * capacity {
                while pushed < popped + capacity - round % capacity {
                    assert_eq!(queue.push(pushed), Ok(()));
                    pushed += 1;
                }
                assert_eq!(queue.pop(), Some(popped));
                popped += 1;
            }
            assert_eq!(queue.len(), pushed - popped);
            assert_eq!(queue.capacity(), capacity);
        }
    }

    a_full_queue_gives_the_value_back => |AnyQueue| {
        let queue = AnyQueue::new(3);
        assert!(queue.push_many(["a", "b", "c"]).is_ok());
        let error = queue.push("d").unwrap_err();
        assert_eq!(error, Full("d"));
        assert_eq!(error.to_string(), "the queue is full");
        assert_eq!(error.into_inner(), "d");
        assert_eq!(queue.pop(), Some("a"));
        assert_eq!(queue.push("d"), Ok(()));
        assert!(queue.push("e").is_err());
    }

    force_push_displaces_the_oldest => |AnyQueue| {
        for capacity in [1, 3, 16, 20] {
            let queue = AnyQueue::new(capacity);
            for value in 0..5 * capacity {
                let displaced = queue.force_push(value);
                assert_eq!(displaced, value.checked_sub(capacity));
                assert_eq!(queue.len(), capacity.min(value + 1));
            }
            assert!(queue.push(0).is_err());
            assert!(queue.drain().eq(4 * capacity..5 * capacity));
            assert_eq!(queue.push(1), Ok(()));
            assert_eq!(queue.pop(), Some(1));
        }
    }

    many_at_once => |AnyQueue| {
        let queue = AnyQueue::new(4);
        let Err(Full(rest)) = queue.push_many(0..7) else { panic!("there is room for 4") };
        assert_eq!(rest.collect::<Vec<_>>(), [4, 5, 6]);
        assert_eq!(queue.pop_many(3).collect::<Vec<_>>(), [0, 1, 2]);
        let mut handle = queue.handle().unwrap();
        let Err(Full(rest)) = handle.push_many(4..) else { panic!("there is room for 3") };
        assert_eq!(rest.take(2).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(handle.pop_many(2).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(queue.drain().collect::<Vec<_>>(), [5, 6]);
        assert_eq!(queue.pop_many(2).count(), 0);
    }

    an_iterator_that_panics_has_pushed_what_it_yielded => |AnyQueue| {
        let queue = AnyQueue::new(4);
        let values = (0..4).inspect(|value| assert!(*value < 2, "no more"));
        assert!(catch_unwind(AssertUnwindSafe(|| queue.push_many(values).is_ok())).is_err());
        assert!(queue.drain().eq(0..2));
    }

    len_counts => |AnyQueue| {
        let queue = AnyQueue::new(5);
        for shift in 0..7 {
            for len in 0..=5 {
                assert_eq!(queue.len(), len, "shifted by {shift}");
                assert_eq!((queue.is_empty(), queue.is_full()), (len == 0, len == 5));
                assert_eq!(queue.push(len).is_ok(), len < 5);
            }
            assert_eq!(queue.drain().count(), 5);
            queue.push(0).unwrap();
            queue.pop().unwrap();
        }
    }

    the_reference_program => |AnyQueue| {
        let queue = AnyQueue::new(1024);
        let counts: Vec<usize> = thread::scope(|scope| {
            let producers: Vec<_> = (0..5).map(|producer| {
                let queue = &queue;
                scope.spawn(move || {
                    for value in 0..1000 {
                        let mut value = producer * 1000 + value;
                        while let Err(full) = queue.push(value) {
                            value = full.into_inner();
                            thread::yield_now();
                        }
                    }
                })
            }).collect();
            let consumers: Vec<_> = (0..3).map(|_| scope.spawn(|| {
                let mut count = 0;
                while count < 1666 {
                    match queue.pop() {
                        Some(_) => count += 1,
                        None => thread::yield_now(),
                    }
                }
                count
            })).collect();
            for producer in producers {
                producer.join().unwrap();
            }
            consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
        });
        assert_eq!(counts.iter().sum::<usize>() + queue.drain().count(), 5000);
    }

    what_is_left_is_dropped_once => |AnyQueue| {
        for (pushed, popped) in [(0, 0), (3, 0), (5, 2), (9, 9), (12, 4)] {
            let drops = Drops::new();
            let queue = AnyQueue::new(8);
            for value in 0..pushed.min(8) {
                assert!(queue.push(drops.counted(value)).is_ok());
            }
            for value in 0..popped.min(pushed) {
                assert_eq!(queue.pop().map(|counted| counted.value), (value < 8).then_some(value));
            }
            for value in 8..pushed {
                let _ = queue.push(drops.counted(value));
            }
            drop(queue);
            assert_eq!((drops.alive(), drops.dropped()), (0, pushed));
        }
    }

    what_is_left_can_be_kept => |AnyQueue| {
        let drops = Drops::new();
        let queue = AnyQueue::new(4);
        for value in 0..7 {
            drop(queue.force_push(drops.counted(value)));
        }
        let mut left = queue.into_iter();
        assert_eq!(left.len(), 4);
        assert_eq!(left.next().map(|counted| counted.value), Some(3));
        assert_eq!(drops.alive(), 3);
        drop(left);
        assert_eq!(drops.alive(), 0);
    }

    a_drop_that_panics_keeps_no_other_from_being_dropped => |AnyQueue| {
        let drops = Drops::new();
        let queue = AnyQueue::new(4);
        assert!(queue.push(drops.counted(0)).is_ok());
        assert!(queue.push(drops.panicking(1)).is_ok());
        assert!(queue.push(drops.counted(2)).is_ok());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(queue))).is_err());
        assert_eq!(drops.dropped(), 3);
    }

    values_without_size => |AnyQueue| {
        let queue = AnyQueue::new(3);
        assert!(queue.push_many([(), ()]).is_ok());
        assert_eq!(queue.len(), 2);
        assert_eq!(queue.force_push(()), None);
        assert_eq!(queue.force_push(()), Some(()));
        assert_eq!(queue.drain().count(), 3);
    }

    values_that_are_large_or_aligned => |AnyQueue| {
        #[repr(align(256))]
        #[derive(Clone, Copy, Debug, PartialEq)]
        struct Large([u8; 1000]);
        let queue = AnyQueue::new(2);
        queue.push(Large([7; 1000])).unwrap();
        assert_eq!(queue.pop(), Some(Large([7; 1000])));
    }

    handles_are_lent_and_come_back => |AnyQueue| {
        let queue = AnyQueue::with_hands(4, 1, 2);
        let mut one = queue.handle().unwrap();
        let mut other = queue.handle().unwrap();
        assert!(queue.handle().is_none());
        one.push(1).unwrap();
        assert_eq!((other.pop(), other.pop()), (Some(1), None));
        assert_eq!((0..6).filter_map(|value| one.force_push(value)).collect::<Vec<_>>(), [0, 1]);
        drop(one);
        let mut again = queue.handle().unwrap();
        assert!(again.queue().is_full());
        assert_eq!(again.pop_many(9).collect::<Vec<_>>(), [2, 3, 4, 5]);
    }

    a_handle_may_move_to_another_thread => |AnyQueue| {
        let queue = AnyQueue::new(4);
        let mut handle = queue.handle().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || handle.push(1).unwrap());
        });
        assert_eq!(queue.pop(), Some(1));
    }

    threads_without_a_hand_are_served => |AnyQueue| {
        let queue = AnyQueue::with_hands(4, 0, 0);
        thread::scope(|scope| {
            for value in 0..20 {
                let queue = &queue;
                scope.spawn(move || {
                    while queue.push(value).is_err() {
                        thread::yield_now();
                    }
                    while queue.pop().is_none() {
                        thread::yield_now();
                    }
                });
            }
        });
        assert!(queue.is_empty());
    }

    debug_tells_how_full_it_is => |AnyQueue| {
        struct Opaque;
        let queue = AnyQueue::new(3);
        assert!(queue.push(Opaque).is_ok());
        assert!(format!("{queue:?}").contains("len: 1, capacity: 3"));
        assert!(format!("{:?}", queue.handle()).contains("len: 1"));
    }

    #[should_panic = "room for at least one"]
    no_queue_is_without_room => |AnyQueue| {
        let _ = AnyQueue::<u8>::new(0);
    }
}

#[test]
#[should_panic = "between 1 and 255 hands"]
fn a_wait_free_queue_has_at_most_255_hands() {
    let _ = WaitFreeQueue::<u8>::with_hands(1, 240, 8);
}

#[test]
#[should_panic = "at most 2^20 cells"]
fn a_wait_free_queue_has_at_most_a_million_cells() {
    let _ = WaitFreeQueue::<()>::new(1 << 20);
}

fn cells_stay_one_of_each<R: IndexRing>() {
    let (ring, hands) = R::with_hands(5, 3);
    let mut hands: Vec<R::Hand> = hands.collect();
    for step in 0_usize..10_000 {
        let hand = &mut hands[step % 3];
        let _ = match step * step % 7 {
            0 | 1 | 4 => ring.push(hand),
            2 => ring.replace(hand),
            _ => ring.pop(hand),
        };
        let mut cells: Vec<usize> = hands.iter().map(R::cell).chain(ring.full_cells()).collect();
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), 3 + ring.len());
        assert!(cells.iter().all(|&cell| cell < 8));
    }
}

#[test]
fn cells_of_rings_stay_one_of_each() {
    cells_stay_one_of_each::<LockFreeRing>();
    cells_stay_one_of_each::<WaitFreeRing>();
}

/// What the documentation says of 8 hands, and that each hand makes it more.
#[test]
fn the_bound_is_what_the_documentation_says() {
    let bound = |hands| <WaitFreeRing>::step_bound(hands);
    assert_eq!(bound(8), 40_960);
    assert_eq!(bound(1), 32 * (17 + 16 + 64));
    // Beside those of threads and handles there are eight more.
    assert_eq!(WaitFreeQueue::<u8>::with_hands(4, 0, 0).step_bound(), bound(8));
    assert_eq!(WaitFreeQueue::<u8>::with_hands(4, 3, 2).step_bound(), bound(13));
}
