//! A cache with a thread stopped anywhere: the others go on, and memory stays bounded.
//!
//! A thread that is there has a session, at which all others look: so each one that was stopped goes on when
//! the others have finished, and what is counted is the operation alone.
#![cfg(stepped)]

mod fixtures;

use std::sync::Arc;

use fixtures::{Chosen, SECOND, by_hand, manual};
use testkit::{
    drops::{Counted, Drops},
    progress::{assert_steps, pause_anywhere, steps},
};
use ttl_cache::{Cache, ManualClock};

/// How many times the companions do their work while the victim is stopped.
const ROUNDS: u64 = 3;

type Numbers = Cache<u64, u64>;

fn shared<T: Clone>(make: impl Fn() -> T) -> impl Fn() -> (T, T) {
    move || {
        let one = make();
        (one.clone(), one)
    }
}

/// Everything but loads, which wait for each other by their purpose.
fn everything(cache: &Numbers, keys: core::ops::Range<u64>) {
    for key in keys {
        cache.set(key, key);
        cache.set_with_ttl(key, key, SECOND);
        assert!(cache.get(&key).is_none_or(|value| value == key));
        assert!(cache.get_ref(&key).is_none_or(|value| *value == key));
        assert!(cache.get_with(&key, |value| *value).is_none_or(|value| value == key));
        let _ = (cache.lookup(&key), cache.contains_key(&key), cache.remove(&key));
        cache.set_absent(key);
        cache.set(key, key);
    }
    cache.maintain();
    let _ = (cache.len(), cache.weight(), cache.stats(), cache.now());
}

#[test]
fn a_thread_stopped_in_any_operation_blocks_nobody() {
    pause_anywhere(
        "all but loads",
        shared(|| {
            let cache: Numbers = by_hand().build();
            (0..4).for_each(|key| cache.set(key, key));
            cache
        }),
        |cache| {
            everything(&cache, 3..5);
            assert!(cache.iter().count() <= 8);
            cache.clear();
        },
        |cache| {
            for round in 0..ROUNDS {
                everything(&cache, 0..6);
                cache.set(7, round);
                assert_eq!(cache.get(&7), Some(round));
            }
        },
    );
}

/// One bucket's worth of keys more, and the table moves.
#[test]
fn a_thread_stopped_while_the_table_moves_blocks_nobody() {
    pause_anywhere(
        "a moving table",
        shared(|| {
            let cache = by_hand().build();
            // All but full: 52 of the 56 slots of the smallest table, in chains.
            (0..52_u64)
                .for_each(|key| cache.set(Chosen(u32::try_from(key % 8).unwrap(), key), key));
            cache
        }),
        |cache: Cache<Chosen, u64>| {
            cache.set(Chosen(0, 100), 100);
            cache.maintain();
        },
        |cache| {
            for key in 0..52 {
                let key = Chosen(u32::try_from(key % 8).unwrap(), key);
                assert_eq!(cache.get(&key), Some(key.1));
            }
            for round in 0..ROUNDS {
                cache.set(Chosen(3, 200), round);
                assert_eq!(cache.get(&Chosen(3, 200)), Some(round));
                assert_eq!(cache.remove(&Chosen(3, 200)).as_deref(), Some(&round));
            }
            (1000..1060).for_each(|key| cache.set(Chosen(u32::try_from(key).unwrap(), key), key));
            assert!(
                (1000..1060).all(|key| {
                    cache.get(&Chosen(u32::try_from(key).unwrap(), key)) == Some(key)
                })
            );
            assert_eq!(cache.get(&Chosen(5, 5)), Some(5));
        },
    );
}

/// Whoever is stopped with the policy's lock: the others keep the capacity, up to an eighth.
#[test]
fn a_thread_stopped_while_it_evicts_lets_others_evict() {
    pause_anywhere(
        "eviction",
        shared(|| {
            let cache: Numbers = by_hand().capacity(16).build();
            (0..16).for_each(|key| cache.set(key, key));
            cache
        }),
        |cache| (20..22).for_each(|key| cache.set(key, key)),
        |cache| {
            for key in 0..200 {
                cache.set(100 + key, key);
                assert_eq!(cache.get(&(100 + key)), Some(key));
                assert!(cache.len() <= 16 + 2 + 2, "{}", cache.len());
            }
        },
    );
}

