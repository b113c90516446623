//! What a cache does, on one thread.
#![cfg(not(loom))]

mod fixtures;

use core::{cell::Cell, panic::AssertUnwindSafe, time::Duration};
use std::{
    panic::catch_unwind,
    sync::{Arc, Mutex},
};

use fixtures::{Colliding, SECOND, by_hand, manual};
use testkit::drops::Drops;
use ttl_cache::{Cache, Cause, Loaded, Lookup, ManualClock, TICK};

#[test]
fn values_expire_and_others_stay() {
    let (clock, builder) = manual::<&str, u32>();
    let cache = builder.build();
    cache.set_with_ttl("short", 1, SECOND);
    cache.set_with_ttl("long", 2, 10 * SECOND);
    cache.set("ever", 3);
    clock.advance(Duration::from_nanos(999_999_999));
    assert_eq!(
        [cache.get("short"), cache.get("long"), cache.get("ever")],
        [Some(1), Some(2), Some(3)]
    );
    clock.advance(Duration::from_nanos(1));
    assert_eq!(
        [cache.get("short"), cache.get("long"), cache.get("ever")],
        [None, Some(2), Some(3)]
    );
    clock.advance(Duration::from_hours(24 * 365 * 200));
    assert_eq!([cache.get("long"), cache.get("ever")], [None, Some(3)]);
}

#[test]
fn the_default_clock_runs() {
    let cache = Cache::builder().time_to_live(Duration::from_millis(30)).build();
    cache.set(1, 1);
    assert_eq!(cache.get(&1), Some(1));
    std::thread::sleep(Duration::from_millis(30) + 20 * TICK);
    assert_eq!(cache.get(&1), None);
    let exact = Cache::builder().background(false).build();
    exact.set_with_ttl(1, 1, Duration::from_millis(5));
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(exact.get(&1), None);
}

#[test]
fn a_value_is_replaced_and_gets_a_new_time() {
    let (clock, builder) = manual();
    let cache = builder.time_to_live(2 * SECOND).build();
    cache.set("key", 1);
    clock.advance(SECOND);
    cache.set("key", 2);
    clock.advance(SECOND);
    assert_eq!((cache.get("key"), cache.len()), (Some(2), 1));
    clock.advance(SECOND);
    assert_eq!(cache.get("key"), None);
    cache.set("key", 3);
    assert_eq!((cache.get("key"), cache.len()), (Some(3), 1));
}

#[test]
fn what_is_not_read_goes_idle() {
    let (clock, builder) = manual();
    let cache = builder.time_to_idle(2 * SECOND).time_to_live(5 * SECOND).build();
    cache.set("read", 1);
    cache.set("left", 2);
    for _ in 0..3 {
        clock.advance(SECOND);
        assert_eq!(cache.get("read"), Some(1));
    }
    assert!(!cache.contains_key("left"));
    cache.maintain();
    assert_eq!(cache.len(), 1);
    clock.advance(SECOND);
    assert_eq!(cache.get("read"), Some(1));
    clock.advance(SECOND);
    assert_eq!(cache.get("read"), None, "its time to live is over");
}

#[test]
#[should_panic(expected = "above 26 days")]
fn a_time_to_idle_that_cannot_be_kept_is_refused() {
    let _ = Cache::<u32, u32>::builder().time_to_idle(Duration::from_hours(24 * 27));
}

#[test]
fn what_is_removed_is_returned() {
    let (clock, builder) = manual();
    let cache = builder.build();
    cache.set("key", String::from("value"));
    assert_eq!(cache.remove("key").as_deref().map(String::as_str), Some("value"));
    assert!(cache.remove("key").is_none() && cache.is_empty());
    cache.set_with_ttl("key", String::new(), SECOND);
    clock.advance(SECOND);
    assert!(cache.remove("key").is_none());
    assert_eq!((cache.len(), cache.stats().expired, cache.stats().removed), (0, 1, 1));
}

#[test]
fn a_reference_outlives_its_entry() {
    let drops = Drops::new();
    let cache = Cache::builder().background(false).build();
    cache.set(1, drops.counted("value"));
    let one = cache.get_ref(&1).unwrap();
    let other = one.clone();
    drop(cache.remove(&1));
    drop(cache);
    assert_eq!((drops.dropped(), one.value, *other.key()), (0, "value", 1));
    drop(one);
    assert_eq!(drops.dropped(), 0);
    std::thread::spawn(move || drop(other)).join().unwrap();
    assert_eq!(drops.dropped(), 1);
}

#[test]
fn values_without_clone_are_looked_at_in_place() {
    struct Big([u8; 100]);
    let cache = Cache::builder().build();
    cache.set(String::from("key"), Big([7; 100]));
    assert_eq!(cache.get_with("key", |big| big.0[99]), Some(7));
    assert_eq!(cache.get_with("other", |big| big.0[99]), None);
}

