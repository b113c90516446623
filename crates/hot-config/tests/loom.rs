//! Models of the cell: what is read is whole and not freed, and what is replaced is freed.
//!
//! A record has one hazard here, so a thread's second guard has a shared one.
#![cfg(loom)]

#[path = "models/watched.rs"]
mod watched;

use hot_config::HotConfig;
use testkit::{
    drops::Drops,
    model::{Model, must_fail, thread},
};
use watched::Watched;

type Config = HotConfig<Watched>;

fn config(value: u32) -> Config {
    HotConfig::with_history(Watched::new(value), 0)
}

/// Runs `body` on another thread, with a handle.
fn with<R: 'static>(
    config: &Config,
    body: impl FnOnce(Config) -> R + 'static,
) -> thread::JoinHandle<R> {
    let config = config.clone();
    thread::spawn(move || body(config))
}

#[test]
fn current_shows_a_whole_value() {
    Model::new("current_shows_a_whole_value", 900).check(|| {
        let config = config(1);
        let writer = with(&config, |config| drop(config.update(Watched::new(2))));
        let seen = config.load().read();
        assert!(seen == 1 || seen == 2);
        writer.join().unwrap();
        assert_eq!(config.load().read(), 2);
    });
}

#[test]
fn protect_keeps_what_is_read() {
    Model::new("protect_keeps_what_is_read", 2600).check(|| {
        let config = config(1);
        let writer = with(&config, |config| drop(config.update(Watched::new(2))));
        let guard = config.load();
        let seen = guard.read();
        assert_eq!(guard.read(), seen);
        drop(guard);
        assert!(config.load().read() >= seen);
        writer.join().unwrap();
    });
}

/// Whoever is last, the guard or the update, frees the value: when both are done it is gone.
#[test]
fn last_look_frees_what_is_left() {
    Model::new("last_look_frees_what_is_left", 107).check(|| {
        let drops = Drops::new();
        let config = HotConfig::with_history(drops.counted(1), 0);
        let guard = config.load();
        let writer = {
            let (config, next) = (config.clone(), drops.counted(2));
            thread::spawn(move || drop(config.update(next)))
        };
        assert_eq!(guard.value, 1);
        drop(guard);
        writer.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (1, 1));
        drop(config);
        assert_eq!(drops.alive(), 0);
    });
}

/// Two guards, one after the other, with one hazard: the writer may see only the second.
#[test]
fn unread_is_seen_before_the_free() {
    Model::new("unread_is_seen_before_the_free", 2600).check(|| {
        let config = config(1);
        let writer = with(&config, |config| drop(config.update(Watched::new(2))));
        for _ in 0..2 {
            config.load().read();
        }
        writer.join().unwrap();
    });
}

/// Two guards of one thread at a time, and an update in between: each keeps its own value.
#[test]
fn nested_guards_keep_their_values() {
    Model::new("nested_guards_keep_their_values", 4700).check(|| {
        let config = config(1);
        let first = config.load();
        let writer = with(&config, |config| drop(config.update(Watched::new(2))));
        let second = config.load();
        assert_eq!(first.read(), 1);
        drop(first);
        assert!(second.read() >= 1);
        drop(second);
        writer.join().unwrap();
    });
}

/// A reader that lost its race is helped by an update, or not.
#[test]
fn help_hands_a_whole_value_over() {
    Model::new("help_hands_a_whole_value_over", 2100).check(|| {
        let config = config(1);
        let writer = with(&config, |config| {
            drop(config.update(Watched::new(2)));
            drop(config.update(Watched::new(3)));
        });
        let seen = config.load_by_announcing().read();
        assert!((1..=3).contains(&seen));
        writer.join().unwrap();
        assert_eq!(config.load().read(), 3);
    });
}

/// The same within a load, at the depth at which it happens there.
#[test]
fn a_load_that_loses_its_race_is_whole() {
    let model = Model::new("a_load_that_loses_its_race_is_whole", 2150);
    let deep = std::env::var_os("ATOMWORKS_DEEP").is_some();
    model.preemptions(if deep { 3 } else { 2 }).check(|| {
        let config = config(1);
        let writer = with(&config, |config| {
            drop(config.update(Watched::new(2)));
            drop(config.update(Watched::new(3)));
        });
        assert!(config.load().read() <= 3);
        writer.join().unwrap();
    });
}

