//! A thread stopped anywhere blocks nobody, and the steps of every operation are bounded.
#![cfg(stepped)]

use core::{cell::Cell, time::Duration};
use std::{rc::Rc, sync::Arc};

use lockfree_core::sync::stepped;
use refpool::{Handle, Owned, Pool, RefCount, TryAcquireError};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const MAX: usize = 3;

/// `max` kept, and as many extra ones.
fn pool() -> Pool<u32> {
    Pool::builder(MAX, || 0).extras(MAX).on_demand().reset(|value| *value = 0).build()
}

/// A pool without a limit, half of whose resources are out.
fn pool_without_limit() -> Pool<u32> {
    Pool::new(MAX, || 0)
}

/// Uses the pool to its bound, whatever the stopped thread has left undone: of one resource nobody
/// can know.
fn goes_on(pool: &Pool<u32>) {
    for _ in 0..3 {
        let mut all = Vec::new();
        while all.len() < 4 * MAX {
            match pool.try_acquire() {
                Ok(handle) => all.push(handle.clone()),
                Err(error) => {
                    assert_eq!(error, TryAcquireError::Empty);
                    break;
                }
            }
        }
        assert!(all.len() >= 2 * MAX - 4, "{} of {}", all.len(), 2 * MAX);
        let taken = all.pop().map(Handle::detach);
        assert!(taken.is_some_and(|taken| taken.is_ok_and(|value| value == 0)));
        drop(all);
        pool.clear_idle();
        assert!(pool.stats().acquired > 0);
    }
}

fn stopped(name: &str, pool: fn() -> Pool<u32>, operation: fn(Pool<u32>, Owned<u32>)) {
    let stops = stop_anywhere(
        name,
        || {
            let pool = pool();
            let handle = Handle::into_owned(pool.acquire());
            ((pool.clone(), handle), pool)
        },
        move |(pool, handle)| operation(pool, handle),
        |pool| goes_on(&pool),
    );
    assert!(stops > 0, "{name}");
}

#[test]
fn a_thread_stopped_in_a_pool_blocks_nobody() {
    type Operation = fn(Pool<u32>, Owned<u32>);
    let operations: [(&str, Operation); 9] = [
        ("acquire, release", |pool, _handle| drop(pool.acquire())),
        ("try_acquire", |pool, _handle| drop(pool.try_acquire())),
        ("acquire all", |pool, _handle| drop([(); MAX].map(|()| pool.acquire()))),
        ("clone, release", |_pool, handle| drop((handle.clone(), handle))),
        ("detach", |_pool, handle| drop(Handle::detach(handle))),
        ("get_mut", |_pool, mut handle| *Handle::get_mut(&mut handle).unwrap() = 1),
        ("into_owned", |pool, _handle| drop(Handle::into_owned(pool.acquire()))),
        ("clear_idle", |pool, handle| {
            drop(handle);
            pool.clear_idle();
        }),
        ("stats", |pool, handle| _ = (pool.stats(), Handle::count(&handle))),
    ];
    for (name, operation) in operations {
        stopped(&format!("bounded pool, {name}"), pool, operation);
        stopped(&format!("pool, {name}"), pool_without_limit, operation);
    }
}

#[test]
fn a_thread_stopped_in_close_leaves_the_pool_open_or_closed() {
    let stops = stop_anywhere(
        "close",
        || {
            let pool = pool();
            drop(pool.acquire());
            (pool.clone(), pool)
        },
        |pool| _ = pool.close(),
        |pool| {
            let acquired = pool.try_acquire();
            assert!(matches!(acquired, Ok(_) | Err(TryAcquireError::Closed)));
            drop(acquired);
            pool.close();
            assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Closed));
        },
    );
    assert!(stops > 0);
}

/// The waiting forms, where there is something: they are as the others. (Who really waits stands in
/// a line under a lock, as the documentation says.)
#[test]
fn a_thread_stopped_before_it_need_wait_blocks_nobody() {
    type Operation = fn(Pool<u32>, Owned<u32>);
    let operations: [(&str, Operation); 5] = [
        ("acquire_deadline", |pool, _handle| {
            drop(pool.acquire_deadline(std::time::Instant::now()));
        }),
        ("clone, is_closed, drop", |pool, _handle| drop((pool.clone(), pool.is_closed()))),
        ("acquire_async", |pool, _handle| {
            drop(lockfree_core::wait::block_on(pool.acquire_async()));
        }),
        ("acquire_blocking", |pool, _handle| drop(pool.acquire_blocking())),
        ("acquire_timeout", |pool, _handle| drop(pool.acquire_timeout(Duration::ZERO))),
    ];
    for (name, operation) in operations {
        stopped(&format!("bounded pool, {name}"), pool, operation);
    }
}

