//! A thread stopped anywhere in what the other tests of progress leave out, and what is called wait-free.
#![cfg(stepped)]

use hot_config::{Guard, HotConfig, Reader, Subscription};
use testkit::progress::{assert_steps, pause_anywhere, steps};

type Config = HotConfig<u64>;

fn setup() -> (Config, Config) {
    let config = HotConfig::with_history(0, 2);
    (config.clone(), config)
}

#[expect(clippy::needless_pass_by_value, reason = "the harness gives it away")]
fn others(config: Config) {
    for _ in 0..10 {
        let old = *config.load();
        config.update(old + 1);
        config.rcu(|value| value + 1);
        assert!(*config.load_full() >= old + 2);
        assert!(config.version() > 0);
    }
}

fn paused(name: &str, victim: impl Fn(Config) + Clone + Send + 'static) {
    assert!(pause_anywhere(name, setup, victim, others) > 0, "{name}");
}

#[test]
fn a_thread_stopped_in_a_look_blocks_nobody() {
    paused("HotConfig: snapshot, history, status, version", |config| {
        let _ = (config.snapshot(), config.history(), config.status(), config.version());
        let guard = config.load();
        let _ = (Guard::snapshot(&guard), Guard::to_arc(&guard));
        drop(config.clone());
    });
}

#[test]
fn a_thread_stopped_in_a_change_blocks_nobody() {
    paused("HotConfig: rcu, try_rcu, rollback", |config| {
        let before = config.version();
        config.rcu(|value| value + 1);
        let _ = config.try_rcu(|value| Err::<u64, u64>(*value));
        let _ = config.try_rcu(|value| Ok::<u64, ()>(value + 1));
        let _ = config.rollback(before);
    });
}

#[test]
fn a_thread_stopped_in_a_projection_blocks_nobody() {
    paused("Reader, Projected", |config| {
        let mut reader = config.reader();
        let _ = (reader.snapshot(), *reader.load());
        config.update(7);
        let mut part = reader.project(|value| value);
        let _ = *part.load();
        config.update(8);
        let _ = part.load_if_changed().copied();
    });
}

/// What a thread does about subscriptions while nobody waits; their line's lock is no access.
#[test]
fn a_thread_stopped_in_a_subscription_blocks_nobody() {
    paused("Subscription::clone", |config| {
        let subscription = config.subscribe();
        let _ = subscription.clone().try_next();
    });
}

/// With the lock of those who wait it may hold an update up, but nothing that reads.
#[test]
fn a_thread_stopped_in_a_callback_blocks_no_reader() {
    let setup = || {
        let (config, others) = setup();
        let (reader, changes) = (others.reader(), others.subscribe());
        (config, (others, reader, changes))
    };
    let victim = |config: Config| {
        let callback = config.on_change(|_| ());
        config.update(1);
        drop(callback);
    };
    let reads = |(config, mut reader, mut changes): (Config, Reader<u64>, Subscription<u64>)| {
        for _ in 0..10 {
            let value = *config.load();
            assert!(*reader.load() >= value && *config.load_full() >= value);
            assert!(config.snapshot().version > *reader.load_if_changed().unwrap_or(&0));
            assert!(changes.try_next().is_none_or(|change| change.version == 2));
            let _ = (config.history(), config.status(), config.subscribe());
        }
    };
    let name = "HotConfig::on_change, Callback::drop, beside reads";
    assert!(pause_anywhere(name, setup, victim, reads) > 20);
}

#[test]
fn reads_keep_their_bounds() {
    let config = HotConfig::with_history(0_u64, 0);
    drop(config.load());
    let guard = config.load();
    assert_steps("Guard::drop, undisturbed", steps(|| drop(guard)).1, 3);
    assert_steps("HotConfig::load_full, undisturbed", steps(|| config.load_full()).1, 11);
    assert_steps("HotConfig::version, undisturbed", steps(|| config.version()).1, 11);
}
