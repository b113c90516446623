//! Models of the count and of the pool. A pool of one slot leaves little to search, so what is
//! explored is the slot's word.
#![cfg(all(loom, feature = "std"))]

use core::{future::poll_fn, panic::AssertUnwindSafe, task::Poll};
use std::{panic::catch_unwind, sync::Arc, time::Instant};

use lockfree_core::{
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        UnsafeCell,
    },
    wait::WaitQueue,
};
use refpool::{AcquireTimeoutError, Closed, Handle, Pool, RefCount, TryAcquireError};
use testkit::{
    drops::{Counted, Drops},
    model::{Model, block_on, must_fail, thread},
};

/// Something that is touched under a protocol, so that the model sees a race.
struct Plain(UnsafeCell<u32>);

// SAFETY: the tests touch it under the protocol that they model.
unsafe impl Sync for Plain {}
// SAFETY: as above.
unsafe impl Send for Plain {}

impl Plain {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn read(&self) -> u32 {
        // SAFETY: what the model is to show: nobody writes meanwhile.
        self.0.with(|value| unsafe { *value })
    }

    fn write(&self, value: u32) {
        // SAFETY: what the model is to show: nobody else touches it meanwhile.
        self.0.with_mut(|inside| unsafe { *inside = value });
    }
}

/// A count, what it counts, and a second thing that each holder writes for itself.
struct Counting {
    count: RefCount,
    parts: [Plain; 3],
}

impl Counting {
    fn new() -> Arc<Self> {
        Arc::new(Self { count: RefCount::new(), parts: core::array::from_fn(|_| Plain::new()) })
    }

    /// Writes its part, lets go, and if it was the last reads all.
    fn use_and_release(&self, part: usize) -> bool {
        self.parts[part].write(1);
        let last = self.count.release();
        if last {
            self.parts.iter().for_each(|part| part.write(part.read() + 1));
        }
        last
    }
}

#[test]
fn last_release_sees_what_every_holder_did() {
    Model::new("last_release_sees_what_every_holder_did", 51).check(|| {
        let counting = Counting::new();
        counting.count.retain();
        counting.count.retain();
        let others = [1, 2].map(|part| {
            let counting = Arc::clone(&counting);
            thread::spawn(move || counting.use_and_release(part))
        });
        let own = counting.use_and_release(0);
        let last = others.map(|other| other.join().unwrap());
        assert_eq!([own, last[0], last[1]].into_iter().filter(|last| *last).count(), 1);
        assert_eq!(counting.count.count(), 0);
    });
}

/// A reference is added while the last one goes: it is there, or it is not; and one is the last.
#[test]
fn a_reference_that_is_tried_for_lives_or_never_was() {
    Model::new("a_reference_that_is_tried_for_lives_or_never_was", 596).exhaustive().check(|| {
        let counting = Counting::new();
        let trying = {
            let counting = Arc::clone(&counting);
            thread::spawn(move || {
                let seen = counting.count.count();
                let added = counting.count.try_retain();
                assert!(seen > 0 || !added, "zero is final");
                added && counting.use_and_release(1)
            })
        };
        let own = counting.use_and_release(0);
        let other = trying.join().unwrap();
        assert!(own ^ other, "one is the last");
        assert!(!counting.count.try_retain());
        assert_eq!(counting.count.count(), 0);
    });
}

#[test]
fn of_two_that_come_late_none_comes_back_from_zero() {
    Model::new("of_two_that_come_late_none_comes_back_from_zero", 166).check(|| {
        let count = Arc::new(RefCount::new());
        let trying = [(); 2].map(|()| {
            let count = Arc::clone(&count);
            thread::spawn(
                move || if count.try_retain() { (true, count.release()) } else { (false, false) },
            )
        });
        let mut last = usize::from(count.release());
        for trying in trying {
            last += usize::from(trying.join().unwrap().1);
        }
        assert_eq!((last, count.count()), (1, 0));
    });
}

/// What a plain count does: a thread that has seen one reference adds another, to none.
#[test]
fn twin_plain_count_comes_back_from_zero() {
    must_fail("twin_plain_count_comes_back_from_zero", "back from zero", || {
        let count = Arc::new(AtomicUsize::new(1));
        let trying = {
            let count = Arc::clone(&count);
            thread::spawn(move || assert!(count.fetch_add(1, Relaxed) != 0, "back from zero"))
        };
        count.fetch_sub(1, Release);
        trying.join().unwrap();
    });
}

/// Five is the limit of a model's counts. Two ask for a sixth while one lets go.
#[test]
fn a_count_at_its_limit_refuses_and_never_wraps() {
    Model::new("a_count_at_its_limit_refuses_and_never_wraps", 28).check(|| {
        let count = Arc::new(RefCount::new());
        (1..5).for_each(|_| count.retain());
        let asking = {
            let count = Arc::clone(&count);
            thread::spawn(move || catch_unwind(AssertUnwindSafe(|| count.retain())).is_ok())
        };
        let own = count.try_retain();
        assert!(!count.release());
        let other = asking.join().unwrap();
        let left = 4 + usize::from(own) + usize::from(other);
        assert!(left <= 5 && count.count() == left);
        for _ in 1..left {
            assert!(!count.release());
        }
        assert!(count.release());
    });
}

/// A pool whose resource tells when two touch it.
fn pool() -> Pool<Plain> {
    Pool::builder(1, Plain::new).extras(0).reset(|plain| plain.write(0)).build()
}

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

