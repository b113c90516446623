//! The cache against a map that a child could follow, under a clock that is set by hand; and against
//! papaya, as a map.
#![cfg(not(loom))]

mod fixtures;

use core::time::Duration;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use fixtures::{Chosen, by_hand, manual};
use proptest::prelude::*;
use ttl_cache::{Cache, Cause, Loaded, Lookup, ManualClock};

/// What is done to a cache.
#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    Set(u8, u16),
    SetFor(u8, u16, u64),
    SetAbsent(u8),
    Remove(u8),
    Lookup(u8),
    Load(u8, Option<u16>),
    Advance(u64),
    Maintain,
    Clear,
    Walk,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..24_u8;
    // Spans in units of 2^20 ns, in which idleness is kept.
    let span = prop_oneof![0..40_u64, 200..2000_u64];
    prop_oneof![
        6 => key.clone().prop_map(Step::Get),
        6 => (key.clone(), any::<u16>()).prop_map(|(key, value)| Step::Set(key, value)),
        3 => (key.clone(), any::<u16>(), span.clone())
            .prop_map(|(key, value, span)| Step::SetFor(key, value, span)),
        1 => key.clone().prop_map(Step::SetAbsent),
        3 => key.clone().prop_map(Step::Remove),
        2 => key.clone().prop_map(Step::Lookup),
        2 => (key, any::<Option<u16>>()).prop_map(|(key, value)| Step::Load(key, value)),
        4 => span.prop_map(Step::Advance),
        2 => Just(Step::Maintain),
        1 => Just(Step::Clear),
        1 => Just(Step::Walk),
    ]
}

const UNIT: Duration = Duration::from_nanos(1 << 20);

fn units(count: u64) -> Duration {
    UNIT * u32::try_from(count).unwrap()
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    live: u64,
    idle: Option<u64>,
    absent: u64,
    stale: u64,
}

fn rules() -> impl Strategy<Value = Rules> {
    let rules = (1..3000_u64, proptest::option::of(1..1000_u64), 1..3000_u64, 0..500_u64);
    rules.prop_map(|(live, idle, absent, stale)| Rules { live, idle, absent, stale })
}

/// An entry of the reference, in units.
#[derive(Clone, Copy, Debug)]
struct Held {
    value: Option<u16>,
    expires: u64,
    touched: u64,
}

/// The reference: a map, a clock, and what the listener should have heard.
struct Reference {
    rules: Rules,
    now: u64,
    held: BTreeMap<u8, Held>,
    heard: Vec<(u8, u16, Cause)>,
}

#[derive(PartialEq)]
enum Age {
    Fresh,
    Stale,
    Gone,
}

impl Reference {
    fn age(&self, held: Held) -> Age {
        if self.rules.idle.is_some_and(|idle| self.now - held.touched >= idle) {
            return Age::Gone;
        }
        match self.now {
            now if now < held.expires => Age::Fresh,
            now if now < held.expires + self.rules.stale => Age::Stale,
            _ => Age::Gone,
        }
    }

    fn fresh(&self, key: u8) -> Option<Held> {
        self.held.get(&key).copied().filter(|held| self.age(*held) == Age::Fresh)
    }

    /// A read.
    fn get(&mut self, key: u8) -> Option<u16> {
        let value = self.fresh(key)?.value?;
        self.held.get_mut(&key).unwrap().touched = self.now;
        Some(value)
    }

    fn leave(&mut self, key: u8, fresh: Cause) {
        let Some(held) = self.held.remove(&key) else { return };
        let cause = if self.age(held) == Age::Fresh { fresh } else { Cause::Expired };
        self.heard.extend(held.value.map(|value| (key, value, cause)));
    }

    fn set(&mut self, key: u8, value: Option<u16>, span: u64) {
        self.leave(key, Cause::Replaced);
        let (expires, touched) = (self.now + span, self.now);
        self.held.insert(key, Held { value, expires, touched });
    }

    fn maintain(&mut self) {
        let keys: Vec<u8> = self.held.keys().copied().collect();
        for key in keys {
            if self.age(self.held[&key]) == Age::Gone {
                self.leave(key, Cause::Expired);
            }
        }
    }
}

