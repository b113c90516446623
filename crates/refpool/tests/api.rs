//! What counts and pools do when nobody else is there.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    cell::Cell,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use std::{
    panic::catch_unwind,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Instant,
};

use refpool::{AcquireTimeoutError, Closed, Handle, Owned, Pool, Ref, RefCount, TryAcquireError};
use static_assertions::{assert_impl_all, assert_not_impl_any, const_assert};
use testkit::drops::{Counted, Drops};

assert_impl_all!(Pool<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Pool<Rc<u8>>: Send, Sync);
assert_impl_all!(Ref<'static, u8>: Send, Sync);
assert_impl_all!(Owned<u8>: Send, Sync);
assert_not_impl_any!(Ref<'static, Cell<u8>>: Send, Sync);
assert_not_impl_any!(Owned<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Owned<Rc<u8>>: Send, Sync);
assert_impl_all!(RefCount: Send, Sync);
const_assert!(size_of::<Ref<'static, u8>>() == 2 * size_of::<usize>());
const_assert!(size_of::<Option<Owned<u8>>>() == 2 * size_of::<usize>());

fn panics<R>(call: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(call)).is_err()
}

fn counted(max: usize, drops: &Drops) -> refpool::Builder<Counted<u32>> {
    let drops = drops.clone();
    Pool::builder(max, move || drops.counted(0))
}

#[test]
fn a_count_begins_at_one_and_ends_at_zero() {
    static COUNT: RefCount = RefCount::new();
    assert_eq!(COUNT.count(), 1);
    COUNT.retain();
    assert!(COUNT.try_retain());
    assert_eq!(COUNT.count(), 3);
    assert_eq!([COUNT.release(), COUNT.release(), COUNT.release()], [false, false, true]);
    assert_eq!(COUNT.count(), 0);
}

#[test]
fn zero_is_final_whatever_is_called() {
    let count = RefCount::default();
    assert!(count.release());
    for _ in 0..3 {
        assert!(!count.try_retain());
        assert!(panics(|| count.retain()));
        assert!(panics(|| count.release()));
        assert_eq!(count.count(), 0);
    }
    assert_eq!(format!("{count:?}"), "RefCount(0)");
}

#[test]
fn a_pool_makes_its_resources_up_front_and_extra_ones_when_empty() {
    let drops = Drops::new();
    let pool = counted(2, &drops).build();
    assert_eq!(drops.alive(), 2);
    let kept = [pool.acquire(), pool.acquire()];
    assert_eq!((pool.stats().created, pool.stats().extra), (2, 0));
    let extra = pool.acquire();
    assert!(Handle::is_extra(&extra) && !kept.iter().any(Handle::is_extra));
    let stats = pool.stats();
    assert_eq!((stats.max, stats.created, stats.extra, stats.acquired), (2, 3, 1, 3));
    assert_eq!((stats.in_use, stats.idle, stats.high_water), (3, 0, 3));
    drop(extra);
    assert_eq!((drops.alive(), pool.stats().in_use), (2, 2));
    drop(kept);
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.idle, stats.high_water, drops.alive()), (0, 2, 3, 2));
    drop(pool);
    assert_eq!((drops.alive(), drops.dropped()), (0, 3));
}

#[test]
fn on_demand_makes_no_more_than_were_needed_at_once() {
    let drops = Drops::new();
    let pool = counted(8, &drops).on_demand().build();
    assert_eq!(pool.stats(), {
        let mut none = refpool::Stats::default();
        none.max = 8;
        none
    });
    for _ in 0..3 {
        let handles = [pool.acquire(), pool.acquire(), pool.acquire()];
        assert_eq!(pool.stats().in_use, 3);
        drop(handles);
    }
    for _ in 0..10 {
        drop(pool.acquire());
    }
    let stats = pool.stats();
    assert_eq!((stats.created, stats.idle, stats.high_water, stats.acquired), (3, 3, 3, 19));
    assert_eq!(drops.alive(), 3);
}

