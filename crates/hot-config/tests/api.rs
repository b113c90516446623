//! What each operation does, on one thread or with simple threads.
#![cfg(not(loom))]

use core::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task,
    time::Duration,
};
use std::{
    sync::{Arc, Mutex},
    thread,
};

use hot_config::{Guard, HotConfig, NotKept, Reader, Snapshot, Subscription, WaitError};
use testkit::drops::Drops;

/// The versions that a callback was told.
type Told = Arc<Mutex<Vec<u64>>>;

fn recorder() -> (Told, impl FnMut(&Snapshot<u32>) + Send) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    (told, move |change: &Snapshot<u32>| telling.lock().unwrap().push(change.version))
}

#[test]
fn update_returns_the_value_before() {
    let config = HotConfig::new("a");
    assert_eq!((*config.load(), config.version()), ("a", 1));
    assert_eq!(*config.update("b"), "a");
    assert_eq!(*config.rcu(|old| if *old == "b" { "c" } else { "?" }), "b");
    assert_eq!(config.try_rcu(|_| Err::<&str, _>("no")), Err("no"));
    assert_eq!(config.try_rcu(|_| Ok::<_, ()>("d")).as_deref(), Ok(&"c"));
    assert_eq!((*config.load_full(), config.version()), ("d", 4));
    let snapshot = config.snapshot();
    assert_eq!((snapshot.version, *snapshot), (4, "d"));
}

#[test]
fn rollback_goes_to_what_is_kept() {
    let config = HotConfig::with_history(1, 2);
    for value in 2..=4 {
        config.update(value);
    }
    assert_eq!(config.status().kept, [2, 3]);
    assert_eq!(config.history().iter().map(|past| **past).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(config.rollback(1), Err(NotKept(1)));
    assert_eq!(config.rollback(2).as_deref(), Ok(&4));
    assert_eq!((*config.load(), config.version()), (2, 5));
    assert_eq!(config.rollback(5).as_deref(), Ok(&2));
    assert_eq!(config.rollback(9), Err(NotKept(9)));
    assert_eq!((*config.load(), config.version()), (2, 6));

    let keeps_none = HotConfig::with_history(1, 0);
    keeps_none.update(2);
    assert_eq!(keeps_none.rollback(1), Err(NotKept(1)));
    assert!(keeps_none.history().is_empty());
}

#[test]
fn guards_nest_beyond_the_hazards_of_a_thread() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    let mut guards = Vec::new();
    for number in 1..=30 {
        guards.push(config.load());
        config.update(drops.counted(number));
    }
    for (number, guard) in guards.iter().enumerate() {
        assert_eq!((guard.value, Guard::version(guard)), (number, number as u64 + 1));
    }
    assert_eq!(drops.alive(), 31, "each guard keeps its own value");
    // In another order than they were made.
    while guards.len() > 1 {
        drop(guards.swap_remove(guards.len() / 2));
        assert_eq!(drops.alive(), guards.len() + 1, "and gives it back at its end");
    }
    drop(guards);
    assert_eq!(drops.alive(), 1);
    drop(config);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_guard_is_shared_by_reference() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let guard = config.load();
    thread::scope(|scope| {
        scope.spawn(|| drop(config.update(drops.counted(2))));
        scope.spawn(|| assert_eq!(guard.value, 1));
    });
    assert_eq!((guard.value, drops.alive()), (1, 2));
    drop(guard);
    assert_eq!(drops.alive(), 1);
}

#[test]
fn a_guard_lives_in_a_thread_local_past_its_record() {
    thread_local! {
        static KEPT: core::cell::RefCell<Option<Guard<'static, u32>>> =
            const { core::cell::RefCell::new(None) };
    }
    static CONFIG: std::sync::LazyLock<HotConfig<u32>> =
        std::sync::LazyLock::new(|| HotConfig::new(7));
    for _ in 0..20 {
        let reading = thread::spawn(|| KEPT.with_borrow_mut(|kept| *kept = Some(CONFIG.load())));
        CONFIG.update(7);
        reading.join().unwrap();
    }
    assert_eq!(*CONFIG.load(), 7);
}

