//! Property tests against plain integers.
#![cfg(all(not(loom), feature = "std"))]

use core::time::Duration;
use std::thread;

use atomic_counter::{Counter, CounterSlab, ShardedCounter, SignedCounter, SignedShardedCounter};
use proptest::{collection::vec, prelude::*};

/// Numbers near zero and near the ends of the range.
fn unsigned() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, any::<u64>(), u64::MAX - 5..=u64::MAX]
}

fn signed() -> impl Strategy<Value = i64> {
    unsigned().prop_map(u64::cast_signed)
}

proptest! {
    #[test]
    fn a_counter_is_a_u64(start in unsigned(), steps in vec((0..9_u8, unsigned()), 0..50)) {
        let (counter, mut model) = (Counter::new(start), start);
        for (operation, n) in steps {
            let before = model;
            let returned = match operation {
                0 => { model = model.wrapping_add(n); counter.add(n) }
                1 => { model = model.wrapping_sub(n); counter.sub(n) }
                2 => { model = model.saturating_add(n); counter.saturating_add(n) }
                3 => { model = model.saturating_sub(n); counter.saturating_sub(n) }
                4 => {
                    let added = before.checked_add(n);
                    model = added.unwrap_or(before);
                    let result = counter.checked_add(n);
                    prop_assert_eq!(result.is_ok(), added.is_some());
                    result.unwrap_or_else(|error| error.held)
                }
                5 => {
                    let subtracted = before.checked_sub(n);
                    model = subtracted.unwrap_or(before);
                    let result = counter.checked_sub(n);
                    prop_assert_eq!(result.is_ok(), subtracted.is_some());
                    result.unwrap_or_else(|error| error.held)
                }
                6 => { model = model.wrapping_add(1); counter.increment() }
                7 => { model = model.wrapping_sub(1); counter.decrement() }
                _ => { model = 0; counter.take() }
            };
            prop_assert_eq!((returned, counter.load()), (before, model));
        }
    }

    #[test]
    fn a_signed_counter_is_an_i64(start in signed(), steps in vec((0..9_u8, signed()), 0..50)) {
        let (counter, mut model) = (SignedCounter::new(start), start);
        for (operation, n) in steps {
            let before = model;
            let returned = match operation {
                0 => { model = model.wrapping_add(n); counter.add(n) }
                1 => { model = model.wrapping_sub(n); counter.sub(n) }
                2 => { model = model.saturating_add(n); counter.saturating_add(n) }
                3 => { model = model.saturating_sub(n); counter.saturating_sub(n) }
                4 => {
                    let added = before.checked_add(n);
                    model = added.unwrap_or(before);
                    let result = counter.checked_add(n);
                    prop_assert_eq!(result.is_ok(), added.is_some());
                    result.unwrap_or_else(|error| error.held)
                }
                5 => {
                    let subtracted = before.checked_sub(n);
                    model = subtracted.unwrap_or(before);
                    let result = counter.checked_sub(n);
                    prop_assert_eq!(result.is_ok(), subtracted.is_some());
                    result.unwrap_or_else(|error| error.held)
                }
                6 => { model = model.wrapping_add(1); counter.increment() }
                7 => { model = model.wrapping_sub(1); counter.decrement() }
                _ => { model = 0; counter.take() }
            };
            prop_assert_eq!((returned, counter.load()), (before, model));
        }
    }

    /// Each batch is added by a thread of its own, while a reader takes deltas in between.
    #[test]
    fn a_sharded_counter_is_a_sum(batches in vec((vec(unsigned(), 0..10), any::<bool>()), 0..8)) {
        let (counter, mut model) = (ShardedCounter::new(), 0_u64);
        let (mut reader, mut deltas) = (counter.delta_reader(), 0_u64);
        for (batch, read) in batches {
            model = batch.iter().fold(model, |sum, &n| sum.wrapping_add(n));
            thread::scope(|scope| {
                scope.spawn(|| batch.iter().for_each(|&n| counter.add(n))).join().unwrap();
            });
            if read {
                deltas = deltas.wrapping_add(reader.take());
                prop_assert_eq!(deltas, model);
            }
        }
        prop_assert_eq!(counter.sum(), model);
    }

    #[test]
    fn a_signed_sharded_counter_is_a_sum(batches in vec(vec(signed(), 0..10), 0..8)) {
        let (counter, mut model, mut baseline) = (SignedShardedCounter::new(), 0_i64, 0);
        for batch in batches {
            thread::scope(|scope| {
                scope.spawn(|| batch.iter().for_each(|&n| counter.add(n))).join().unwrap();
            });
            let change = batch.iter().fold(0_i64, |sum, &n| sum.wrapping_add(n));
            model = model.wrapping_add(change);
            prop_assert_eq!((counter.take_delta(&mut baseline), counter.sum()), (change, model));
        }
    }

    #[test]
    fn a_bounded_age_bounds_the_age(steps in vec((0..4_u64, 0..9_u64, 0..9_u64), 0..50)) {
        let (counter, mut now, mut history) = (ShardedCounter::new(), 0, vec![0_u64]);
        for (adds, wait, max_age) in steps {
            // The true count is known at each time: `history[t]`, at its begin.
            let count = history[history.len() - 1];
            history.extend((0..wait).map(|_| count));
            now += wait;
            let since = usize::try_from(now.saturating_sub(max_age)).unwrap();
            let read = counter.sum_within(Duration::from_nanos(max_age), Duration::from_nanos(now));
            prop_assert!(read >= history[since] && read <= count);
            counter.add(adds);
            history.push(count + adds);
            now += 1;
        }
    }

    #[test]
    fn a_slab_is_an_array(steps in vec((0..200_usize, unsigned()), 0..100)) {
        let (slab, mut model) = (CounterSlab::new(), [0_u64; 200]);
        for _ in &model {
            slab.counter().unwrap();
        }
        for (id, n) in steps {
            model[id] = model[id].wrapping_add(n);
            slab.get(id).unwrap().add(n);
        }
        prop_assert!(slab.iter().map(|counter| counter.sum()).eq(model));
    }
}
