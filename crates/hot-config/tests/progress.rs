//! A thread stopped anywhere in an operation, and the steps of those that are wait-free.
#![cfg(stepped)]

use std::sync::Arc;

use hot_config::{Guard, HotConfig};
use testkit::{
    drops::{Counted, Drops},
    progress::{assert_steps, steps, stop_anywhere},
};

const ROUNDS: u64 = 200;

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

/// A configuration, and one that a companion updates while the victim reads it: so that its loads lose.
#[test]
fn a_thread_stopped_in_a_load_blocks_nobody() {
    let accesses = stop_anywhere(
        "HotConfig::load",
        setup,
        |config| {
            let outer = config.load();
            let inner = config.load_full();
            assert_eq!(outer.value, inner.value);
        },
        all_operations,
    );
    assert!(accesses >= 14);
}

#[test]
fn a_thread_stopped_in_a_reader_blocks_nobody() {
    let accesses = stop_anywhere(
        "Reader",
        || {
            let (config, others) = setup();
            let reader = config.reader();
            config.update(others.1.counted(0));
            ((config, reader), others)
        },
        |(config, mut reader)| {
            assert_eq!(reader.load().value, 0);
            let mut other = config.reader();
            assert!(other.load_if_changed().is_none());
            drop(reader.clone());
        },
        all_operations,
    );
    assert!(accesses >= 10);
}

#[test]
fn a_thread_stopped_in_an_update_blocks_nobody() {
    let accesses = stop_anywhere(
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
    let accesses = stop_anywhere(
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

/// A callback has one runner, so the companions bring their own.
#[test]
fn a_thread_stopped_in_a_subscription_blocks_nobody() {
    let accesses = stop_anywhere(
        "Subscription and Callback",
        setup,
        |config| {
            let mut changes = config.subscribe();
            assert!(changes.try_next().is_none());
            drop(config.on_change(|_| ()));
        },
        all_operations,
    );
    assert!(accesses >= 10);
}

/// The most steps of an operation, while others update without end.
fn most(config: &HotConfig<u64>, mut operation: impl FnMut()) -> usize {
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
    operation();
    let ended = Arc::new(AtomicBool::new(false));
    let writer = {
        let (config, ended) = (config.clone(), Arc::clone(&ended));
        std::thread::spawn(move || {
            while !ended.load(Relaxed) {
                config.rcu(|value| value + 1);
            }
        })
    };
    let most = (0..20_000).map(|_| steps(&mut operation).1).max();
    ended.store(true, Relaxed);
    writer.join().unwrap();
    most.unwrap()
}

#[test]
fn wait_free_operations_keep_their_bounds() {
    let config = HotConfig::with_history(0_u64, 0);
    // The end of a guard is not part of it: it frees, which is lock-free.
    let mut seen = 0;
    let load = most(&config, || {
        let guard = config.load();
        seen = seen.max(*guard);
        // From here on the guard is one that does not end within the count.
        lockfree_core::sync::stepped::uninstall();
        drop(guard);
    });
    assert_steps("HotConfig::load", load, 11);
    assert!(seen > 0, "nobody updated");

    let quiet = HotConfig::new(0_u64);
    drop(quiet.load());
    assert_steps("HotConfig::load, undisturbed", steps(|| core::mem::forget(quiet.load())).1, 5);
    let outer = quiet.load();
    assert_steps("Guard::version and its end", steps(|| drop(Guard::version(&outer))).1.max(1), 1);
    let end = steps(|| drop(outer)).1;
    assert_steps("end of a guard, undisturbed", end, 3);
    let mut reader = quiet.reader();
    assert_steps("Reader::load, undisturbed", steps(|| *reader.load()).1, 1);
    assert_steps("Reader::load_if_changed", steps(|| reader.load_if_changed().is_none()).1, 1);
}