#[test]
fn readers_see_each_change_once() {
    let config = HotConfig::new(1);
    let mut reader = config.reader();
    assert_eq!((*reader.load(), reader.load_if_changed()), (1, None));
    assert_eq!(reader.version(), 1);
    config.update(2);
    let mut other = reader.clone();
    assert_eq!((reader.version(), other.version()), (1, 2));
    assert_eq!(reader.load_if_changed(), Some(&2));
    assert_eq!(reader.load_if_changed(), None);
    config.update(3);
    config.update(4);
    assert_eq!((*reader.load(), reader.load_if_changed()), (4, None));
    assert_eq!(thread::spawn(move || *other.load()).join().unwrap(), 4);
    assert_eq!(reader.snapshot(), config.snapshot());
}

#[test]
fn a_projected_reader_sees_changes_of_its_part() {
    let config = HotConfig::new((1, "a"));
    let mut part = config.reader().project(|(_, text)| text);
    assert_eq!((*part.load(), part.load_if_changed()), ("a", None));
    config.update((2, "a"));
    assert_eq!(part.load_if_changed(), None);
    config.update((2, "b"));
    config.update((3, "b"));
    assert_eq!(part.load_if_changed(), Some(&"b"));
    assert_eq!(part.load_if_changed(), None);
    config.update((3, "c"));
    assert_eq!((*part.load(), part.load_if_changed()), ("c", None));
}

#[test]
fn a_reader_keeps_the_one_value_that_it_saw() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    let mut reader = config.reader();
    for number in 1..=100 {
        config.update(drops.counted(number));
    }
    assert_eq!(drops.alive(), 2);
    assert_eq!((reader.load().value, drops.alive()), (100, 1));
    drop(config);
    assert_eq!((reader.load().value, drops.alive()), (100, 1));
    drop(reader);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn subscriptions_coalesce_and_end() {
    let config = HotConfig::new(1);
    let mut changes = config.subscribe();
    assert_eq!((changes.try_next(), changes.seen()), (None, 1));
    assert_eq!(changes.wait_timeout(Duration::from_millis(1)), Err(WaitError::Timeout));
    config.update(2);
    config.update(3);
    let mut late = changes.clone();
    assert_eq!(changes.wait().map(|change| (change.version, *change)), Some((3, 3)));
    assert_eq!(changes.try_next(), None);
    let blocked = thread::spawn(move || (changes.wait(), changes.wait()));
    config.update(4);
    config.clone().update(5);
    drop(config);
    assert_eq!(late.wait().map(|change| change.version), Some(5));
    assert_eq!((late.wait(), late.try_next()), (None, None));
    assert_eq!(late.wait_timeout(Duration::MAX), Err(WaitError::Closed));
    let (first, then) = blocked.join().unwrap();
    assert!(first.is_some_and(|change| change.version >= 4));
    assert!(then.is_none_or(|change| change.version == 5));
}

#[test]
fn a_change_that_is_not_awaited_to_the_end_is_not_told() {
    let config = HotConfig::new(1);
    let mut changes = config.subscribe();
    let mut cx = task::Context::from_waker(task::Waker::noop());
    assert!(pin!(changes.changed()).poll(&mut cx).is_pending());
    config.update(2);
    let polled = pin!(changes.changed()).poll(&mut cx);
    assert!(matches!(polled, task::Poll::Ready(Some(change)) if change.version == 2));
}

#[test]
fn callbacks_are_told_until_they_are_dropped() {
    let config = HotConfig::new(1);
    let (told, call) = recorder();
    let callback = config.on_change(call);
    config.update(2);
    config.update(3);
    drop(callback);
    config.update(4);
    assert_eq!(*told.lock().unwrap(), [2, 3]);

    let (told, call) = recorder();
    config.on_change(call).detach();
    config.update(5);
    assert_eq!(*told.lock().unwrap(), [5]);
    drop(config);
    assert_eq!(Arc::strong_count(&told), 1, "its function is dropped with the last handle");
}