#[test]
fn a_thread_stopped_in_a_count_blocks_nobody() {
    let stops = stop_anywhere(
        "RefCount",
        || {
            let count = Arc::new(RefCount::new());
            (Arc::clone(&count), count)
        },
        |count| {
            count.retain();
            assert!(count.try_retain());
            let _ = (count.release(), count.release(), count.release(), count.try_retain());
        },
        |count| {
            for _ in 0..100 {
                if count.try_retain() {
                    let _ = (count.count(), count.release());
                }
            }
        },
    );
    assert!(stops >= 6);
}

/// Runs `operation` while, before each of its accesses, `rival` runs on the same thread; returns how
/// many accesses it took.
fn disturbed<R>(operation: impl FnOnce() -> R, mut rival: impl FnMut() + 'static) -> usize {
    let count = Rc::new(Cell::new(0));
    let in_hook = Rc::clone(&count);
    stepped::install(move |_| {
        in_hook.set(in_hook.get() + 1);
        rival();
    });
    let result = operation();
    stepped::uninstall();
    drop(result);
    count.get()
}

/// What the docs of `acquire` promise for n slots.
const fn acquire_bound(slots: usize) -> usize {
    4 * slots + 12
}

/// Between any two accesses of the victim, a rival takes the slot that it is about to try, or gives
/// all back.
#[test]
fn the_steps_of_acquire_are_bounded_whatever_the_others_do() {
    for (kept, extras) in [(1, 0), (3, 0), (3, 3), (8, 2)] {
        let mut most = 0;
        for pattern in 0..200_usize {
            let pool = Pool::builder(kept, || 0).extras(extras).on_demand().build();
            // Some were used, and are vacant or idle again.
            let used: Vec<_> = (0..pattern % (kept + 1)).map(|_| pool.acquire()).collect();
            drop(used);
            if pattern % 3 == 0 {
                pool.clear_idle();
            }
            let (rival, mut held, mut turn) = (pool.clone(), Vec::new(), pattern);
            most = most.max(disturbed(
                || pool.try_acquire(),
                move || {
                    turn = turn.wrapping_mul(0x9E37_79B9).rotate_left(7);
                    match turn % 5 {
                        0 => held.clear(),
                        1 => drop(held.pop()),
                        _ => held.extend(rival.try_acquire().map(Handle::into_owned)),
                    }
                },
            ));
        }
        let name = format!("Pool::acquire from {kept} and {extras} extra ones, disturbed");
        assert_steps(&name, most, acquire_bound(kept + extras));
    }
}

#[test]
fn the_steps_of_acquire_are_bounded_where_nothing_is_left() {
    for kept in [0, 1, 5, 32] {
        let pool = Pool::new(kept, || 0);
        let held: Vec<_> = (0..kept).map(|_| pool.acquire()).collect();
        let (extra, most) = steps(|| pool.acquire());
        assert_steps(&format!("Pool::acquire, all {kept} in use"), most, acquire_bound(kept));
        assert_steps("Handle::drop of an extra one", steps(|| drop(extra)).1, 4);
        drop(held);
    }
}

#[test]
fn undisturbed_steps_are_few() {
    let pool = pool_without_limit();
    drop(pool.acquire());
    let (mut handle, acquired) = steps(|| pool.acquire());
    assert_steps("Pool::acquire, undisturbed", acquired, 4);
    assert_steps("Handle::get_mut", steps(|| Handle::get_mut(&mut handle).is_some()).1, 1);
    let (other, cloned) = steps(|| handle.clone());
    assert_steps("Handle::clone", cloned, 1);
    assert_steps("Handle::drop of one of two", steps(|| drop(other)).1, 2);
    let (handle, owned) = steps(|| Handle::into_owned(handle));
    assert_steps("Handle::into_owned", owned, 1);
    assert_steps("Handle::clone of an owned one", steps(|| core::mem::forget(handle.clone())).1, 2);
    drop(handle);
    let handle = pool.acquire();
    assert_steps("Handle::drop", steps(|| drop(handle)).1, 3);
    let handle = pool.acquire();
    assert_steps("Handle::detach", steps(|| Handle::detach(handle)).1, 4);
    assert_steps(
        "Pool::try_acquire, undisturbed",
        steps(|| pool.try_acquire()).1,
        acquire_bound(MAX),
    );
    assert_steps("Pool::stats", steps(|| pool.stats()).1, 2 * MAX + 6);
    assert_steps("Pool::clear_idle", steps(|| pool.clear_idle()).1, 3 * MAX);

    let bounded = self::pool();
    drop(bounded.acquire());
    let handle = bounded.acquire();
    assert_steps("Handle::drop where others may wait", steps(|| drop(handle)).1, 5);

    let count = RefCount::new();
    assert_steps("RefCount::retain", steps(|| count.retain()).1, 1);
    assert_steps("RefCount::try_retain", steps(|| count.try_retain()).1, 1);
    assert_steps("RefCount::count", steps(|| count.count()).1, 1);
    assert_steps("RefCount::release", steps(|| count.release()).1, 1);
    let _ = count.release();
    assert_steps("RefCount::release, the last", steps(|| count.release()).1, 2);
    assert_steps("RefCount::try_retain, refused", steps(|| count.try_retain()).1, 2);
}