/// A pool of counted resources.
fn counted(drops: &Drops, extras: usize) -> Pool<Counted<Plain>> {
    let drops = drops.clone();
    Pool::builder(1, move || drops.counted(Plain::new())).extras(extras).build()
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

/// A wake-up that is lost would be a deadlock, which the model reports.
#[test]
fn who_waits_is_woken_by_a_release() {
    Model::new("who_waits_is_woken_by_a_release", 102).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        let acquired = pool.acquire_blocking().unwrap();
        assert_eq!(acquired.read(), 0);
        other.join().unwrap();
    });
}

#[test]
fn two_who_wait_are_woken_in_turn() {
    Model::new("two_who_wait_are_woken_in_turn", 470).preemptions(1).check(|| {
        let pool = pool();
        let handle = pool.acquire();
        let waiting = [(); 2].map(|()| {
            let pool = pool.clone();
            thread::spawn(move || block_on(pool.acquire_async()).unwrap().write(1))
        });
        drop(handle);
        for waiting in waiting {
            waiting.join().unwrap();
        }
        assert_eq!(pool.stats().in_use, 0);
    });
}

/// Room wakes as a resource does: after a detach, and after `clear_idle`.
#[test]
fn who_waits_is_woken_by_room() {
    Model::new("who_waits_is_woken_by_room", 184).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(Handle::detach(handle)));
        assert!(block_on(pool.acquire_async()).is_ok());
        other.join().unwrap();
    });
}

/// One gives up at the moment at which it is notified: the other one is woken in its place.
#[test]
fn one_who_gives_up_leaves_its_wake_up_to_the_next() {
    Model::new("one_who_gives_up_leaves_its_wake_up_to_the_next", 478).preemptions(1).check(|| {
        let pool = pool();
        let handle = pool.acquire();
        let waiting = {
            let pool = pool.clone();
            thread::spawn(move || pool.acquire_blocking().map(drop))
        };
        let giving_up = {
            let pool = pool.clone();
            thread::spawn(move || {
                let mut future = Box::pin(pool.acquire_async());
                let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready()));
                block_on(polled)
            })
        };
        drop(handle);
        giving_up.join().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_deadline_ends_the_wait_or_does_not() {
    Model::new("a_deadline_ends_the_wait_or_does_not", 154).check(|| {
        let pool = pool();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        match pool.acquire_deadline(Instant::now()) {
            Ok(acquired) => assert_eq!(acquired.read(), 0),
            Err(error) => assert_eq!(error, AcquireTimeoutError::Timeout),
        }
        other.join().unwrap();
        assert!(pool.try_acquire().is_ok());
    });
}

#[test]
fn close_wakes_everybody() {
    Model::new("close_wakes_everybody", 105).preemptions(1).check(|| {
        let drops = Drops::new();
        let pool = counted(&drops, 0);
        let handle = pool.acquire();
        let waiting = [(); 2].map(|()| {
            let pool = pool.clone();
            thread::spawn(move || block_on(pool.acquire_async()).map(drop))
        });
        assert!(pool.close());
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), Err(Closed));
        }
        drop(handle);
        assert_eq!(drops.alive(), 0);
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

/// Two slots: one that the search has passed comes back behind it. The search finds nothing, and is
/// followed by a notification, or made after it.
#[test]
fn what_comes_back_behind_a_search_wakes_who_waits() {
    Model::new("what_comes_back_behind_a_search_wakes_who_waits", 191).check(|| {
        let pool = Pool::builder(2, Plain::new).extras(0).build();
        let (first, second) = (pool.acquire(), pool.acquire());
        let first = Handle::into_owned(first);
        let other = thread::spawn(move || drop(first));
        assert!(block_on(pool.acquire_async()).is_ok());
        drop(second);
        other.join().unwrap();
    });
}

/// A panic in `reset` leaves room, and the room wakes who waits.
#[test]
fn who_waits_is_woken_by_a_loss() {
    Model::new("who_waits_is_woken_by_a_loss", 108).check(|| {
        let pool = Pool::builder(1, Plain::new)
            .extras(0)
            .reset(|plain| assert!(plain.read() == 0, "as told"))
            .build();
        let handle = Handle::into_owned(pool.acquire());
        handle.write(1);
        let other = thread::spawn(move || {
            assert!(catch_unwind(AssertUnwindSafe(|| drop(handle))).is_err());
        });
        assert_eq!(pool.acquire_blocking().unwrap().read(), 0);
        other.join().unwrap();
    });
}

/// Room for an extra resource that comes back is waited for as the resources are.
#[test]
fn who_waits_is_woken_by_an_extra_resource() {
    Model::new("who_waits_is_woken_by_an_extra_resource", 76).check(|| {
        let drops = Drops::new();
        let making = drops.clone();
        let pool = Pool::builder(0, move || making.counted(Plain::new())).extras(1).build();
        let handle = Handle::into_owned(pool.acquire());
        let other = thread::spawn(move || drop(handle));
        drop(pool.acquire_blocking().unwrap());
        other.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (2, 0));
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

/// A waiter that looks and then joins the line, and does not look again: its wake-up is lost.
#[test]
fn twin_waiter_that_does_not_look_again() {
    must_fail("twin_waiter_that_does_not_look_again", "deadlock", || {
        let pool = Arc::new((AtomicUsize::new(2), WaitQueue::new()));
        let other = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                pool.0.store(0, Release);
                pool.1.notify_one();
            })
        };
        let (mut waiter, mut joined) = (pool.1.waiter(), false);
        block_on(poll_fn(|cx| {
            if joined || pool.0.load(Acquire) == 0 {
                return Poll::Ready(());
            }
            joined = true;
            waiter.arm(cx.waker());
            Poll::Pending
        }));
        other.join().unwrap();
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
