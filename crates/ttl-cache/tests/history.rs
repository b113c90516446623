//! What real threads saw while the clock stood still is what one thread could have seen.
#![cfg(not(loom))]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::by_hand;
use testkit::{
    history::{Recorder, Spec, check, is_linearizable, on_threads},
    stress::scaled,
};
use ttl_cache::Cache;

const THREADS: usize = 3;
const OPERATIONS: usize = 14;

/// A map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Map(BTreeMap<u64, u64>);

#[derive(Clone, Copy, Debug)]
enum Call {
    Get(u64),
    Set(u64, u64),
    /// Tells what was removed.
    Remove(u64),
    /// Tells the value, if there is the key.
    Contains(u64),
}
use Call::{Contains, Get, Remove, Set};

impl Spec for Map {
    type Operation = Call;
    type Outcome = Option<u64>;

    fn apply(&mut self, call: &Call) -> Option<u64> {
        match *call {
            Get(key) => self.0.get(&key).copied(),
            Set(key, value) => {
                self.0.insert(key, value);
                None
            }
            Remove(key) => self.0.remove(&key),
            Contains(key) => self.0.get(&key).map(|_| 0),
        }
    }
}

fn call(cache: &Cache<u64, u64>, call: Call) -> Option<u64> {
    match call {
        Get(key) => cache.get(&key),
        Set(key, value) => {
            cache.set(key, value);
            None
        }
        Remove(key) => cache.remove(&key).map(|entry| *entry.value()),
        Contains(key) => cache.contains_key(&key).then_some(0),
    }
}

/// Histories over few keys; `spread` sets others between, so that the table grows meanwhile.
fn histories(spread: u64) {
    let choose = |random: u64| {
        let (key, value) = ((random >> 8) % 3, random >> 48);
        match random % 12 {
            0..=2 => Set(key, value),
            3..=5 => Get(key),
            6 | 7 => Remove(key),
            8 => Contains(key),
            _ if spread > 0 => Set(3 + (random >> 8) % spread, value),
            _ => Get(key),
        }
    };
    for round in 0..scaled(300) {
        let cache = by_hand().build();
        let history =
            on_threads::<THREADS, _, _>(round, OPERATIONS, choose, |what| call(&cache, *what));
        check(&Map::default(), history);
    }
}

#[test]
fn the_cache_is_linearizable_as_a_map() {
    histories(0);
}

#[test]
fn the_cache_is_linearizable_while_its_table_moves() {
    histories(1000);
}

/// The oracle is worth what it refuses: a value that comes back after its removal.
#[test]
fn the_checker_refuses_a_value_that_was_removed() {
    let recorder = Recorder::new();
    for (call, outcome) in [(Set(1, 5), None), (Remove(1), Some(5)), (Get(1), Some(5))] {
        recorder.record(call, || outcome);
    }
    assert!(!is_linearizable(&Map::default(), &recorder.take()));
}
