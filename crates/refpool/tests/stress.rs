//! Real threads. Each resource carries a canary: nobody else may be at it while one has it alone.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{panic::catch_unwind, sync::Arc, thread};

use refpool::{Handle, Pool, RefCount, TryAcquireError};
use testkit::{
    drops::{Counted, Drops},
    stress::scaled,
};

/// Taken by who has the resource alone. The resource itself lies plain beside it.
struct Canary {
    taken: AtomicBool,
    plain: [u64; 4],
}

impl Canary {
    fn new() -> Self {
        Self { taken: AtomicBool::new(false), plain: [0; 4] }
    }

    fn alone(&mut self, mark: u64) {
        assert!(!self.taken.swap(true, Relaxed), "two owners of one resource");
        self.plain.fill(mark);
        core::hint::black_box(&mut self.plain);
        assert_eq!(self.plain, [mark; 4], "two owners of one resource");
        assert!(self.taken.swap(false, Relaxed));
    }
}

/// A pool whose resources are counted, and watch for two owners when they are reset.
fn pool(max: usize, drops: &Drops) -> refpool::Builder<Counted<Canary>> {
    let drops = drops.clone();
    Pool::builder(max, move || drops.counted(Canary::new())).reset(|counted| counted.value.alone(0))
}

fn on_threads(threads: u64, work: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        let work = &work;
        for number in 0..threads {
            scope.spawn(move || work(number + 1));
        }
    });
}

/// The leak test: at the end nothing is out, and what was made is idle or dropped.
fn nothing_is_outstanding(pool: Pool<Counted<Canary>>, drops: &Drops, acquired: u64) {
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.acquired), (0, acquired));
    assert_eq!(
        (stats.idle, stats.created),
        (drops.alive(), (drops.alive() + drops.dropped()) as u64)
    );
    drop(pool);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_resource_has_one_owner_and_none_leaks() {
    // 4 threads: 100 million acquisitions at 250 times this.
    let each = scaled(100_000);
    let drops = Drops::new();
    let pool = pool(3, &drops).build();
    on_threads(4, |mark| {
        for _ in 0..each {
            Handle::get_mut(&mut pool.acquire()).unwrap().value.alone(mark);
        }
    });
    let stats = pool.stats();
    assert!(stats.high_water <= 4 + 1 && stats.idle == 3, "{stats:?}");
    nothing_is_outstanding(pool, &drops, 4 * each);
}

#[test]
fn bounded_pools_hand_out_no_more_than_their_bound() {
    let each = scaled(60_000);
    let drops = Drops::new();
    let pool = pool(1, &drops).extras(1).on_demand().build();
    let acquired = AtomicU64::new(0);
    on_threads(4, |mark| {
        for _ in 0..each {
            match pool.try_acquire() {
                Ok(mut handle) => {
                    Handle::get_mut(&mut handle).unwrap().value.alone(mark);
                    assert!(pool.stats().in_use <= 2);
                    acquired.fetch_add(1, Relaxed);
                }
                Err(error) => assert_eq!(error, TryAcquireError::Empty),
            }
        }
    });
    assert!(pool.stats().high_water <= 2);
    nothing_is_outstanding(pool, &drops, acquired.into_inner());
}

#[test]
fn clones_on_many_threads_share_until_the_last_one_resets() {
    let rounds = scaled(1_500);
    let drops = Drops::new();
    let pool = pool(2, &drops).build();
    for round in 1..=rounds {
        let mut handle = Handle::into_owned(pool.acquire());
        Handle::get_mut(&mut handle).unwrap().value.plain.fill(round);
        on_threads(3, |_| {
            let own = handle.clone();
            assert_eq!(own.value.plain, [round; 4], "reset under a reader");
            drop(own.clone());
            assert_eq!(own.value.plain, [round; 4], "reset under a reader");
        });
    }
    nothing_is_outstanding(pool, &drops, rounds);
}

#[test]
fn resources_come_back_from_other_threads() {
    let items = scaled(100_000);
    let drops = Drops::new();
    let pool = pool(8, &drops).extras(0).build();
    let (sender, receiver) = std::sync::mpsc::sync_channel(4);
    thread::scope(|scope| {
        scope.spawn(|| {
            for mark in 0..items {
                let mut handle = pool.acquire_blocking().unwrap();
                Handle::get_mut(&mut handle).unwrap().value.plain.fill(mark);
                sender.send(handle).unwrap();
            }
            drop(sender);
        });
        for (expected, handle) in (0..).zip(receiver) {
            assert_eq!(handle.value.plain, [expected; 4]);
        }
    });
    nothing_is_outstanding(pool, &drops, items);
}

