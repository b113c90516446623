//! The user's code panics: one resource is lost, and nothing else.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use std::{panic::catch_unwind, sync::Arc, thread};

use refpool::{Handle, Pool};
use testkit::drops::{Counted, Drops};

fn panics<R>(call: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

/// A switch for code that panics once.
#[derive(Clone, Default)]
struct Fuse(Arc<AtomicBool>);

impl Fuse {
    fn light(&self) {
        self.0.store(true, Relaxed);
    }

    fn blow(&self) {
        assert!(!self.0.swap(false, Relaxed), "as told");
    }
}

/// A pool of one, strict, whose code panics where a fuse was lit; and the number of resets.
struct Fused {
    pool: Pool<Counted<u32>>,
    drops: Drops,
    make: Fuse,
    reset: Fuse,
    validate: Fuse,
}

fn fused(extras: usize) -> Fused {
    let drops = Drops::new();
    let [make, reset, validate] = core::array::from_fn(|_| Fuse::default());
    let (making, counting) = (make.clone(), drops.clone());
    let (resetting, validating) = (reset.clone(), validate.clone());
    let pool = Pool::builder(1, move || {
        making.blow();
        counting.counted(0)
    })
    .extras(extras)
    .reset(move |counted| {
        resetting.blow();
        counted.value = 0;
    })
    .validate(move |counted| {
        validating.blow();
        counted.value == 0
    })
    .build();
    Fused { pool, drops, make, reset, validate }
}

impl Fused {
    /// After a panic: one resource is gone, nothing is out, and the place is filled again.
    fn recovers(&self, dropped: usize, created: u64) {
        let stats = self.pool.stats();
        assert_eq!((stats.in_use, stats.idle, self.drops.alive()), (0, 0, 0));
        assert_eq!(self.drops.dropped(), dropped);
        assert_eq!(self.pool.acquire().value, 0);
        let stats = self.pool.stats();
        assert_eq!((stats.in_use, stats.idle, stats.created), (0, 1, created));
        assert_eq!(self.drops.alive(), 1);
    }
}

#[test]
fn in_make_nothing_is_lost() {
    let fused = fused(0);
    fused.pool.clear_idle();
    fused.make.light();
    assert!(panics(|| drop(fused.pool.acquire())));
    fused.recovers(1, 2);
}

#[test]
fn in_make_of_an_extra_resource_nothing_is_lost() {
    let fused = fused(1);
    let held = fused.pool.acquire();
    fused.make.light();
    assert!(panics(|| drop(fused.pool.acquire())));
    assert_eq!((fused.pool.stats().in_use, fused.pool.stats().extra), (1, 0));
    drop((fused.pool.acquire(), held));
    assert_eq!((fused.pool.stats().idle, fused.drops.alive()), (1, 1));

    let fuse = Fuse::default();
    let making = fuse.clone();
    let pool = Pool::new(0, move || making.blow());
    fuse.light();
    assert!(panics(|| drop(pool.acquire())));
    drop(pool.acquire());
    assert_eq!((pool.stats().created, pool.stats().in_use), (1, 0));
}

#[test]
fn in_make_of_a_new_pool_all_that_was_made_is_dropped() {
    let drops = Drops::new();
    let (counting, made) = (drops.clone(), AtomicUsize::new(0));
    let make = move || {
        assert!(made.fetch_add(1, Relaxed) < 3, "as told");
        counting.counted(0)
    };
    assert!(panics(|| Pool::new(5, make)));
    assert_eq!((drops.dropped(), drops.alive()), (3, 0));
}

#[test]
fn in_reset_one_resource_is_lost() {
    let fused = fused(0);
    let handle = fused.pool.acquire();
    fused.reset.light();
    assert!(panics(|| drop(handle)));
    fused.recovers(1, 2);
}

#[test]
fn in_validate_one_resource_is_lost() {
    let fused = fused(0);
    fused.validate.light();
    assert!(panics(|| drop(fused.pool.acquire())));
    fused.recovers(1, 2);
}

#[test]
fn who_waits_gets_the_room_that_a_panic_left() {
    let fused = fused(0);
    let handle = fused.pool.acquire();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| fused.pool.acquire_blocking().map(|counted| counted.value));
        thread::sleep(Duration::from_millis(20));
        fused.reset.light();
        assert!(panics(|| drop(handle)));
        assert_eq!(waiting.join().unwrap(), Ok(0));
    });
    assert_eq!((fused.drops.dropped(), fused.drops.alive()), (1, 1));
}

/// Resources whose drop panics, as long as the fuse is lit.
fn touchy(max: usize, extras: Option<usize>) -> (Pool<Touchy>, Fuse, Arc<AtomicUsize>) {
    let (fuse, dropped) = (Fuse::default(), Arc::default());
    let (of_all, counting) = (fuse.clone(), Arc::clone(&dropped));
    let make = move || Touchy(of_all.clone(), Arc::clone(&counting));
    let builder = Pool::builder(max, make).validate(|touchy| touchy.1.load(Relaxed) < 100);
    let pool = match extras {
        Some(most) => builder.extras(most).build(),
        None => builder.build(),
    };
    (pool, fuse, dropped)
}

struct Touchy(Fuse, Arc<AtomicUsize>);

impl Drop for Touchy {
    fn drop(&mut self) {
        self.1.fetch_add(1, Relaxed);
        self.0.blow();
    }
}

#[test]
fn in_drop_of_an_idle_resource_the_others_stay() {
    let (pool, fuse, dropped) = touchy(3, Some(0));
    fuse.light();
    assert!(panics(|| pool.clear_idle()));
    assert_eq!((dropped.load(Relaxed), pool.stats().idle, pool.stats().in_use), (1, 2, 0));
    let all = [pool.acquire(), pool.acquire(), pool.acquire()];
    assert_eq!(pool.stats().created, 4);
    drop(all);
    fuse.light();
    assert!(panics(|| drop(pool)));
    assert_eq!(dropped.load(Relaxed), 4, "all others are dropped");
}

#[test]
fn in_drop_of_an_extra_resource_its_place_is_free() {
    for extras in [Some(1), None] {
        let (pool, fuse, dropped) = touchy(0, extras);
        let extra = pool.acquire();
        fuse.light();
        assert!(panics(|| drop(extra)));
        assert_eq!((dropped.load(Relaxed), pool.stats().in_use), (1, 0));
        drop(pool.acquire());
        assert_eq!((dropped.load(Relaxed), pool.stats().extra), (2, 2));
    }
}

#[test]
fn in_drop_of_what_is_not_valid_its_place_is_free() {
    let (pool, fuse, dropped) = touchy(1, Some(0));
    dropped.store(100, Relaxed);
    fuse.light();
    assert!(panics(|| drop(pool.acquire())));
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 0));
    dropped.store(0, Relaxed);
    drop(pool.acquire());
    assert_eq!((pool.stats().idle, pool.stats().created), (1, 2));
}

#[test]
fn in_drop_of_what_comes_back_to_a_closed_pool() {
    let (pool, fuse, dropped) = touchy(1, Some(0));
    let handle = Handle::into_owned(pool.acquire());
    pool.close();
    fuse.light();
    assert!(panics(|| drop(handle)));
    assert_eq!((dropped.load(Relaxed), pool.stats().in_use, pool.stats().idle), (1, 0, 0));
}
