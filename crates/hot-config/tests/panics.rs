//! Panics in values' drops and in what is called: nothing is freed twice, lost, or left waiting.
#![cfg(not(loom))]

use core::{panic::AssertUnwindSafe, time::Duration};
use std::{
    panic::catch_unwind,
    sync::{Arc, Mutex},
};

use hot_config::{HotConfig, Reader, WaitError};
use testkit::drops::{Counted, Drops};

fn panics<R>(run: impl FnOnce() -> R) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

/// The handle's read frees the value that it leaves: afterwards it lends the new one.
#[test]
fn a_reader_that_drops_a_value_that_panics_reads_the_next() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.panicking(1), 0);
    let mut reader = config.reader();
    let mut part = config.reader().project(|counted| &counted.value);
    drop(config.update(drops.counted(2)));
    assert_eq!(reader.load().value, 2, "another handle keeps the old value");
    assert!(panics(|| _ = part.load()));
    assert_eq!((*part.load(), reader.load().value, drops.alive()), (2, 2, 1));
}

#[test]
fn a_reader_whose_end_drops_a_value_that_panics_is_gone() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.panicking(1), 0);
    let reader = config.reader();
    drop(config.update(drops.counted(2)));
    assert!(panics(|| drop(reader)));
    drop(config.update(drops.counted(3)));
    assert_eq!(drops.alive(), 1);
}

#[test]
fn an_update_whose_oldest_version_panics_is_done() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.panicking(1), 1);
    let mut changes = config.subscribe();
    config.update(drops.counted(2));
    assert!(panics(|| config.update(drops.counted(3))));
    assert_eq!((config.load().value, config.version(), drops.alive()), (3, 3, 2));
    assert_eq!(changes.try_next().map(|change| change.version), Some(3));
    assert!(config.rollback(2).is_ok());
    assert_eq!(config.status().kept, [3]);
}

/// Another update is faster than the first try: what that made is dropped in vain.
#[test]
fn an_update_whose_value_made_in_vain_panics_is_done() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let mut changes = config.subscribe();
    let mut tries = 0;
    let update = || {
        config.rcu(|old| {
            tries += 1;
            if tries == 1 {
                config.update(drops.counted(2));
                return drops.panicking(3);
            }
            drops.counted(old.value + 2)
        })
    };
    assert!(panics(update));
    assert_eq!((config.load().value, config.version(), drops.alive()), (4, 3, 1));
    assert_eq!((tries, changes.try_next().map(|change| change.version)), (2, Some(3)));
}

/// The same where that try was the last to keep an old value; and the next one is refused.
#[test]
fn a_panic_of_a_value_left_in_a_try_goes_on_after_the_outcome() {
    for refused in [false, true] {
        let drops = Drops::new();
        let config = HotConfig::with_history(drops.panicking(1), 0);
        let mut tries = 0;
        let update = || {
            config.try_rcu(|old| {
                tries += 1;
                if tries == 1 {
                    config.update(drops.counted(2));
                } else if refused {
                    return Err(());
                }
                Ok(drops.counted(old.value + 2))
            })
        };
        assert!(panics(update));
        let (value, version) = if refused { (2, 2) } else { (4, 3) };
        assert_eq!((config.load().value, config.version()), (value, version));
        assert_eq!((tries, drops.alive()), (2, 1));
    }
}

/// Both panic, the value made in vain and the value replaced: one panic goes on, and nothing is lost.
#[test]
fn of_two_panics_one_goes_on() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let mut tries = 0;
    let update = || {
        config.rcu(|_| {
            tries += 1;
            if tries == 1 {
                config.update(drops.panicking(2));
                return drops.panicking(3);
            }
            drops.counted(4)
        })
    };
    assert!(panics(update));
    assert_eq!((config.load().value, drops.alive()), (4, 1));
}

/// The callback has the last handle to a value that it has replaced itself: it is called on, and those in
/// line behind it are woken.
#[test]
fn a_callback_that_drops_a_value_that_panics_is_called_again() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let told = Arc::new(Mutex::new(Vec::new()));
    let (telling, inner, third) = (Arc::clone(&told), config.clone(), drops.counted(3));
    let mut third = Some(third);
    let callback = config.on_change(move |change| {
        telling.lock().unwrap().push(change.version);
        if let Some(third) = third.take() {
            inner.update(third);
        }
    });
    let mut changes = config.subscribe();
    config.rcu(|_| drops.panicking(2));
    assert_eq!((config.load().value, config.status().panics), (3, 1));
    config.update(drops.counted(4));
    assert_eq!(*told.lock().unwrap(), [2, 3, 4]);
    assert_eq!(changes.try_next().map(|change| change.value.value), Some(4));
    drop(callback);
    assert_eq!(changes.wait_timeout(Duration::ZERO).err(), Some(WaitError::Timeout));
}

