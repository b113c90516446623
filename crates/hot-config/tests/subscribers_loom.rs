//! Models of those who are told: nobody is left with an old version and no wake-up (a model in which one
//! is ends in a deadlock, which loom reports), and versions never go back.
#![cfg(loom)]

use std::sync::{Arc, Mutex};

use hot_config::{HotConfig, Subscription, parts};
use lockfree_core::sync::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    UnsafeCell,
};
use testkit::model::{Model, block_on, must_fail, thread};

fn config() -> HotConfig<u32> {
    HotConfig::with_history(1, 0)
}

fn wait_for(changes: &mut Subscription<u32>, value: u32) {
    let mut version = changes.seen();
    loop {
        let change = changes.wait().expect("there is an update to come");
        assert!(change.version > version, "versions go back");
        version = change.version;
        if *change == value {
            return;
        }
    }
}

#[test]
fn a_thread_that_waits_is_woken() {
    Model::new("a_thread_that_waits_is_woken", 1250).check(|| {
        let config = config();
        let mut changes = config.subscribe();
        let writer = {
            let config = config.clone();
            thread::spawn(move || drop(config.update(2)))
        };
        wait_for(&mut changes, 2);
        writer.join().unwrap();
    });
}

#[test]
fn a_task_that_waits_sees_the_last_of_two_updates() {
    Model::new("a_task_that_waits_sees_the_last_of_two_updates", 860).preemptions(1).check(|| {
        let config = config();
        let mut changes = config.subscribe();
        let writer = {
            let config = config.clone();
            thread::spawn(move || {
                config.update(2);
                config.update(3);
            })
        };
        let mut version = 1;
        while version < 3 {
            let change = block_on(changes.changed()).unwrap();
            assert!(change.version > version && change.version == u64::from(*change));
            version = change.version;
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_thread_that_waits_is_told_of_the_end() {
    Model::new("a_thread_that_waits_is_told_of_the_end", 2350).check(|| {
        let config = config();
        let mut changes = config.subscribe();
        let writer = thread::spawn(move || drop(config.update(2)));
        assert_eq!(changes.wait().map(|change| *change), Some(2));
        assert!(changes.wait().is_none());
        writer.join().unwrap();
    });
}

/// Who sees the end has seen the last version, though no fence of an update orders the two.
#[test]
fn close_carries_the_last_version() {
    Model::new("close_carries_the_last_version", 3700).check(|| {
        let versions = Arc::new(parts::Versions::new());
        let writer = {
            let versions = Arc::clone(&versions);
            thread::spawn(move || {
                versions.update_and_leave();
                versions.close();
            })
        };
        let mut seen = 1;
        while let Some(Some(version)) = versions.next_after(&mut seen) {
            assert_eq!(version, 2);
        }
        if versions.next_after(&mut seen) == Some(None) {
            assert_eq!(seen, 2, "the end, and not the last version");
        }
        writer.join().unwrap();
    });
}

#[test]
fn versions_never_go_back() {
    Model::new("versions_never_go_back", 7100).preemptions(1).check(|| {
        let config = config();
        let writer = {
            let config = config.clone();
            thread::spawn(move || _ = config.update(2))
        };
        let mut reader = config.reader();
        let first = reader.snapshot().version;
        config.update(3);
        let second = reader.snapshot().version;
        assert!(second > first, "versions go back");
        assert!(config.version() >= second, "a handle is ahead");
        writer.join().unwrap();
        assert_eq!(config.version(), 3);
    });
}

/// Two updates, and each may be told by either thread: the last one always is.
#[test]
fn ask_is_heard_by_who_runs() {
    Model::new("ask_is_heard_by_who_runs", 1950).preemptions(1).check(|| {
        let config = config();
        let told = Arc::new(Mutex::new(vec![1]));
        let callback = {
            let told = Arc::clone(&told);
            config.on_change(move |change| told.lock().unwrap().push(change.version))
        };
        let writer = {
            let config = config.clone();
            thread::spawn(move || _ = config.update(2))
        };
        config.update(3);
        writer.join().unwrap();
        let told = told.lock().unwrap();
        assert!(told.is_sorted_by(|one, next| one < next), "versions go back: {told:?}");
        assert_eq!(told.last(), Some(&3));
        drop(callback);
    });
}

/// What a call leaves behind, the next one finds, whichever thread that is on.
#[test]
fn rest_hands_the_body_over() {
    Model::new("rest_hands_the_body_over", 1950).preemptions(1).check(|| {
        let config = config();
        let calls = UnsafeCell::new(0);
        let callback = config.on_change(move |_| {
            // SAFETY: one thread at a time runs the callback, which alone has this.
            calls.with_mut(|calls| unsafe { *calls += 1 });
        });
        let writer = {
            let config = config.clone();
            thread::spawn(move || _ = config.update(2))
        };
        config.update(3);
        writer.join().unwrap();
        drop(callback);
    });
}

/// Who sees that a callback has ended sees what its owner did before.
#[test]
fn end_of_a_callback_is_seen() {
    struct OnDrop(Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            assert_eq!(self.0.load(Relaxed), 1, "ended, and not seen what came before");
            self.1.store(1, Release);
        }
    }
    Model::new("end_of_a_callback_is_seen", 96).check(|| {
        let config = config();
        let (before, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let captured = OnDrop(Arc::clone(&before), Arc::clone(&over));
        let callback = config.on_change(move |_| _ = &captured);
        let writer = {
            let config = config.clone();
            thread::spawn(move || _ = config.update(2))
        };
        before.store(1, Relaxed);
        drop(callback);
        writer.join().unwrap();
        assert_eq!(over.load(Acquire), 1, "the function is dropped");
    });
}

/// A subscription that did not look again after it got in line.
#[test]
fn twin_that_looks_once() {
    must_fail("twin_that_looks_once", "deadlock", || {
        let config = config();
        let mut changes = config.subscribe();
        let line = Arc::new(lockfree_core::wait::WaitQueue::new());
        let writer = {
            let (config, line) = (config.clone(), Arc::clone(&line));
            thread::spawn(move || {
                config.update(2);
                line.notify_all();
            })
        };
        let mut looked = false;
        block_on(core::future::poll_fn(|cx| {
            let change = changes.try_next();
            if change.is_some() {
                return core::task::Poll::Ready(());
            }
            assert!(!looked, "deadlock: woken for nothing");
            looked = true;
            let mut waiter = lockfree_core::wait::Waiter::new(&*line);
            waiter.arm(cx.waker());
            core::mem::forget(waiter);
            core::task::Poll::Pending
        }));
        writer.join().unwrap();
    });
}
