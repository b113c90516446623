//! How much a cache keeps, and what.
#![cfg(not(loom))]

mod fixtures;

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use fixtures::by_hand;

#[test]
fn the_capacity_holds() {
    let cache = by_hand().capacity(100).build();
    for key in 0..10_000_u64 {
        cache.set(key, key);
        assert!(cache.len() <= 100);
        assert_eq!(cache.get(&key), Some(key), "what came last is there");
    }
    assert_eq!((cache.len(), cache.stats().evicted), (100, 9_900));
    let none = by_hand().capacity(0).build();
    none.set(1, 1);
    assert_eq!((none.len(), none.get(&1)), (0, None));
}

#[test]
fn the_weight_holds() {
    let cache = by_hand::<u32, u32>().capacity(100).weigher(|_, weight| *weight).build();
    for key in 0..1000 {
        cache.set(key % 50, key % 30);
        assert!(cache.weight() <= 100);
    }
    let weights: u32 = cache.iter().map(|entry| *entry).sum();
    assert_eq!(u64::from(weights), cache.weight());
    let before = cache.len();
    cache.set(99, 101);
    assert_eq!((cache.get(&99), cache.len()), (None, before), "it would have to be alone");
    cache.clear();
    assert_eq!((cache.weight(), cache.len()), (0, 0));
}

#[test]
fn a_scan_displaces_nothing_that_was_used() {
    for uses in [0, 1] {
        for by_reads in [true, false] {
            let cache = by_hand().capacity(100).build();
            (0..50).for_each(|key| cache.set(key, 0));
            for key in (0..50).take(50 * uses) {
                if by_reads {
                    assert_eq!(cache.get(&key), Some(0));
                } else {
                    cache.set(key, 1);
                }
            }
            (1000..3000).for_each(|key| cache.set(key, 2));
            let kept = (0..50).filter(|key| cache.contains_key(key)).count();
            assert_eq!(kept, 50 * uses, "by reads: {by_reads}");
        }
    }
}

#[test]
fn a_weigher_that_panics_changes_nothing() {
    let cache = by_hand::<u32, u32>()
        .capacity(10)
        .weigher(|_, weight| {
            assert_ne!(*weight, 7);
            *weight
        })
        .build();
    cache.set(1, 2);
    assert!(catch_unwind(AssertUnwindSafe(|| cache.set(1, 7))).is_err());
    assert_eq!((cache.get(&1), cache.weight()), (Some(2), 2));
}