/// What a listener hears, in the order of keys: a sweep goes by another order.
type Heard = Arc<Mutex<Vec<(u8, u16, Cause)>>>;

fn take_sorted(heard: &mut Vec<(u8, u16, Cause)>) -> Vec<(u8, u16, Cause)> {
    let mut heard = core::mem::take(heard);
    heard.sort_by_key(|(key, value, cause)| (*key, *value, *cause as u8));
    heard
}

/// Does the same to both and compares.
fn compare(rules: Rules, steps: &[Step]) {
    let (clock, builder) = manual::<u8, u16>();
    let heard = Heard::default();
    let listening = Arc::clone(&heard);
    let mut builder = builder
        .time_to_live(units(rules.live))
        .time_to_live_absent(units(rules.absent))
        .stale_while_revalidate(units(rules.stale))
        .listener(move |key, value, cause| listening.lock().unwrap().push((*key, *value, cause)));
    if let Some(idle) = rules.idle {
        builder = builder.time_to_idle(units(idle));
    }
    let cache = builder.build();
    let mut reference = Reference { rules, now: 0, held: BTreeMap::new(), heard: Vec::new() };
    let absent = rules.absent.min(rules.live);

    for step in steps {
        match *step {
            Step::Get(key) => assert_eq!(cache.get(&key), reference.get(key)),
            Step::Set(key, value) => {
                cache.set(key, value);
                reference.set(key, Some(value), rules.live);
            }
            Step::SetFor(key, value, span) => {
                cache.set_with_ttl(key, value, units(span));
                reference.set(key, Some(value), span);
            }
            Step::SetAbsent(key) => {
                cache.set_absent(key);
                reference.set(key, None, absent);
            }
            Step::Remove(key) => {
                let expected = reference.fresh(key).and_then(|held| held.value);
                assert_eq!(cache.remove(&key).map(|entry| *entry), expected);
                reference.leave(key, Cause::Removed);
            }
            Step::Lookup(key) => {
                let found = match cache.lookup(&key) {
                    Lookup::Value(entry) => Some(Some(*entry)),
                    Lookup::Absent => Some(None),
                    Lookup::Unknown => None,
                };
                assert_eq!(found, reference.fresh(key).map(|held| held.value));
                reference.get(key);
            }
            Step::Load(key, value) => {
                let loaded = cache.get_or_load(key, || Ok::<_, ()>(value.map(Loaded::new)));
                let loaded = loaded.unwrap().map(|entry| *entry);
                if let Some(held) = reference.fresh(key) {
                    assert_eq!(loaded, held.value);
                    reference.get(key);
                } else {
                    // One who asks alone is the one who loads, stale or not.
                    assert_eq!(loaded, value);
                    let span = if value.is_some() { rules.live } else { absent };
                    reference.set(key, value, span);
                }
            }
            Step::Advance(span) => {
                clock.advance(units(span));
                reference.now += span;
            }
            Step::Maintain => {
                cache.maintain();
                reference.maintain();
                assert_eq!(cache.len(), reference.held.len());
            }
            Step::Clear => {
                cache.clear();
                let keys: Vec<u8> = reference.held.keys().copied().collect();
                for key in keys {
                    reference.leave(key, Cause::Removed);
                }
                assert!(cache.is_empty());
            }
            Step::Walk => {
                let walked: BTreeMap<u8, u16> =
                    cache.iter().map(|entry| (*entry.key(), *entry)).collect();
                let fresh = (0..24).filter_map(|key| Some((key, reference.fresh(key)?.value?)));
                assert_eq!(walked, fresh.collect());
            }
        }
        let told = take_sorted(&mut heard.lock().unwrap());
        // What has expired may be swept on any occasion: bring the reference up to it.
        for (key, value, cause) in &told {
            if *cause == Cause::Expired
                && let Some(held) = reference.held.get(key)
                && held.value == Some(*value)
                && reference.age(*held) == Age::Gone
                && !reference.heard.contains(&(*key, *value, *cause))
            {
                reference.leave(*key, Cause::Expired);
            }
        }
        assert_eq!(told, take_sorted(&mut reference.heard), "after {step:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cache_does_what_a_map_with_a_clock_does(
        rules in rules(),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        compare(rules, &steps);
    }

    /// Of what is put in, each entry is in the cache or has left it once; and the capacity holds after
    /// each step, by number or by weight.
    #[test]
    fn a_bounded_cache_accounts_for_every_entry(
        capacity in 0..40_u64,
        weighs in any::<bool>(),
        steps in proptest::collection::vec((0..60_u8, 0..6_u8, 0..40_u16), 1..400),
    ) {
        let (clock, builder) = manual::<u8, u16>();
        let heard = Heard::default();
        let listening = Arc::clone(&heard);
        let builder = builder
            .capacity(capacity)
            .time_to_live(units(300))
            .listener(move |key, value, cause| listening.lock().unwrap().push((*key, *value, cause)));
        let cache = if weighs {
            builder.weigher(|_, weight| u32::from(*weight)).build()
        } else {
            builder.build()
        };
        let weight_of = |value: u16| if weighs { u64::from(value) } else { 1 };
        let mut held: BTreeMap<u8, u16> = BTreeMap::new();
        for (key, action, value) in steps {
            match action {
                0..=2 => {
                    cache.set(key, value);
                    if let Some(old) = held.insert(key, value) {
                        let (k, v, cause) = heard.lock().unwrap().remove(0);
                        prop_assert_eq!((k, v), (key, old));
                        prop_assert!(matches!(cause, Cause::Replaced | Cause::Expired));
                    }
                    let too_heavy = weight_of(value) > capacity;
                    prop_assert_eq!(cache.contains_key(&key), !too_heavy);
                }
                3 => drop(cache.remove(&key)),
                4 => {
                    clock.advance(units(value.into()));
                }
                _ => prop_assert_eq!(
                    cache.get(&key).is_some_and(|found| Some(&found) != held.get(&key)),
                    false
                ),
            }
            for (key, value, cause) in heard.lock().unwrap().drain(..) {
                prop_assert_eq!(held.remove(&key), Some(value), "{:?}", cause);
            }
            prop_assert_eq!(cache.len(), held.len());
            let weight: u64 = held.values().map(|value| weight_of(*value)).sum();
            prop_assert_eq!(cache.weight(), weight);
            prop_assert!(weight <= capacity, "{} of {}", weight, capacity);
        }
    }

    /// As a map, it agrees with papaya, also where keys are in one bucket and the table moves. (papaya
    /// gets the keys without their bad hash, under which it would grow without end.)
    #[test]
    fn as_a_map_it_agrees_with_papaya(
        spread in 1..400_u32,
        steps in proptest::collection::vec((0..400_u64, 0..5_u8), 1..800),
    ) {
        let cache = by_hand().build();
        let oracle = papaya::HashMap::new();
        let oracle = oracle.pin();
        for (number, (key, action)) in steps.into_iter().enumerate() {
            let key = Chosen(u32::try_from(key).unwrap() % spread, key);
            match action {
                0 | 1 => {
                    cache.set(key, number);
                    oracle.insert(key.1, number);
                }
                2 => prop_assert_eq!(
                    cache.remove(&key).map(|entry| *entry),
                    oracle.remove(&key.1).copied()
                ),
                3 => cache.maintain(),
                _ => prop_assert_eq!(cache.get(&key), oracle.get(&key.1).copied()),
            }
            prop_assert_eq!(cache.len(), oracle.len());
        }
        let walked: HashMap<u64, usize> =
            cache.iter().map(|entry| (entry.key().1, *entry)).collect();
        let all: HashMap<u64, usize> = oracle.iter().map(|(key, value)| (*key, *value)).collect();
        prop_assert_eq!(walked, all);
    }
}

/// A clock that counts in steps of no unit: to the nanosecond.
#[test]
fn time_is_kept_to_the_nanosecond() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().clock(Arc::clone(&clock)).background(false).build();
    for span in [1, 2, 999, 1_000_003, u64::MAX >> 2] {
        cache.set_with_ttl(span, (), Duration::from_nanos(span));
        clock.advance(Duration::from_nanos(span - 1));
        assert_eq!(cache.get(&span), Some(()));
        clock.advance(Duration::from_nanos(1));
        assert_eq!(cache.get(&span), None);
    }
}