/// A reader that is stopped keeps what was there, and no more, whatever the others do.
#[test]
fn a_stopped_reader_keeps_a_bounded_number_of_entries() {
    const THERE: usize = 8;
    /// As in the sources: the smallest block, a batch, and how many of them make a look worth while.
    const BLOCK: usize = 32;
    const BATCH: usize = 128;
    const BATCHES: usize = 8;
    pause_anywhere(
        "what a stopped reader keeps",
        || {
            let drops = Drops::new();
            let cache: Cache<usize, Counted<usize>> = by_hand().build();
            (0..THERE).for_each(|key| cache.set(key, drops.counted(key)));
            (cache.clone(), (cache, drops))
        },
        |cache| {
            for key in 0..3 {
                assert_eq!(cache.get_with(&key, |value| value.value), Some(key));
                drop(cache.get_ref(&key));
            }
        },
        |(cache, drops)| {
            for round in 0..6000 {
                cache.set(round % THERE, drops.counted(round % THERE));
            }
            // What the reader keeps: the block that was there, and those of the same era.
            let kept = BLOCK + BATCH + BLOCK;
            // And what is in the cache, and what waits: as much again, the batches that make a look worth
            // while, one that comes before the look, and one in a purse.
            let most = THERE + 2 * kept + (BATCHES + 2) * BATCH;
            assert!(drops.alive() <= most, "{} values live", drops.alive());
            cache.maintain();
            assert!(drops.alive() <= THERE + kept, "{} values live after a look", drops.alive());
        },
    );
}

/// Where nothing moves, a read takes a bounded number of steps.
#[test]
fn reads_of_a_table_at_rest_are_short() {
    let cache = by_hand().build();
    (0..7_u64).for_each(|key| cache.set(Chosen(0, key), key));
    let most = (0..7_u64)
        .map(|key| {
            let (value, steps) = steps(|| cache.get(&Chosen(0, key)));
            assert_eq!(value, Some(key));
            steps
        })
        .max();
    // A look at the tags, and then at each slot, since these keys have one tag.
    assert_steps("get, in the last slot of a bucket at rest", most.unwrap(), 16 + 7 + 2 * 8);
    let (_, first) = steps(|| cache.get(&Chosen(0, 0)));
    assert_steps("get, in the first slot", first, 16 + 7 + 2);
    // In a cache of its own: where the seed of a hash puts another key, the bucket may not be empty.
    let empty: Cache<Chosen, u64> = by_hand().build();
    assert_eq!(empty.get(&Chosen(0, 0)), None);
    let (_, miss) = steps(|| empty.get(&Chosen(0, 0)));
    assert_steps("get, of an empty bucket", miss, 16 + 7 + 2);
    let entry = cache.get_ref(&Chosen(0, 0)).unwrap();
    let (other, more) = steps(|| entry.clone());
    assert_steps("EntryRef::clone", more, 1);
    let ((), less) = steps(|| drop(other));
    assert_steps("EntryRef::drop", less, 2);
    let (_, now) = steps(|| cache.now());
    assert_steps("Cache::now", now, 1);
    let ((), replace) = steps(|| cache.set(Chosen(0, 0), 1));
    println!("progress set, replacing in the first slot: {replace} steps");
}

/// Expiry does not depend on anybody who is stopped.
#[test]
fn a_thread_stopped_while_it_sweeps_lets_entries_expire() {
    pause_anywhere(
        "a sweep",
        || {
            let (clock, builder) = manual();
            let cache: Numbers = builder.time_to_live(SECOND).build();
            (0..20).for_each(|key| cache.set(key, key));
            clock.advance(2 * SECOND);
            (cache.clone(), (cache, clock))
        },
        |cache| cache.maintain(),
        |(cache, clock): (Numbers, Arc<ManualClock>)| {
            assert!((0..20).all(|key| cache.get(&key).is_none()));
            for round in 0..ROUNDS {
                cache.set(1, round);
                assert_eq!(cache.get(&1), Some(round));
                clock.advance(SECOND);
                assert_eq!(cache.get(&1), None);
            }
        },
    );
}