/// Blocking, timed and asynchronous waiters, some of whom give up, over one resource: if a wake-up
/// were lost, the test would hang.
#[test]
fn waiters_of_all_kinds_lose_no_wake_up() {
    let each = scaled(1_500);
    let drops = Drops::new();
    let pool = pool(1, &drops).extras(0).build();
    let acquired = AtomicU64::new(0);
    let uses = |mark, mut handle: refpool::Ref<'_, Counted<Canary>>| {
        Handle::get_mut(&mut handle).unwrap().value.alone(mark);
        acquired.fetch_add(1, Relaxed);
    };
    on_threads(4, |mark| match mark {
        1 => (0..each).for_each(|_| uses(mark, pool.acquire_blocking().unwrap())),
        2 => {
            for round in 0..each {
                let patience = Duration::from_micros(round % 50);
                pool.acquire_timeout(patience).into_iter().for_each(|handle| uses(mark, handle));
            }
        }
        _ => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.unwrap().block_on(async {
                for round in 0..each {
                    if mark == 3 {
                        uses(mark, pool.acquire_async().await.unwrap());
                        continue;
                    }
                    let patience = Duration::from_micros(round % 50);
                    let cancelled = tokio::time::timeout(patience, pool.acquire_async()).await;
                    cancelled.into_iter().flatten().for_each(|handle| uses(mark, handle));
                }
            });
        }
    });
    nothing_is_outstanding(pool, &drops, acquired.into_inner());
}

#[test]
fn close_and_clear_run_beside_everything() {
    let rounds = scaled(300);
    for _ in 0..rounds {
        let drops = Drops::new();
        let pool = pool(2, &drops).extras(1).build();
        on_threads(4, |mark| match mark {
            1 => {
                pool.clear_idle();
                thread::yield_now();
                pool.close();
            }
            _ => {
                while let Ok(mut handle) = pool.acquire_blocking() {
                    match Handle::get_mut(&mut handle) {
                        Some(counted) => counted.value.alone(mark),
                        None => unreachable!("it has one handle"),
                    }
                    if mark == 2 {
                        assert!(Handle::detach(handle).is_ok());
                    }
                }
            }
        });
        assert_eq!(pool.stats().in_use, 0);
        drop(pool);
        assert_eq!(drops.alive(), 0);
    }
}

/// Panics in `reset`, all along: each loses one resource and nothing else.
#[test]
fn panics_leave_nothing_outstanding() {
    let each = scaled(200);
    let drops = Drops::new();
    let making = drops.clone();
    let pool = Pool::builder(2, move || making.counted(Canary::new()))
        .reset(|counted| assert!(counted.value.plain[0] % 3 != 0, "as told"))
        .extras(0)
        .build();
    let panics = AtomicU64::new(0);
    on_threads(3, |_| {
        for round in 1..=each {
            let mut handle = pool.acquire_blocking().unwrap();
            Handle::get_mut(&mut handle).unwrap().value.alone(round);
            let dropping = AssertUnwindSafe(|| drop(handle));
            panics.fetch_add(catch_unwind(dropping).is_err().into(), Relaxed);
        }
    });
    assert_eq!(panics.into_inner(), 3 * (each / 3));
    assert_eq!(drops.dropped() as u64, 3 * (each / 3));
    nothing_is_outstanding(pool, &drops, 3 * each);
}

#[test]
fn of_many_holders_one_is_the_last() {
    let rounds = scaled(1_500);
    for _ in 0..rounds {
        let (count, last) = (Arc::new(RefCount::new()), AtomicU64::new(0));
        let note = |is_last: bool| last.fetch_add(is_last.into(), Relaxed);
        thread::scope(|scope| {
            for _ in 0..2 {
                count.retain();
                scope.spawn(|| {
                    for _ in 0..20 {
                        if count.try_retain() {
                            note(count.release());
                        }
                    }
                    note(count.release());
                });
            }
            note(count.release());
        });
        assert_eq!((last.into_inner(), count.count()), (1, 0));
    }
}