#[test]
fn bounded_extras_end_in_an_error_or_a_panic() {
    let drops = Drops::new();
    let pool = counted(1, &drops).extras(2).build();
    let handles: Vec<_> = (0..3).map(|_| pool.try_acquire().unwrap()).collect();
    assert_eq!(handles.iter().filter(|handle| Handle::is_extra(handle)).count(), 2);
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Empty));
    assert!(panics(|| drop(pool.acquire())));
    let stats = pool.stats();
    assert_eq!((stats.created, stats.extra, stats.in_use, stats.high_water), (3, 2, 3, 3));
    drop(handles);
    assert_eq!((drops.alive(), pool.stats().idle), (1, 1));
    assert!(panics(|| counted(0, &drops).extras(0).build()));
}

#[test]
fn waiting_ends_with_a_resource_the_time_or_the_pool() {
    let pool = Pool::builder(1, || 7).extras(0).build();
    let handle = pool.acquire_blocking().unwrap();
    let started = Instant::now();
    let late = pool.acquire_timeout(Duration::from_millis(20));
    assert_eq!(late.err(), Some(AcquireTimeoutError::Timeout));
    assert!(started.elapsed() >= Duration::from_millis(20));
    let past = pool.acquire_deadline(Instant::now());
    assert_eq!(past.err(), Some(AcquireTimeoutError::Timeout));
    drop(handle);
    assert_eq!(*pool.acquire_timeout(Duration::MAX).unwrap(), 7);
    assert!(pool.close() && !pool.close() && pool.is_closed());
    assert_eq!(pool.acquire_blocking().err(), Some(Closed));
    assert_eq!(pool.acquire_deadline(Instant::now()).err(), Some(AcquireTimeoutError::Closed));
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Closed));
    assert!(panics(|| pool.acquire()));
}

#[test]
fn a_resource_is_reset_when_its_last_handle_goes() {
    let resets = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&resets);
    let pool = Pool::builder(1, Vec::<u8>::new)
        .reset(move |bytes| {
            bytes.clear();
            count.fetch_add(1, Relaxed);
        })
        .build();
    let mut handle = pool.acquire();
    Handle::get_mut(&mut handle).unwrap().extend(b"abc");
    let other = handle.clone();
    assert!(Handle::ptr_eq(&handle, &other) && Handle::count(&handle) == 2);
    assert!(Handle::get_mut(&mut handle).is_none());
    drop(handle);
    assert_eq!((&other[..], resets.load(Relaxed)), (&b"abc"[..], 0));
    drop(other);
    assert_eq!(resets.load(Relaxed), 1);
    let kept = pool.acquire();
    assert!(kept.is_empty() && kept.capacity() >= 3);
    drop(pool.acquire());
    assert_eq!(resets.load(Relaxed), 1, "an extra one is dropped as it is");
}

#[test]
fn what_is_not_valid_is_made_anew() {
    let drops = Drops::new();
    let pool = counted(1, &drops).validate(|counted| counted.value < 2).build();
    for expected in [0, 1, 0, 1] {
        let mut handle = pool.acquire();
        let counted = Handle::get_mut(&mut handle).unwrap();
        assert_eq!(counted.value, expected);
        counted.value += 1;
    }
    let stats = pool.stats();
    assert_eq!((stats.created, stats.idle, drops.dropped(), drops.alive()), (2, 1, 1, 1));
}