#[test]
fn a_callback_may_update_and_is_called_again() {
    let config = HotConfig::new(1);
    let (told, mut call) = recorder();
    let inner = config.clone();
    let callback = config.on_change(move |change| {
        call(change);
        if **change < 5 {
            inner.update(**change + 1);
        }
    });
    config.update(2);
    assert_eq!((*config.load(), told.lock().unwrap().as_slice()), (5, &[2, 3, 4, 5][..]));
    drop(callback);
}

#[test]
fn a_callback_that_panics_hurts_nobody() {
    let config = HotConfig::new(1);
    let _bad = config.on_change(|change| assert!(**change != 2, "a callback that panics"));
    let (told, call) = recorder();
    let _good = config.on_change(call);
    assert_eq!(*config.update(2), 1);
    config.update(3);
    assert_eq!((config.status().panics, config.status().version), (1, 3));
    assert_eq!(*told.lock().unwrap(), [2, 3]);
}

#[test]
fn a_value_that_panics_in_its_drop_is_dropped_once() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(1), 0);
    let first = config.load();
    config.update(drops.panicking(2));
    let second = config.load();
    config.update(drops.counted(3));
    let dropped = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| drop(second)));
    assert!(dropped.is_err());
    assert_eq!((first.value, config.load().value, drops.alive()), (1, 3, 2));
    drop(first);
    config.update(drops.counted(4));
    assert_eq!(drops.alive(), 1);
}

#[test]
fn what_rcu_panics_in_is_not_changed() {
    let config = HotConfig::new(1);
    let panicked = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        config.rcu(|_| panic!("a function that panics"))
    }));
    assert!(panicked.is_err());
    assert_eq!((*config.load(), config.version()), (1, 1));
    config.update(2);
    assert_eq!(*config.load(), 2);
}

#[test]
fn a_size_of_zero_is_a_value_too() {
    let config = HotConfig::new(());
    config.update(());
    assert_eq!((*config.load(), config.version()), ((), 2));
}

#[test]
fn handles_go_where_threads_go() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<HotConfig<u32>>();
    sync::<HotConfig<u32>>();
    send::<Reader<u32>>();
    send::<Subscription<u32>>();
    sync::<Guard<'_, u32>>();
    assert_eq!(format!("{:?}", HotConfig::new(1)), "HotConfig { version: 1, value: 1, .. }");
    assert_eq!(format!("{:?} {0}", HotConfig::from(2).load()), "2 2");
    assert_eq!(*HotConfig::<u32>::default().load(), 0);
}

#[test]
fn an_async_task_holds_values_across_await() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let config = HotConfig::new(1);
    let mut changes = config.subscribe();
    let value = config.load_full();
    let task = runtime.spawn(async move {
        let mut last = 0;
        while let Some(change) = changes.changed().await {
            tokio::task::yield_now().await;
            assert!(*change > last);
            last = *change;
        }
        (*value, last)
    });
    for _ in 0..1000 {
        config.rcu(|value| value + 1);
    }
    drop(config);
    assert_eq!(runtime.block_on(task).unwrap(), (1, 1001));
}

#[cfg(feature = "stream")]
#[test]
fn a_subscription_is_a_stream() {
    use futures_util::StreamExt as _;

    let config = HotConfig::new(1);
    let changes = config.subscribe();
    let writer = thread::spawn(move || {
        for value in 2..100 {
            config.update(value);
        }
    });
    let told = lockfree_core::wait::block_on(changes.map(|change| *change).collect::<Vec<_>>());
    writer.join().unwrap();
    assert!(told.is_sorted_by(|one, next| one < next));
    assert_eq!(told.last(), Some(&99));
}

#[test]
fn handles_of_many_readers_come_and_go() {
    let config = HotConfig::new(0);
    let made = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let mut readers: Vec<_> = (0..5).map(|_| config.reader()).collect();
                    config.rcu(|value| value + 1);
                    made.fetch_add(
                        readers.iter_mut().map(|reader| *reader.load()).min().unwrap().min(1),
                        Relaxed,
                    );
                }
            });
        }
    });
    assert_eq!((*config.load(), made.into_inner()), (800, 800));
}
