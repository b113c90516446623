//! Models of the pool. A pool of one slot leaves little to search, so what is explored is the slot's
//! word.
#![cfg(all(loom, feature = "std"))]

mod fixtures;

use core::panic::AssertUnwindSafe;
use std::{panic::catch_unwind, sync::Arc};

use fixtures::{Plain, counted, pool};
use lockfree_core::sync::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed},
};
use refpool::{Handle, Pool, TryAcquireError};
use testkit::{
    drops::Drops,
    model::{Model, must_fail, thread},
};

/// Resets the resource, gives it back, and another thread acquires it.
#[test]
fn give_back_hands_on_what_was_reset() {
    Model::new("give_back_hands_on_what_was_reset", 316).check(|| {
        let pool = pool();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || {
                if let Ok(handle) = pool.try_acquire() {
                    assert_eq!(handle.read(), 0, "not reset");
                    handle.write(1);
                }
            })
        };
        if let Ok(mut handle) = pool.try_acquire() {
            assert_eq!(handle.read(), 0, "not reset");
            Handle::get_mut(&mut handle).unwrap().write(2);
        }
        other.join().unwrap();
        assert_eq!(pool.stats().in_use, 0);
        assert_eq!(pool.try_acquire().unwrap().read(), 0);
    });
}

/// A resource is taken out for good, or dropped while idle, and another thread fills the slot.
#[test]
fn give_back_of_a_vacant_slot_hands_on_the_room() {
    Model::new("give_back_of_a_vacant_slot_hands_on_the_room", 1060).check(|| {
        let pool = pool();
        let other = {
            let pool = pool.clone();
            thread::spawn(move || match pool.try_acquire() {
                Ok(handle) => drop(Handle::detach(handle).map(|plain| plain.write(1))),
                Err(error) => assert_eq!(error, TryAcquireError::Empty),
            })
        };
        pool.clear_idle();
        if let Ok(handle) = pool.try_acquire() {
            handle.write(2);
        }
        other.join().unwrap();
        assert_eq!(pool.try_acquire().unwrap().read(), 0);
    });
}

/// Three handles are dropped by three threads: the last one resets, after all have read.
#[test]
fn last_out_resets_after_every_other() {
    Model::new("last_out_resets_after_every_other", 1616).check(|| {
        let pool = pool();
        let first = pool.try_acquire().unwrap();
        first.write(7);
        let first = Handle::into_owned(first);
        let others = [(); 2].map(|()| {
            let handle = first.clone();
            thread::spawn(move || assert_eq!(handle.read(), 7))
        });
        assert_eq!(first.read(), 7);
        drop(first);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(pool.stats().in_use, 0);
        assert_eq!(pool.try_acquire().unwrap().read(), 0);
    });
}

/// Whoever finds itself alone has the resource to itself: to change it, or to take it out.
#[test]
fn last_out_gets_the_resource_after_every_other() {
    Model::new("last_out_gets_the_resource_after_every_other", 36).check(|| {
        let pool = pool();
        let mut handle = pool.acquire();
        let other = Handle::into_owned(handle.clone());
        let reading = thread::spawn(move || assert_eq!(other.read(), 0));
        if let Some(plain) = Handle::get_mut(&mut handle) {
            plain.write(1);
        }
        match Handle::detach(handle) {
            Ok(plain) => plain.write(2),
            Err(handle) => assert_eq!(handle.read(), 0),
        }
        reading.join().unwrap();
    });
}

/// A reference is added while another goes: the resource stays until both are gone.
#[test]
fn a_clone_beside_a_drop_keeps_the_resource() {
    Model::new("a_clone_beside_a_drop_keeps_the_resource", 304).check(|| {
        let pool = pool();
        let first = Handle::into_owned(pool.acquire());
        let second = first.clone();
        let other = thread::spawn(move || drop(first));
        let third = second.clone();
        drop(second);
        assert_eq!(third.read(), 0);
        assert!(pool.try_acquire().is_err(), "two owners");
        drop(third);
        other.join().unwrap();
        assert_eq!(pool.stats().in_use, 0);
    });
}