/// A look that panics has told nothing, so the version is still to come.
#[test]
fn a_subscriber_that_drops_a_value_that_panics_is_told_after_that() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let mut changes = config.subscribe();
    let guard = config.load();
    drop(config.update(drops.panicking(2)));
    assert!(panics(|| drop(config.update(drops.counted(3)))), "the second value is dropped");
    assert_eq!(changes.try_next().map(|change| change.version), Some(3));
    drop(guard);
    assert_eq!((drops.alive(), changes.try_next().is_none()), (1, true));
}

#[test]
fn a_callback_may_end_itself_subscribe_and_add_others() {
    let config = HotConfig::new(1);
    let told = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::new(Mutex::new(None));
    let (inner, telling, held) = (config.clone(), Arc::clone(&told), Arc::clone(&own));
    let callback = config.on_change(move |change| {
        telling.lock().unwrap().push(("first", change.version));
        assert_eq!(inner.subscribe().seen(), inner.version());
        let telling = Arc::clone(&telling);
        inner
            .on_change(move |change| telling.lock().unwrap().push(("second", change.version)))
            .detach();
        drop(held.lock().unwrap().take());
    });
    *own.lock().unwrap() = Some(callback);
    config.update(2);
    config.update(3);
    assert_eq!(*told.lock().unwrap(), [("first", 2), ("second", 3)]);
}

#[test]
fn a_callback_may_drop_the_last_handle() {
    let config = HotConfig::new(1);
    let mut changes = config.subscribe();
    let last = Arc::new(Mutex::new(None));
    let held = Arc::clone(&last);
    config.on_change(move |_| drop(held.lock().unwrap().take())).detach();
    let updater = config.clone();
    *last.lock().unwrap() = Some(config);
    updater.update(2);
    drop(updater);
    assert_eq!(changes.wait().map(|change| change.version), Some(2));
    assert_eq!(changes.wait(), None);
    assert_eq!(Arc::strong_count(&last), 1, "the function is dropped");
}

#[test]
fn subscriptions_that_are_forgotten_keep_no_value() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    for number in 1..=100 {
        core::mem::forget(config.subscribe());
        config.update(drops.counted(number));
    }
    assert_eq!((config.load().value, drops.alive()), (100, 1));
    drop(config);
}

/// A guard in a thread-local outlives the thread's lease of its record, and is ended after it.
#[test]
fn threads_read_in_their_last_moments() {
    use core::cell::RefCell;
    use std::sync::OnceLock;

    use hot_config::Guard;

    struct Late(&'static HotConfig<u32>, Option<Guard<'static, u32>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let now = self.0.load();
            let nested = self.0.load();
            // An update may come between the two.
            assert!(*now <= *nested);
            assert!(self.1.take().is_none_or(|kept| *kept <= *now));
        }
    }
    thread_local! {
        static BEFORE: RefCell<Option<Late>> = const { RefCell::new(None) };
        static AFTER: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    static CONFIG: OnceLock<HotConfig<u32>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| HotConfig::with_history(0, 0));
    for _ in 0..20 {
        let thread = std::thread::spawn(move || {
            BEFORE.with(|late| *late.borrow_mut() = Some(Late(config, None)));
            let kept = config.load();
            AFTER.with(|late| *late.borrow_mut() = Some(Late(config, Some(config.load()))));
            BEFORE.with(|late| late.borrow_mut().as_mut().unwrap().1 = Some(kept));
        });
        config.rcu(|value| value + 1);
        thread.join().unwrap();
    }
    assert_eq!(config.version(), 21);
}

/// While the end of a guard looks at three old values, of which two are read, their readers end and two
/// updates come and go, each time in the drop of a value: it must not put back what nobody reads any more.
#[test]
fn what_is_read_no_more_while_others_come_and_go_is_dropped() {
    type End = Box<dyn FnOnce() + Send>;
    struct Value {
        _counted: Counted<u32>,
        at_the_end: Mutex<Option<End>>,
    }
    impl Drop for Value {
        fn drop(&mut self) {
            if let Some(end) = self.at_the_end.get_mut().unwrap().take() {
                end();
            }
        }
    }

    let drops = Drops::new();
    let value = |number| Value { _counted: drops.counted(number), at_the_end: Mutex::new(None) };
    let config = HotConfig::with_history(value(1), 0);
    // At the end of the current value.
    let then = |reader: Reader<Value>, next: Value| {
        let to = config.clone();
        let end = move || {
            drop(reader);
            to.update(next);
        };
        *config.load().at_the_end.lock().unwrap() = Some(Box::new(end));
    };
    let first = config.reader();
    drop(config.update(value(2)));
    let second = config.reader();
    then(first, value(10));
    drop(config.update(value(3)));
    then(second, value(11));
    let guard = config.load();
    drop(config.update(value(4)));
    assert_eq!(drops.alive(), 6, "two are not in use yet");
    drop(guard);
    assert_eq!(drops.alive(), 1, "what is replaced is forgotten");
}