#[test]
fn absences_are_remembered() {
    let (clock, builder) = manual::<u32, u32>();
    let cache = builder.time_to_live(5 * SECOND).time_to_live_absent(SECOND).build();
    cache.set_absent(1);
    assert_eq!(cache.get(&1), None);
    assert!(matches!(cache.lookup(&1), Lookup::Absent));
    assert!(matches!(cache.lookup(&2), Lookup::Unknown));
    assert!(!cache.contains_key(&1));
    clock.advance(SECOND);
    assert!(matches!(cache.lookup(&1), Lookup::Unknown));
    cache.set(1, 1);
    assert!(matches!(cache.lookup(&1), Lookup::Value(value) if *value == 1));
    cache.set_absent(1);
    assert_eq!((cache.get(&1), cache.len()), (None, 1));
    assert_eq!(cache.get_or_insert_with(1, || 9), 9);
}

#[test]
fn loads_fill_the_cache() {
    let (clock, builder) = manual::<u32, u32>();
    let cache = builder.time_to_live(5 * SECOND).build();
    assert_eq!(cache.get_or_insert_with(1, || 10), 10);
    assert_eq!(cache.get_or_insert_with(1, || -> u32 { unreachable!() }), 10);
    assert_eq!(cache.get_or_insert_with(2, || Loaded::new(20).ttl(SECOND)), 20);
    assert_eq!(cache.try_get_or_insert_with(3, || Err::<u32, _>("no")), Err("no"));
    assert_eq!(cache.try_get_or_insert_with(3, || Ok::<_, ()>(30)), Ok(30));
    clock.advance(SECOND);
    assert_eq!([cache.get(&1), cache.get(&2), cache.get(&3)], [Some(10), None, Some(30)]);
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.failed_loads), (3, 1));
    let panics =
        catch_unwind(AssertUnwindSafe(|| cache.get_or_insert_with(4, || -> u32 { panic!() })));
    assert!(panics.is_err());
    assert_eq!(cache.get_or_insert_with(4, || 40), 40);
}

#[test]
fn stale_values_are_served_by_loads_only() {
    let (clock, builder) = manual::<u32, u32>();
    let builder = builder.time_to_live(SECOND).stale_while_revalidate(SECOND);
    let cache = Arc::new(builder.build());
    cache.set(1, 1);
    clock.advance(SECOND);
    assert_eq!(cache.get(&1), None);
    let others = Arc::clone(&cache);
    let loaded = cache.get_or_insert_with(1, move || {
        // While one loads, the others get what there is.
        assert_eq!(others.get_or_insert_with(1, || -> u32 { unreachable!() }), 1);
        2
    });
    assert_eq!((loaded, cache.get(&1)), (2, Some(2)));
    clock.advance(2 * SECOND);
    assert_eq!(cache.get_or_insert_with(1, || 3), 3, "it was too old to be served");
}

#[test]
fn the_listener_is_told_why() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (clock, builder) = manual();
    let listening = Arc::clone(&told);
    let cache = builder
        .capacity(2)
        .listener(move |key: &u32, value: &u32, cause| {
            listening.lock().unwrap().push((*key, *value, cause));
        })
        .build();
    let tells = |expected: &[(u32, u32, Cause)]| {
        assert_eq!(*told.lock().unwrap(), expected);
        told.lock().unwrap().clear();
    };
    cache.set(1, 10);
    cache.set(1, 11);
    tells(&[(1, 10, Cause::Replaced)]);
    cache.remove(&1);
    tells(&[(1, 11, Cause::Removed)]);
    cache.set_with_ttl(2, 20, SECOND);
    clock.advance(SECOND);
    tells(&[]);
    cache.maintain();
    tells(&[(2, 20, Cause::Expired)]);
    cache.set_with_ttl(2, 21, SECOND);
    clock.advance(SECOND);
    cache.set(2, 22);
    tells(&[(2, 21, Cause::Expired)]);
    cache.set(3, 30);
    cache.set(4, 40);
    tells(&[(2, 22, Cause::Evicted)]);
    cache.set_absent(3);
    tells(&[(3, 30, Cause::Replaced)]);
    cache.clear();
    tells(&[(4, 40, Cause::Removed)]);
    drop(cache);
    tells(&[]);
}

#[test]
fn a_listener_may_use_the_cache_and_panic() {
    let own = Arc::new(Mutex::new(None::<Cache<u32, u32>>));
    let listening = Arc::clone(&own);
    let cache = by_hand()
        .listener(move |key: &u32, value: &u32, _| {
            if let Some(cache) = &*listening.lock().unwrap() {
                cache.set(*key + 100, *value);
            }
            assert_ne!(*key, 7, "no sevens");
        })
        .build();
    *own.lock().unwrap() = Some(cache.clone());
    (0..10).for_each(|key| cache.set(key, key));
    assert!(catch_unwind(AssertUnwindSafe(|| cache.clear())).is_err());
    assert_eq!(cache.get(&107), Some(7));
    *own.lock().unwrap() = None;
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn the_table_grows_shrinks_and_loses_nothing() {
    let (clock, builder) = manual();
    let cache = builder.time_to_live(SECOND).build();
    for round in 0..3 {
        for key in 0..20_000_u32 {
            cache.set(key, key + round);
        }
        assert_eq!(cache.len(), 20_000);
        assert!((0..20_000).all(|key| cache.get(&key) == Some(key + round)));
        clock.advance(SECOND);
        cache.maintain();
        assert_eq!(cache.len(), 0);
    }
}

#[test]
fn an_iterator_meets_what_stays() {
    let cache = by_hand().build();
    (0..500_u32).for_each(|key| cache.set(key, key));
    let mut seen = Vec::new();
    let mut more = 1000..;
    for entry in &cache {
        seen.push(*entry.key());
        cache.set(more.next().unwrap(), 0);
        cache.set(more.next().unwrap(), 0);
        if more.start > 20_000 {
            break;
        }
    }
    seen.retain(|key| *key < 500);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..500).collect::<Vec<_>>());
}