#[test]
fn a_resource_can_be_taken_out_by_its_only_handle() {
    let drops = Drops::new();
    let pool = counted(1, &drops).build();
    let (handle, extra) = (pool.acquire(), pool.acquire());
    let second = handle.clone();
    let handle = Handle::detach(handle).unwrap_err();
    drop(second);
    let taken = (Handle::detach(handle).unwrap(), Handle::detach(extra).unwrap());
    assert_eq!((pool.stats().in_use, pool.stats().idle, drops.alive()), (0, 0, 2));
    drop(pool.acquire());
    assert_eq!((pool.stats().idle, pool.stats().created, drops.alive()), (1, 3, 3));
    drop(pool);
    assert_eq!(drops.alive(), 2);
    drop(taken);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn idle_resources_can_be_dropped() {
    let drops = Drops::new();
    let pool = counted(4, &drops).build();
    let handle = pool.acquire();
    assert_eq!((pool.clear_idle(), pool.clear_idle(), drops.alive()), (3, 0, 1));
    drop(pool.acquire());
    assert_eq!(drops.alive(), 2);
    pool.close();
    assert_eq!(drops.alive(), 1);
    drop(handle);
    assert_eq!((drops.alive(), pool.stats().idle), (0, 0));
}

#[test]
fn handles_keep_the_pool_if_they_own_it() {
    let drops = Drops::new();
    let pool = counted(1, &drops).build();
    let handle = Handle::into_owned(pool.acquire());
    let extra = Handle::into_owned(pool.acquire());
    drop(pool);
    let (other, pool) = (handle.clone(), Handle::pool(&handle).clone());
    drop((handle, extra));
    assert_eq!((drops.alive(), pool.stats().in_use, other.value), (1, 1, 0));
    drop(pool);
    drop(other);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_forgotten_handle_keeps_its_resource_until_the_pool_goes() {
    let drops = Drops::new();
    let pool = counted(1, &drops).extras(0).build();
    core::mem::forget(pool.acquire());
    assert_eq!(pool.try_acquire().err(), Some(TryAcquireError::Empty));
    drop(pool);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn resources_without_size_and_of_any_alignment_are_pooled() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(align(512))]
    struct Wide(u8);
    let (units, wide) = (Pool::new(2, || ()), Pool::new(2, || Wide(3)));
    let three = [units.acquire(), units.acquire(), units.acquire()];
    assert_eq!((*three[2], units.stats().extra), ((), 1));
    assert!(!Handle::ptr_eq(&three[0], &three[1]));
    let three = [wide.acquire(), wide.acquire(), wide.acquire()];
    assert!(three.iter().all(|one| core::ptr::from_ref(&**one).addr() % 512 == 0));
    assert_eq!(*three[2], Wide(3));
}

#[test]
fn a_pool_of_extra_resources_only() {
    let pool = Pool::new(0, || String::from("x"));
    assert_eq!((pool.acquire().as_str(), pool.stats().extra), ("x", 1));
    assert_eq!(pool.clear_idle(), 0);
}

#[test]
fn user_code_may_use_the_pool() {
    let inner: Pool<u32> = Pool::new(1, || 1);
    let outer = {
        let inner = inner.clone();
        Pool::builder(1, move || *inner.acquire()).on_demand().build()
    };
    assert_eq!(*outer.acquire(), 1);
    let itself: Arc<Mutex<Option<Pool<u8>>>> = Arc::default();
    let used = Arc::clone(&itself);
    let pool = Pool::builder(2, || 0_u8)
        .on_demand()
        .validate(move |_| {
            let pool = used.lock().unwrap().take();
            pool.is_none_or(|pool| *pool.acquire() == 0)
        })
        .build();
    drop(pool.acquire());
    *itself.lock().unwrap() = Some(pool.clone());
    assert_eq!(*pool.acquire(), 0);
    assert_eq!((pool.stats().in_use, pool.stats().created), (0, 2));
}

#[test]
fn threads_use_a_pool_to_their_very_end() {
    /// Uses the pool, and gives back a handle, while the thread's own values are dropped.
    struct AtExit(Owned<u32>);

    impl Drop for AtExit {
        fn drop(&mut self) {
            assert_eq!(*Handle::pool(&self.0).acquire(), 7);
        }
    }

    thread_local!(static AT_EXIT: Cell<Option<AtExit>> = const { Cell::new(None) });
    for uses_before in [false, true] {
        let pool = Pool::builder(2, || 7).extras(0).build();
        let inside = pool.clone();
        let use_it = move || {
            // What is made first is dropped last.
            if uses_before {
                drop(inside.acquire());
            }
            AT_EXIT.set(Some(AtExit(Handle::into_owned(inside.acquire()))));
        };
        std::thread::spawn(use_it).join().unwrap();
        assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 2));
    }
}

#[test]
fn handles_show_what_they_hold() {
    let pool = Pool::new(1, || 5);
    let handle = pool.acquire();
    assert_eq!((format!("{handle:?} {handle}"), *handle.as_ref()), ("5 5".to_owned(), 5));
    let text = format!("{pool:?}");
    assert!(text.contains("in_use: 1") && text.contains("closed: false"), "{text}");
    assert!(format!("{:?}", Pool::builder(3, || 0).on_demand()).contains("max: 3"));
    assert_eq!(Closed.to_string(), "the pool is closed");
    assert!(TryAcquireError::Empty.to_string().contains("in use"));
    assert!(AcquireTimeoutError::Timeout.to_string().contains("in time"));
}
