//! Models of the cell: what is read is whole and not freed, and what is replaced is freed.
//!
//! A record has one hazard here, so a thread's second guard has a shared one.
#![cfg(loom)]

#[path = "models/watched.rs"]
mod watched;

use hot_config::HotConfig;
use testkit::{
    drops::Drops,
    model::{Model, thread},
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
    Model::new("current_shows_a_whole_value", 1).check(|| {
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
    Model::new("protect_keeps_what_is_read", 1).check(|| {
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
    Model::new("last_look_frees_what_is_left", 1).check(|| {
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
    Model::new("unread_is_seen_before_the_free", 1).check(|| {
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
    Model::new("nested_guards_keep_their_values", 1).check(|| {
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
    Model::new("help_hands_a_whole_value_over", 1).preemptions(3).check(|| {
        let config = config(1);
        let writer = with(&config, |config| {
            drop(config.update(Watched::new(2)));
            drop(config.update(Watched::new(3)));
        });
        let seen = config.load().read();
        assert!((1..=3).contains(&seen));
        writer.join().unwrap();
        assert_eq!(config.load().read(), 3);
    });
}

/// A record that a thread makes is seen whole by one that scans.
#[test]
fn record_is_seen_whole() {
    Model::new("record_is_seen_whole", 1).check(|| {
        let config = config(1);
        let reader = with(&config, |config| config.load().read());
        drop(config.update(Watched::new(2)));
        assert!(reader.join().unwrap() <= 2);
    });
}

/// A thread ends, the next one takes its record over; an update sees the second's words only.
#[test]
fn lease_hands_the_record_over() {
    Model::new("lease_hands_the_record_over", 1).preemptions(1).check(|| {
        let config = config(1);
        let first = with(&config, |config| config.load().read());
        let second = with(&config, |config| config.load().read());
        drop(config.update(Watched::new(2)));
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// The same with a shared hazard: that of a guard within a guard.
#[test]
fn taken_hazard_hands_its_readings_over() {
    Model::new("taken_hazard_hands_its_readings_over", 1).preemptions(1).check(|| {
        let (config, other) = (config(1), HotConfig::new(0));
        let first = {
            let (config, other) = (config.clone(), other.clone());
            thread::spawn(move || {
                let _outer = other.load();
                config.load().read();
            })
        };
        let second = {
            let (config, other) = (config.clone(), other.clone());
            thread::spawn(move || {
                let _outer = other.load();
                config.load().read();
            })
        };
        drop(config.update(Watched::new(2)));
        first.join().unwrap();
        second.join().unwrap();
    });
}
