//! Sequential behaviour, drops, zero-sized types and panics, of both rings.
#![cfg(not(loom))]

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use ring_spsc::{Consumer, Full, Producer, StaticRing, contiguous};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use testkit::drops::Drops;

// An end is one thread's at a time, and there is one of each.
assert_impl_all!(Producer<u8>: Send, core::fmt::Debug);
assert_impl_all!(Consumer<u8>: Send, core::fmt::Debug);
assert_impl_all!(contiguous::Producer<u8>: Send);
assert_impl_all!(contiguous::Consumer<u8>: Send);
assert_impl_all!(StaticRing<u8, 4>: Send, Sync);
assert_not_impl_any!(Producer<u8>: Sync, Clone);
assert_not_impl_any!(Consumer<u8>: Sync, Clone);
assert_not_impl_any!(contiguous::Producer<u8>: Sync, Clone);
assert_not_impl_any!(contiguous::Consumer<u8>: Sync, Clone);
assert_not_impl_any!(Producer<*const u8>: Send);
assert_not_impl_any!(contiguous::Consumer<*const u8>: Send);
assert_not_impl_any!(StaticRing<*const u8, 4>: Sync);

/// Every test twice: the two rings share this much of their interface.
macro_rules! of_both_rings {
    ($($name:ident => |$ring:ident| $body:block)*) => {
        mod slotted {
            #[allow(unused_imports)]
            use super::*;
            $(#[test] fn $name() { use ring_spsc::ring as $ring; $body })*
        }
        mod side_by_side {
            #[allow(unused_imports)]
            use super::*;
            $(#[test] fn $name() { use ring_spsc::contiguous::ring as $ring; $body })*
        }
    };
}

of_both_rings! {
    values_come_out_in_order_for_any_capacity => |ring| {
        for capacity in [1, 2, 3, 4, 5, 7, 8, 12, 1000, 1024] {
            let (mut producer, mut consumer) = ring(capacity);
            let (mut pushed, mut popped) = (0, 0);
            for round in 0..3 * capacity {
                while pushed < popped + capacity - round % capacity {
                    assert_eq!(producer.push(pushed), Ok(()));
                    pushed += 1;
                }
                assert_eq!(consumer.pop(), Some(popped));
                popped += 1;
            }
            assert_eq!(consumer.len(), pushed - popped);
        }
    }

    a_full_ring_gives_the_value_back => |ring| {
        let (mut producer, mut consumer) = ring(3);
        assert_eq!(producer.push_iter(["a", "b", "c"]), 3);
        let error = producer.push("d").unwrap_err();
        assert_eq!(error, Full("d"));
        assert_eq!(error.to_string(), "the ring is full");
        assert_eq!(error.into_inner(), "d");
        assert_eq!(consumer.pop(), Some("a"));
        assert_eq!(producer.push("d"), Ok(()));
        assert!(producer.push("e").is_err());
    }

    len_is_seen_alike_from_both_sides => |ring| {
        let (mut producer, mut consumer) = ring(5);
        for shift in 0..7 {
            for len in 0..=5 {
                assert_eq!((producer.len(), consumer.len()), (len, len), "shifted by {shift}");
                assert_eq!((producer.is_empty(), consumer.is_empty()), (len == 0, len == 0));
                assert_eq!((producer.is_full(), consumer.is_full()), (len == 5, len == 5));
                assert_eq!((producer.capacity(), consumer.capacity()), (5, 5));
                assert_eq!(producer.push(len).is_ok(), len < 5);
            }
            assert_eq!(consumer.pop_iter().count(), 5);
            producer.push(0).unwrap();
            consumer.pop().unwrap();
        }
    }

    the_reference_program => |ring| {
        let (mut producer, mut consumer) = ring(1024);
        assert_eq!(producer.push_iter(0..10), 10);
        assert_eq!(consumer.pop_iter().take(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!((producer.len(), consumer.len()), (5, 5));
        assert_eq!(producer.push_iter(10..), 1019);
        assert!(producer.push(0).is_err());
        assert_eq!(consumer.pop_iter().count(), 1024);
        assert_eq!(consumer.pop(), None);
    }

    peek_leaves_the_value => |ring| {
        let (mut producer, mut consumer) = ring(2);
        assert_eq!(consumer.peek(), None);
        assert_eq!(consumer.peek_mut(), None);
        producer.push(String::from("a")).unwrap();
        assert_eq!(consumer.peek().map(String::as_str), Some("a"));
        consumer.peek_mut().unwrap().push('b');
        assert_eq!(consumer.pop().as_deref(), Some("ab"));
    }

    slices_wrap_around_the_end => |ring| {
        let (mut producer, mut consumer) = ring(5);
        let mut values = [0; 9];
        for first in 0..20 {
            assert_eq!(producer.push_slice(&[first, first + 1, first + 2]), 3);
            assert_eq!(producer.push_slice(&[first + 3, first + 4, first + 5]), 2);
            assert_eq!(producer.push_slice(&[9]), 0);
            assert_eq!(producer.push_slice(&[]), 0);
            assert_eq!(consumer.pop_slice(&mut values[..2]), 2);
            assert_eq!(consumer.pop_slice(&mut values[2..]), 3);
            assert_eq!(consumer.pop_slice(&mut values), 0);
            assert_eq!(values[..5], [first, first + 1, first + 2, first + 3, first + 4]);
        }
    }

    an_iterator_keeps_what_does_not_fit => |ring| {
        let (mut producer, mut consumer) = ring(2);
        let mut values = 0..5;
        assert_eq!(producer.push_iter(&mut values), 2);
        assert_eq!(producer.push_iter(&mut values), 0);
        assert_eq!(values, 2..5);
        assert_eq!(consumer.pop_iter().take(1).collect::<Vec<_>>(), [0]);
        assert_eq!(consumer.pop(), Some(1));
    }

    an_iterator_that_panics_has_pushed_what_it_yielded => |ring| {
        let drops = Drops::new();
        let (mut producer, mut consumer) = ring(4);
        let values = (0..4).map(|value| {
            assert!(value < 2, "the iterator fails");
            drops.counted(value)
        });
        catch_unwind(AssertUnwindSafe(|| producer.push_iter(values))).unwrap_err();
        assert_eq!(consumer.pop_iter().map(|counted| counted.value).collect::<Vec<_>>(), [0, 1]);
        producer.push(drops.counted(2)).unwrap();
        assert_eq!(consumer.pop().unwrap().value, 2);
        assert_eq!((drops.dropped(), drops.alive()), (3, 0));
    }

    a_body_that_panics_loses_only_what_it_was_given => |ring| {
        let (mut producer, mut consumer) = ring(4);
        producer.push_iter([0, 1, 2]);
        let body = || {
            for value in consumer.pop_iter() {
                assert!(value < 1, "the body fails");
            }
        };
        catch_unwind(AssertUnwindSafe(body)).unwrap_err();
        assert_eq!(consumer.pop_iter().collect::<Vec<_>>(), [2]);
    }

    what_is_left_is_dropped_with_the_last_end => |ring| {
        for producer_first in [true, false] {
            let drops = Drops::new();
            let (mut producer, mut consumer) = ring(3);
            for value in 0..5 {
                producer.push(drops.counted(value)).unwrap();
                if value < 3 {
                    consumer.pop().unwrap();
                }
            }
            assert_eq!(drops.alive(), 2);
            if producer_first {
                drop(producer);
                assert_eq!((drops.alive(), consumer.is_closed()), (2, true));
                drop(consumer);
            } else {
                drop(consumer);
                assert_eq!((drops.alive(), producer.is_closed()), (2, true));
                drop(producer);
            }
            assert_eq!((drops.dropped(), drops.alive()), (5, 0));
        }
    }

    a_drop_that_panics_keeps_no_other_from_being_dropped => |ring| {
        for full_place in 0..4 {
            let drops = Drops::new();
            let (mut producer, mut consumer) = ring(4);
            for _ in 0..full_place {
                producer.push(drops.counted(0)).unwrap();
                consumer.pop().unwrap();
            }
            for value in 0..4 {
                let value = if value == 1 { drops.panicking(1) } else { drops.counted(value) };
                producer.push(value).unwrap();
            }
            drop(producer);
            catch_unwind(AssertUnwindSafe(|| drop(consumer))).unwrap_err();
            assert_eq!(drops.alive(), 0);
        }
    }

    the_end_is_seen => |ring| {
        let (mut producer, mut consumer) = ring(2);
        assert!(!consumer.is_closed() && !producer.is_closed());
        producer.push(1).unwrap();
        drop(producer);
        assert!(consumer.is_closed() && !consumer.is_finished());
        assert_eq!(consumer.pop(), Some(1));
        assert!(consumer.is_finished());

        let (mut producer, consumer) = ring(1);
        drop(consumer);
        assert!(producer.is_closed());
        assert_eq!(producer.push(1), Ok(()));
        assert_eq!(producer.push(2), Err(Full(2)));
    }

    zero_sized_values_are_counted => |ring| {
        let drops = Drops::new();
        let (mut producer, mut consumer) = ring(3);
        assert_eq!(producer.push_iter([(); 5]), 3);
        assert_eq!(consumer.pop(), Some(()));
        assert_eq!(consumer.len(), 2);
        assert_eq!(consumer.pop_iter().count(), 2);

        let (mut producer, consumer) = ring(2);
        producer.push(drops.counted([0; 0])).unwrap();
        drop((producer, consumer));
        assert_eq!((drops.dropped(), drops.alive()), (1, 0));
    }

    large_and_aligned_values_arrive_whole => |ring| {
        #[derive(Debug, PartialEq, Clone, Copy)]
        #[repr(align(256))]
        struct Large([u64; 100]);

        let (mut producer, mut consumer) = ring(3);
        for round in 0..10 {
            producer.push(Large([round; 100])).unwrap();
            let value = consumer.peek().unwrap();
            assert_eq!(core::ptr::from_ref(value).addr() % 256, 0);
            assert_eq!(consumer.pop(), Some(Large([round; 100])));
        }
    }

    no_capacity_panics_with_a_reason => |ring| {
        let panic = catch_unwind(|| ring::<u8>(0)).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"a ring has at least one slot"));
    }

    debug_shows_the_state => |ring| {
        let (mut producer, consumer) = ring(4);
        producer.push(0).unwrap();
        assert_eq!(format!("{producer:?}"), "Producer { len: 1, capacity: 4, is_closed: false }");
        assert_eq!(format!("{consumer:?}"), "Consumer { len: 1, capacity: 4, is_closed: false }");
    }
}

mod chunks {
    use super::*;

    #[test]
    fn a_write_chunk_lends_what_is_free_in_two_pieces() {
        let (mut producer, mut consumer) = contiguous::ring(4);
        producer.push_slice(&[0, 0, 0]);
        consumer.read_chunk(3).commit_all();

        let mut chunk = producer.write_chunk(3);
        assert_eq!((chunk.len(), chunk.is_empty()), (3, false));
        let (first, second) = chunk.as_mut_slices();
        assert_eq!((first.len(), second.len()), (1, 2));
        first[0].write(1);
        second[0].write(2);
        // SAFETY: two values are written.
        unsafe { chunk.commit(2) };
        assert_eq!(consumer.pop_iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(producer.write_chunk(usize::MAX).len(), 4);
    }

    #[test]
    fn a_chunk_without_a_commit_changes_nothing() {
        let (mut producer, mut consumer) = contiguous::ring(4);
        producer.write_chunk(2).as_mut_slices().0[0].write(1);
        assert!(producer.is_empty());
        producer.push(1).unwrap();
        assert_eq!(consumer.read_chunk(9).as_slices(), (&[1][..], &[][..]));
        assert_eq!(consumer.len(), 1);
    }

    #[test]
    fn a_read_chunk_commits_in_part() {
        let drops = Drops::new();
        let (mut producer, mut consumer) = contiguous::ring(3);
        producer.push_iter((0..3).map(|value| drops.counted(value)));
        let mut chunk = consumer.read_chunk(3);
        chunk.as_mut_slices().0[2].value = 7;
        chunk.commit(2);
        assert_eq!((drops.dropped(), consumer.len()), (2, 1));
        assert_eq!(consumer.pop().unwrap().value, 7);
    }

    #[test]
    fn a_drop_that_panics_in_a_commit_leaves_the_rest_inside() {
        let drops = Drops::new();
        let (mut producer, mut consumer) = contiguous::ring(3);
        producer.push_iter([drops.counted(0), drops.panicking(1), drops.counted(2)]);
        let chunk = consumer.read_chunk(3);
        catch_unwind(AssertUnwindSafe(|| chunk.commit_all())).unwrap_err();
        assert_eq!((drops.dropped(), consumer.len()), (2, 1));
        assert_eq!(consumer.pop().unwrap().value, 2);
    }

    #[test]
    fn a_forgotten_iterator_yields_nothing_twice() {
        for producer_first in [true, false] {
            let drops = Drops::new();
            let (mut producer, mut consumer) = contiguous::ring(3);
            producer.push_iter((0..3).map(|value| drops.counted(value)));
            let mut values = consumer.pop_iter();
            assert_eq!(values.next().map(|counted| counted.value), Some(0));
            core::mem::forget(values);
            assert_eq!((consumer.len(), producer.is_full()), (2, true));
            assert_eq!(consumer.pop().map(|counted| counted.value), Some(1));
            assert_eq!(producer.push_iter((3..9).map(|value| drops.counted(value))), 2);
            let mut values = consumer.pop_iter();
            assert_eq!(values.next().map(|counted| counted.value), Some(2));
            core::mem::forget(values);
            if producer_first {
                drop(producer);
                drop(consumer);
            } else {
                drop(consumer);
                drop(producer);
            }
            assert_eq!((drops.dropped(), drops.alive()), (5, 0));
        }
    }

    #[test]
    fn an_iterator_that_panics_in_a_fill_has_pushed_what_it_yielded() {
        let (mut producer, mut consumer) = contiguous::ring(4);
        let values = (0..4).inspect(|&value| assert!(value < 2, "the iterator fails"));
        let chunk = producer.write_chunk(3);
        catch_unwind(AssertUnwindSafe(|| chunk.fill(values))).unwrap_err();
        assert_eq!(consumer.pop_iter().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(producer.write_chunk(2).fill(0..9), 2);
    }

    #[test]
    #[should_panic(expected = "a chunk of 1 has no 2 values")]
    fn a_commit_beyond_the_chunk_panics() {
        let (mut producer, mut consumer) = contiguous::ring(4);
        producer.push_slice(&[1, 2]);
        consumer.read_chunk(1).commit(2);
    }
}

mod without_allocation {
    use super::*;

    #[test]
    fn a_static_ring_is_split_one_at_a_time() {
        static RING: StaticRing<Box<u32>, 3> = StaticRing::new();
        for _ in 0..3 {
            let (mut producer, mut consumer) = RING.split().unwrap();
            assert!(RING.split().is_none());
            assert_eq!(producer.push_iter((0..9).map(Box::new)), 3);
            assert_eq!(consumer.pop().as_deref(), Some(&0));
            drop(producer);
            assert!(RING.split().is_none());
            assert_eq!(consumer.len(), 2);
        }
    }

    #[test]
    fn a_contiguous_static_ring_starts_over_when_it_is_split_again() {
        static RING: contiguous::StaticRing<u8, 3> = contiguous::StaticRing::new();
        for _ in 0..4 {
            let (mut producer, mut consumer) = RING.split().unwrap();
            assert_eq!((producer.len(), consumer.len()), (0, 0));
            assert_eq!(producer.push_slice(b"abcd"), 3);
            assert_eq!(consumer.pop(), Some(b'a'));
        }
    }

    #[test]
    fn what_is_left_is_dropped_before_it_is_split_again() {
        let drops = Drops::new();
        {
            let ring = StaticRing::<_, 2>::new();
            ring.split().unwrap().0.push(drops.counted(())).unwrap();
            assert_eq!(drops.dropped(), 1);
            let (mut producer, consumer) = ring.split().unwrap();
            producer.push(drops.counted(())).unwrap();
            core::mem::forget(consumer);
            drop(producer);
            assert!(ring.split().is_none(), "a forgotten end keeps its claim");
        }
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "and what is inside is leaked");
    }

    #[test]
    fn the_ends_of_a_ring_on_the_stack_work_in_scoped_threads() {
        let ring = StaticRing::<usize, 4>::new();
        let (mut producer, mut consumer) = ring.split().unwrap();
        let sum = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut values = 0..1000;
                while !values.is_empty() {
                    producer.push_iter(&mut values);
                    std::thread::yield_now();
                }
                drop(producer);
            });
            let mut sum = 0;
            while !consumer.is_finished() {
                sum += consumer.pop_iter().sum::<usize>();
                std::thread::yield_now();
            }
            sum
        });
        assert_eq!(sum, 499_500);
    }
}
