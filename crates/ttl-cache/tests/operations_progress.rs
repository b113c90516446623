//! A thread stopped anywhere in what the other tests of progress leave out.
#![cfg(stepped)]

mod fixtures;

use fixtures::by_hand;
use testkit::progress::pause_anywhere;
use ttl_cache::Cache;

type Numbers = Cache<u64, u64>;

/// A walk and a reference keep what they see, so the victim goes on when the others have finished.
#[test]
fn a_thread_stopped_in_a_walk_or_with_a_reference_blocks_nobody() {
    let stops = pause_anywhere(
        "Iter, EntryRef, Cache::clone",
        || {
            let cache: Numbers = by_hand().build();
            (0..4).for_each(|key| cache.set(key, key));
            (cache.clone(), cache)
        },
        |cache| {
            assert!(!cache.is_empty() && cache.weight() > 0);
            let mut walk = cache.iter();
            let first = walk.next();
            let _ = walk.cursor().map(|place| cache.iter_from(place).count());
            assert!((&cache).into_iter().count() <= 8);
            let other = first.clone();
            assert!(other.is_none_or(|entry| *entry.value() <= 8));
            drop((first, cache.clone(), cache.get(&1), cache.len(), cache.stats()));
            cache.clear();
        },
        |cache| {
            for round in 0..3 {
                (0..6).for_each(|key| cache.set(key, round));
                // The victim may clear them once.
                let _ = (0..6).filter(|key| cache.get(key) == Some(round)).count();
                let _ = cache.remove(&5);
                cache.maintain();
            }
        },
    );
    assert!(stops > 10);
}