#[test]
fn keys_that_collide_stay_apart() {
    let cache = by_hand().hasher(Colliding).build();
    (0..300_u32).for_each(|key| cache.set(key, key));
    assert!((0..300).all(|key| cache.get(&key) == Some(key)));
    (0..300).step_by(2).for_each(|key| drop(cache.remove(&key)));
    assert!((0..300).all(|key| cache.get(&key).is_some() == (key % 2 == 1)));
    let bounded = by_hand().hasher(Colliding).capacity(20).build();
    (0..300_u32).for_each(|key| {
        bounded.set(key, key);
        assert!(bounded.len() <= 20);
    });
}

thread_local! {
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug)]
struct Moody(u32);

impl PartialEq for Moody {
    fn eq(&self, other: &Self) -> bool {
        assert!(!PANICS.get(), "eq");
        self.0 == other.0
    }
}

impl Eq for Moody {}

impl core::hash::Hash for Moody {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        assert!(!(PANICS.get() && self.0 == 3), "hash");
        (self.0 % 4).hash(state);
    }
}

#[test]
fn a_panic_in_a_key_changes_nothing() {
    let drops = Drops::new();
    let cache = by_hand().build();
    (0..40).for_each(|key| cache.set(Moody(key), drops.counted(key)));
    for key in [3, 4, 39] {
        PANICS.set(true);
        let value = drops.counted(1000);
        assert!(catch_unwind(AssertUnwindSafe(|| cache.set(Moody(key), value))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| cache.get_ref(&Moody(key)))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| cache.remove(&Moody(key)))).is_err());
        PANICS.set(false);
    }
    assert!((0..40).all(|key| cache.get_with(&Moody(key), |value| value.value) == Some(key)));
    assert_eq!((cache.len(), drops.alive()), (40, 40));
    cache.clear();
    cache.maintain();
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_panic_in_a_drop_loses_nothing_else() {
    let drops = Drops::new();
    let cache = by_hand().build();
    for key in 0..100 {
        cache.set(key, if key == 50 { drops.panicking(key) } else { drops.counted(key) });
    }
    let panics = catch_unwind(AssertUnwindSafe(|| {
        (0..100).for_each(|key| drop(cache.remove(&key)));
        cache.maintain();
    }));
    assert!(panics.is_err());
    (0..100).for_each(|key| drop(cache.remove(&key)));
    cache.maintain();
    assert_eq!((cache.len(), drops.alive()), (0, 0));

    for key in 0..100 {
        cache.set(key, if key == 50 { drops.panicking(key) } else { drops.counted(key) });
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(cache))).is_err());
    assert_eq!(drops.alive(), 0);
}

#[test]
fn values_of_no_size_and_nested_use() {
    let cache = by_hand().build();
    (0..1000_u32).for_each(|key| cache.set(key, ()));
    assert_eq!(cache.iter().count(), 1000);
    let looked = cache.get_with(&1, |()| {
        cache.set(1, ());
        cache.remove(&1);
        (0..100).for_each(|key| cache.set(key + 2000, ()));
        cache.get(&2)
    });
    assert_eq!(looked, Some(Some(())));
}

#[test]
fn figures_add_up() {
    let cache = by_hand().capacity(10).build();
    (0..20).for_each(|key| cache.set(key, key));
    assert_eq!((0..20).filter_map(|key| cache.get(&key)).count(), 10);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.sets, stats.evicted), (10, 10, 20, 10));
    assert_eq!(stats.hit_ratio(), Some(0.5));
    assert_eq!(Cache::<u8, u8>::builder().build().stats().hit_ratio(), None);
}

#[test]
fn it_is_debug_and_travels() {
    fn travels<T: Send + Sync + 'static>(_: &T) {}
    let clock = Arc::new(ManualClock::new());
    let builder = Cache::<u32, u32>::builder().clock(clock);
    assert!(format!("{builder:?}").contains("time_to_live"));
    let cache = builder.build();
    travels(&cache);
    cache.set(1, 2);
    assert_eq!(format!("{cache:?}"), "Cache { len: 1, .. }");
    assert_eq!(format!("{:?}", cache.get_ref(&1)), "Some(EntryRef { key: 1, value: 2 })");
    assert!(format!("{:?}", cache.iter()).contains("cursor"));
    assert_eq!(cache.now(), Duration::ZERO);
}
