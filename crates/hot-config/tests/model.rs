//! Property tests: the same operations on a configuration, on a value behind a lock, and on arc-swap.
#![cfg(not(loom))]

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use hot_config::HotConfig;
use proptest::prelude::*;
use testkit::drops::{Counted, Drops};

#[derive(Clone, Debug)]
enum Operation {
    Update(u32),
    Rcu(u32),
    Refuse,
    Rollback(u64),
    /// Takes a guard, and keeps it.
    Load,
    /// Drops one of the guards.
    Drop(usize),
    Read,
    ReadIfChanged,
    Next,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => any::<u32>().prop_map(Operation::Update),
        2 => any::<u32>().prop_map(Operation::Rcu),
        1 => Just(Operation::Refuse),
        2 => (1..20_u64).prop_map(Operation::Rollback),
        3 => Just(Operation::Load),
        2 => any::<usize>().prop_map(Operation::Drop),
        2 => Just(Operation::Read),
        2 => Just(Operation::ReadIfChanged),
        2 => Just(Operation::Next),
    ]
}

/// The configuration as a value behind a lock would be.
struct Twin {
    /// All versions that are kept, the current one last.
    versions: Mutex<Vec<(u64, u32)>>,
    history: usize,
}

impl Twin {
    fn current(&self) -> (u64, u32) {
        *self.versions.lock().unwrap().last().unwrap()
    }

    fn replace(&self, value: u32) -> u32 {
        let mut versions = self.versions.lock().unwrap();
        let (number, old) = *versions.last().unwrap();
        versions.push((number + 1, value));
        let spare = versions.len().saturating_sub(self.history + 1);
        versions.drain(..spare);
        old
    }

    fn kept(&self, version: u64) -> Option<u32> {
        let versions = self.versions.lock().unwrap();
        versions.iter().find(|(number, _)| *number == version).map(|(_, value)| *value)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_value_behind_a_lock(
        operations in prop::collection::vec(operation(), 0..60),
        history in 0..5_usize,
    ) {
        let drops = Drops::new();
        let config = HotConfig::with_history(drops.counted(0), history);
        let twin = Twin { versions: Mutex::new(vec![(1, 0)]), history };
        let oracle = ArcSwap::from_pointee(0);
        let mut guards: Vec<(_, u32)> = Vec::new();
        let (mut reader, mut read) = (config.reader(), 1);
        let (mut changes, mut told) = (config.subscribe(), 1);
        for operation in operations {
            let current = twin.current();
            match operation {
                Operation::Update(value) => {
                    prop_assert_eq!(config.update(drops.counted(value)).value, twin.replace(value));
                    oracle.store(Arc::new(value));
                }
                Operation::Rcu(by) => {
                    let make = |old: &Counted<u32>| drops.counted(old.value.wrapping_add(by));
                    let value = current.1.wrapping_add(by);
                    prop_assert_eq!(config.rcu(make).value, twin.replace(value));
                    oracle.rcu(|old| old.wrapping_add(by));
                }
                Operation::Refuse => prop_assert!(config.try_rcu(|_| Err(())).is_err()),
                Operation::Rollback(version) => {
                    let kept = twin.kept(version);
                    let old = config.rollback(version);
                    prop_assert_eq!(old.is_ok(), kept.is_some());
                    if let (Ok(old), Some(kept)) = (old, kept) {
                        prop_assert_eq!(old.value, twin.replace(kept));
                        oracle.store(Arc::new(kept));
                    }
                }
                Operation::Load => guards.push((config.load(), current.1)),
                Operation::Drop(index) if !guards.is_empty() => {
                    let (guard, value) = guards.swap_remove(index % guards.len());
                    prop_assert_eq!(guard.value, value);
                }
                Operation::Drop(_) => {}
                Operation::Read => {
                    prop_assert_eq!(reader.load().value, current.1);
                    read = current.0;
                }
                Operation::ReadIfChanged => {
                    let expected = (read != current.0).then_some(current.1);
                    prop_assert_eq!(reader.load_if_changed().map(|value| value.value), expected);
                    read = current.0;
                }
                Operation::Next => {
                    let next = changes.try_next().map(|change| (change.version, change.value.value));
                    prop_assert_eq!(next, (told != current.0).then_some(current));
                    told = current.0;
                }
            }
            let (version, value) = twin.current();
            prop_assert_eq!((config.version(), config.load().value), (version, value));
            prop_assert_eq!(**oracle.load(), value);
            for (guard, value) in &guards {
                prop_assert_eq!(guard.value, *value);
            }
            // Each guard and the handle keep a version with its history, no more.
            let most = (history + 1) * (guards.len() + 2);
            prop_assert!(drops.alive() <= most, "{} values live, {most} may", drops.alive());
        }
        drop(guards);
        drop((reader, changes, config));
        prop_assert_eq!(drops.alive(), 0);
    }
}
