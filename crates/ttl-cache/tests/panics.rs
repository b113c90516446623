//! What a panic in the user's code leaves behind.
#![cfg(not(loom))]

mod fixtures;

use core::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::{panic::catch_unwind, sync::Arc};

use fixtures::{SECOND, manual};
use testkit::drops::{Counted, Drops};

#[test]
fn a_panic_in_a_drop_keeps_nothing_from_the_listener() {
    const VALUES: usize = 20_000;
    let drops = Drops::new();
    let told = Arc::new(AtomicUsize::new(0));
    let listening = Arc::clone(&told);
    let (clock, builder) = manual();
    let cache = builder
        .time_to_live(SECOND)
        .listener(move |_: &usize, _: &Counted<usize>, _| {
            listening.fetch_add(1, Relaxed);
        })
        .build();
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
