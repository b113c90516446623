//! A thread stopped anywhere in an operation, and the steps of those that are wait-free.
//!
//! A thread that is there has a record, which every update scans: so each one that was stopped goes on
//! when the others have finished, and its record is the next one's.
#![cfg(stepped)]

use core::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::{
    rc::Rc,
    sync::{Arc, mpsc},
    thread,
};

use hot_config::HotConfig;
use lockfree_core::sync::stepped;
use testkit::{
    drops::{Counted, Drops},
    progress::{assert_steps, pause_anywhere, steps},
};

const ROUNDS: u64 = 20;

type Config = HotConfig<Counted<u64>>;

/// A configuration for a victim, and for its companions with what counts its values.
fn setup() -> (Config, (Config, Drops)) {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    (config.clone(), (config, drops))
}

/// All that the others do, beside a thread that is stopped: they finish, and what it keeps is bounded.
fn all_operations((config, drops): (Config, Drops)) {
    let (mut reader, mut changes) = (config.reader(), config.subscribe());
    let callback = config.on_change(|_| ());
    for round in 1..=ROUNDS {
        config.update(drops.counted(round));
        config.rcu(|old| drops.counted(old.value));
        assert_eq!(config.load().value, round);
        assert_eq!((config.load_full().value, reader.load().value), (round, round));
        assert!(reader.load_if_changed().is_none());
        assert!(changes.try_next().is_some_and(|change| change.value.value == round));
        assert!(changes.try_next().is_none());
        assert!(config.rollback(1).is_err());
        // Current, this handle's; the victim's: a guard, a handle, an update under way with its old and
        // new value and the list that it has taken.
        assert!(drops.alive() <= 8, "{} values are alive", drops.alive());
    }
    drop(callback);
}

#[test]
fn a_thread_stopped_in_a_load_blocks_nobody() {
    let accesses = pause_anywhere(
        "HotConfig::load",
        setup,
        |config| {
            let outer = config.load();
            let inner = config.load_full();
            assert!(outer.value <= inner.value);
        },
        all_operations,
    );
    assert!(accesses >= 14);
}

#[test]
fn a_thread_stopped_in_a_reader_blocks_nobody() {
    let accesses = pause_anywhere(
        "Reader",
        || {
            let (config, others) = setup();
            let reader = config.reader();
            config.update(others.1.counted(0));
            ((config, reader), others)
        },
        |(config, mut reader)| {
            let first = reader.load().value;
            let mut other = config.reader();
            assert!(other.load_if_changed().is_none_or(|value| value.value >= first));
            drop(reader.clone());
        },
        all_operations,
    );
    assert!(accesses >= 10);
}

#[test]
fn a_thread_stopped_in_an_update_blocks_nobody() {
    let accesses = pause_anywhere(
        "HotConfig::update",
        || {
            let (config, others) = setup();
            let next = others.1.counted(0);
            ((config, next), others)
        },
        |(config, next)| drop(config.update(next)),
        all_operations,
    );
    assert!(accesses >= 14);
}

#[test]
fn a_thread_stopped_at_the_end_of_a_guard_blocks_nobody() {
    let accesses = pause_anywhere(
        "Guard::drop of an old value",
        || {
            let (config, others) = setup();
            let next = others.1.counted(0);
            ((config, next), others)
        },
        |(config, next)| {
            let guard = config.load();
            drop(config.update(next));
            drop(guard);
        },
        all_operations,
    );
    assert!(accesses >= 20);
}

/// Getting into the line of those who wait takes its lock, which is not part of this: who waits, and who
/// wakes him, wait for each other.
#[test]
fn a_thread_stopped_in_a_subscription_blocks_nobody() {
    let accesses = pause_anywhere(
        "Subscription::try_next",
        setup,
        |config| {
            let mut changes = config.subscribe();
            let _ = changes.try_next();
        },
        all_operations,
    );
    assert!(accesses >= 10);
}

/// The steps of an operation, before each of which another thread does something.
fn disturbed(mut by: impl FnMut() + Send + 'static, operation: impl FnOnce()) -> usize {
    let (ask, asked) = mpsc::channel::<()>();
    let (done, is_done) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        for () in asked {
            by();
            done.send(()).unwrap();
        }
    });
    let count = Rc::new(Cell::new(0));
    let in_hook = Rc::clone(&count);
    stepped::install(move |_| {
        in_hook.set(in_hook.get() + 1);
        ask.send(()).unwrap();
        is_done.recv().unwrap();
    });
    operation();
    stepped::uninstall();
    other.join().unwrap();
    count.get()
}

/// A value that is not equal to itself is told once for each version, also while an update is at it.
#[test]
fn a_projection_tells_nothing_before_there_is_another_version() {
    let config = HotConfig::new(f64::NAN);
    let mut part = config.reader().project(|value| value);
    let told = Arc::new(AtomicUsize::new(0));
    let telling = Arc::clone(&told);
    let ask = move || {
        telling.fetch_add(usize::from(part.load_if_changed().is_some()), Relaxed);
    };
    let accesses = disturbed(ask, || drop(config.update(f64::NAN)));
    assert!(accesses >= 14);
    assert_eq!(told.load(Relaxed), 1);
    println!("progress Projected, beside an update: a NaN is told once for its version");
}

#[test]
fn wait_free_operations_keep_their_bounds() {
    let config = HotConfig::with_history(0_u64, 0);
    drop(config.load());
    let other = config.clone();
    let update = move || drop(other.rcu(|value| value + 1));
    let load = disturbed(update, || {
        let guard = config.load();
        // The end of a guard is not part of it: of an old one it frees, which is lock-free.
        stepped::uninstall();
        assert!(*guard > 0);
    });
    assert_steps("HotConfig::load, an update before each step", load, 11);
    assert_eq!(load, 11, "it did not lose its race");
    let (guard, load) = steps(|| config.load());
    assert_steps("HotConfig::load, undisturbed", load, 5);
    let second = config.load();
    assert_steps("the end of a second guard, undisturbed", steps(|| drop(second)).1, 5);
    assert_steps("the end of a guard, undisturbed", steps(|| drop(guard)).1, 3);

    let config = HotConfig::with_history(0_u64, 0);
    let mut reader = config.reader();
    assert_steps("Reader::load, nothing changed", steps(|| *reader.load()).1, 1);
    let unchanged = steps(|| reader.load_if_changed().is_none()).1;
    assert_steps("Reader::load_if_changed, nothing changed", unchanged, 1);
}
