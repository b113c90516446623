//! What a panic in the user's code leaves behind.
#![cfg(not(loom))]

mod fixtures;

use core::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::{panic::catch_unwind, sync::Arc};

use fixtures::{SECOND, manual};
use lockfree_core::clock::ManualClock;
use testkit::drops::{Counted, Drops};
use ttl_cache::Cache;

const VALUES: usize = 20_000;

/// A cache whose values live a second, its clock, and how often its listener was told.
fn told() -> (Arc<ManualClock>, Arc<AtomicUsize>, Cache<usize, Counted<usize>>) {
    let (clock, builder) = manual();
    let told = Arc::new(AtomicUsize::new(0));
    let listening = Arc::clone(&told);
    let listener = move |_: &usize, _: &Counted<usize>, _| {
        listening.fetch_add(1, Relaxed);
    };
    (clock, told, builder.time_to_live(SECOND).listener(listener).build())
}

#[test]
fn a_panic_in_a_drop_keeps_nothing_from_the_listener() {
    let drops = Drops::new();
    let (clock, told, cache) = told();
    for key in 0..VALUES {
        cache.set(key, if key == 50 { drops.panicking(key) } else { drops.counted(key) });
    }
    clock.advance(2 * SECOND);
    let panics = (0..5).filter(|_| catch_unwind(AssertUnwindSafe(|| cache.maintain())).is_err());
    assert_eq!(panics.count(), 1);
    assert_eq!((cache.len(), told.load(Relaxed)), (0, VALUES));
    drop(cache);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_panic_in_the_drop_of_an_older_value_keeps_nothing_from_the_listener() {
    let drops = Drops::new();
    let (_clock, told, cache) = told();
    let set = |n| cache.set(0, if n == 50 { drops.panicking(n) } else { drops.counted(n) });
    let panics = (0..VALUES).filter(|n| catch_unwind(AssertUnwindSafe(|| set(*n))).is_err());
    assert_eq!(panics.count(), 1);
    assert_eq!((cache.len(), told.load(Relaxed)), (1, VALUES - 1));
    drop(cache);
    assert_eq!(drops.alive(), 0);
}
