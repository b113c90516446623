//! The cache beside a map with deadlines, on a clock that is set by hand.
#![no_main]

use core::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ttl_cache::{Cache, ManualClock};

#[derive(Arbitrary, Debug)]
enum Step {
    Get(u8),
    Set(u8, u16),
    SetFor(u8, u16, u16),
    Remove(u8),
    Contains(u8),
    Advance(u16),
    Maintain,
    Clear,
    Walk,
}

const UNIT: Duration = Duration::from_millis(100);

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (live, steps) = input;
    let live = u64::from(live).max(1);
    let clock = Arc::new(ManualClock::new());
    let builder = Cache::builder().clock(Arc::clone(&clock)).background(false);
    let cache = builder.time_to_live(UNIT * u32::try_from(live).unwrap()).build();
    // Key to value and the time at which it is gone, in units.
    let mut twin = BTreeMap::new();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Get(key) => {
                assert_eq!(cache.get(&key), twin.get(&key).map(|&(value, _)| value));
            }
            Step::Set(key, value) => {
                cache.set(key, value);
                twin.insert(key, (value, now + live));
            }
            Step::SetFor(key, value, span) => {
                let span = u64::from(span) + 1;
                cache.set_with_ttl(key, value, UNIT * u32::try_from(span).unwrap());
                twin.insert(key, (value, now + span));
            }
            Step::Remove(key) => {
                let removed = cache.remove(&key).map(|entry| *entry.value());
                assert_eq!(removed, twin.remove(&key).map(|(value, _)| value));
            }
            Step::Contains(key) => assert_eq!(cache.contains_key(&key), twin.contains_key(&key)),
            Step::Advance(by) => {
                now += u64::from(by);
                clock.advance(UNIT * u32::from(by));
                twin.retain(|_, (_, deadline)| *deadline > now);
            }
            Step::Maintain => {
                cache.maintain();
                assert_eq!(cache.len(), twin.len());
            }
            Step::Clear => {
                cache.clear();
                twin.clear();
            }
            Step::Walk => {
                let mut seen: Vec<_> =
                    cache.iter().map(|entry| (*entry.key(), *entry.value())).collect();
                seen.sort_unstable();
                assert!(seen.into_iter().eq(twin.iter().map(|(&key, &(value, _))| (key, value))));
            }
        }
        assert!(cache.len() >= twin.len());
    }
});