/// A hazard announces for one configuration and then for another: an update of the first that sees the
/// second time sees that the first is over.
#[test]
fn about_shows_that_the_last_mark_is_gone() {
    Model::new("about_shows_that_the_last_mark_is_gone", 3500).check(|| {
        let (first, second) = (config(1), config(10));
        let writer = with(&first, |first| drop(first.update(Watched::new(2))));
        assert!(first.load_by_announcing().read() < 10);
        assert_eq!(second.load_by_announcing().read(), 10);
        writer.join().unwrap();
    });
}

/// The reverse: an update of the one that comes first must not take the second mark for its own.
#[test]
fn mark_tells_whom_it_is_for() {
    Model::new("mark_tells_whom_it_is_for", 3500).check(|| {
        let (first, second) = (config(1), config(10));
        let writer = with(&first, |first| drop(first.update(Watched::new(2))));
        drop(first.load_by_announcing());
        assert_eq!(second.load_by_announcing().read(), 10);
        writer.join().unwrap();
    });
}

/// The end of a guard frees a value that it has never seen, since it takes the list.
#[test]
fn retired_nodes_are_taken_whole() {
    Model::new("retired_nodes_are_taken_whole", 260).check(|| {
        let config = config(1);
        let guard = config.load();
        let writer = with(&config, |config| {
            drop(config.update(Watched::new(2)));
            drop(config.update(Watched::new(3)));
        });
        guard.read();
        drop(guard);
        writer.join().unwrap();
    });
}

/// A guard and a handle on one value end while an update retires it: the last one frees it.
#[test]
fn looks_see_what_was_put_back() {
    Model::new("looks_see_what_was_put_back", 1570).check(|| {
        let drops = Drops::new();
        let config = HotConfig::with_history(drops.counted(1), 0);
        let guard = config.load();
        let mut reader = config.reader();
        let writer = {
            let (config, next) = (config.clone(), drops.counted(2));
            thread::spawn(move || drop(config.update(next)))
        };
        let reading = thread::spawn(move || {
            assert!(reader.load().value <= 2);
            reader
        });
        drop(guard);
        writer.join().unwrap();
        let mut reader = reading.join().unwrap();
        assert_eq!(reader.load().value, 2);
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "what is replaced is forgotten");
    });
}

/// A record that a thread makes is seen whole by one that scans.
#[test]
fn record_is_seen_whole() {
    Model::new("record_is_seen_whole", 1540).check(|| {
        let config = config(1);
        let reader = with(&config, |config| config.load().read());
        drop(config.update(Watched::new(2)));
        assert!(reader.join().unwrap() <= 2);
    });
}

/// A thread ends, the next one takes its record over; an update sees the second's words only.
#[test]
fn lease_hands_the_record_over() {
    Model::new("lease_hands_the_record_over", 4100).preemptions(1).check(|| {
        let config = config(1);
        let first = with(&config, |config| config.load().read());
        let second = with(&config, |config| config.load().read());
        drop(config.update(Watched::new(2)));
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// The same with a shared hazard: that of a handle.
#[test]
fn taken_hazard_hands_its_readings_over() {
    Model::new("taken_hazard_hands_its_readings_over", 3100).preemptions(1).check(|| {
        let config = config(1);
        let first = with(&config, |config| config.reader().load().read());
        let second = with(&config, |config| config.reader().load().read());
        drop(config.update(Watched::new(2)));
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// The cell without the fences: reader and writer miss each other, and what is read is written to.
#[test]
fn twin_without_fences() {
    use std::sync::Arc;

    use lockfree_core::sync::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
        UnsafeCell,
    };

    struct Cell {
        current: AtomicUsize,
        hazard: AtomicUsize,
        value: UnsafeCell<u32>,
    }
    // SAFETY: none: this is what must fail.
    unsafe impl Sync for Cell {}
    // SAFETY: it owns its value.
    unsafe impl Send for Cell {}

    must_fail("twin_without_fences", "ausality violation", || {
        let cell = Arc::new(Cell {
            current: AtomicUsize::new(1),
            hazard: AtomicUsize::new(0),
            value: UnsafeCell::new(1),
        });
        let reader = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                let seen = cell.current.load(Relaxed);
                cell.hazard.store(seen, Release);
                if cell.current.load(Acquire) == 1 && seen == 1 {
                    // SAFETY: none: this is what must fail.
                    assert_eq!(cell.value.with(|value| unsafe { *value }), 1);
                }
                cell.hazard.store(0, Release);
            }
        });
        let old = cell.current.swap(2, AcqRel);
        if cell.hazard.load(Acquire) != old {
            // SAFETY: none: this is what must fail.
            cell.value.with_mut(|value| unsafe { *value = 0 });
        }
        reader.join().unwrap();
    });
}