/// Three is the limit of a model's handles. Two ask for a fourth while one goes.
#[test]
fn handles_at_their_limit_are_refused() {
    Model::new("handles_at_their_limit_are_refused", 18).check(|| {
        let pool = pool();
        let first = Arc::new(Handle::into_owned(pool.acquire()));
        let handles = [(); 2].map(|()| Handle::clone(&*first));
        let asking = {
            let first = Arc::clone(&first);
            thread::spawn(move || catch_unwind(AssertUnwindSafe(|| Handle::clone(&*first))).ok())
        };
        let own = catch_unwind(AssertUnwindSafe(|| Handle::clone(&*first))).ok();
        let other = asking.join().unwrap();
        let all = 3 + usize::from(own.is_some()) + usize::from(other.is_some());
        assert_eq!((all, Handle::count(&first)), (3, 3));
        drop((own, other, handles));
        assert_eq!(Handle::count(&first), 1);
        drop(first);
        assert_eq!(pool.stats().in_use, 0);
    });
}

/// The pool goes while a handle does: all is freed, once, by whoever is last.
#[test]
fn a_pool_dropped_beside_its_handles_is_freed_once() {
    Model::new("a_pool_dropped_beside_its_handles_is_freed_once", 65).check(|| {
        let drops = Drops::new();
        let pool = counted(&drops, 1);
        let kept = Handle::into_owned(pool.acquire());
        let extra = Handle::into_owned(pool.acquire());
        let others = [kept, extra].map(|handle| {
            thread::spawn(move || {
                handle.value.write(1);
                drop(handle);
            })
        });
        drop(pool);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!((drops.dropped(), drops.alive()), (2, 0));
    });
}

/// Extra resources without a limit lie apart: each is freed by its last handle.
#[test]
fn an_extra_resource_is_freed_by_its_last_handle() {
    Model::new("an_extra_resource_is_freed_by_its_last_handle", 36).check(|| {
        let drops = Drops::new();
        let making = drops.clone();
        let pool = Pool::new(0, move || making.counted(Plain::new()));
        let first = Handle::into_owned(pool.acquire());
        let second = first.clone();
        let other = thread::spawn(move || assert_eq!(second.value.read(), 0));
        drop(first);
        other.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive(), pool.stats().in_use), (1, 0, 0));
    });
}

/// A release meets the closing: the resource is dropped then, or with the pool.
#[test]
fn close_beside_a_release_loses_nothing() {
    Model::new("close_beside_a_release_loses_nothing", 44).check(|| {
        let drops = Drops::new();
        let pool = counted(&drops, 0);
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        assert!(pool.close());
        other.join().unwrap();
        assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Closed));
        pool.clear_idle();
        assert_eq!((drops.dropped(), drops.alive()), (1, 0));
    });
}

/// `clear_idle` beside an acquisition: each resource is dropped once or handed out.
#[test]
fn clearing_and_acquiring_share_no_resource() {
    Model::new("clearing_and_acquiring_share_no_resource", 64).check(|| {
        let drops = Drops::new();
        let pool = counted(&drops, 0);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.clear_idle())
        };
        let acquired = pool.try_acquire();
        if let Ok(handle) = &acquired {
            handle.value.write(1);
        }
        drop(acquired);
        let cleared = other.join().unwrap();
        assert_eq!(pool.stats().in_use, 0);
        assert_eq!((drops.dropped(), drops.alive()), (cleared, pool.stats().idle));
    });
}

/// Statistics read beside everything stay within what there is.
#[test]
fn statistics_beside_a_use_stay_within_bounds() {
    Model::new("statistics_beside_a_use_stay_within_bounds", 144).check(|| {
        let pool = Pool::new(1, Plain::new);
        let other = {
            let pool = pool.clone();
            thread::spawn(move || pool.acquire().write(1))
        };
        let stats = pool.stats();
        assert!(stats.in_use + stats.idle <= 2 && stats.acquired <= 1);
        other.join().unwrap();
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.idle, stats.acquired), (0, 1, 1));
        assert_eq!((stats.created, stats.high_water), (1, 1));
    });
}

/// What the slot's word would be worth without the edge: published by nothing.
#[test]
fn twin_that_gives_back_without_release() {
    must_fail("twin_that_gives_back_without_release", "Causality violation", || {
        let slot = Arc::new((AtomicUsize::new(2), Plain::new()));
        let other = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                if slot.0.compare_exchange(0, 2, Acquire, Relaxed).is_ok() {
                    slot.1.write(1);
                }
            })
        };
        slot.1.write(2);
        slot.0.store(0, Relaxed);
        other.join().unwrap();
    });
}
