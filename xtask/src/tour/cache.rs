//! Two entries that expire at different times; then a hundred thousand.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use ttl_cache::Cache;

use super::{scene::Scene, team::pin};

const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_secs(2);
const ENTRIES: u64 = 100_000;
/// Reads of each thread where time is taken.
const READS: u64 = 2_000_000;
const THREADS: usize = 2;

pub(super) fn run(scene: &mut Scene) {
    two(scene);
    many(scene);
}

fn two(scene: &mut Scene) {
    scene.program("\"short\" lives 1 s, \"long\" 10 s; a look after 2 s");
    let cache = Cache::builder().build();
    cache.set_with_ttl("short", "expires soon", SHORT);
    cache.set_with_ttl("long", "stays", LONG);
    let before = cache.get("short").is_some() && cache.get("long").is_some();
    thread::sleep(LOOK);
    let (short, long) = (cache.get("short"), cache.get("long"));
    scene.tell(&format!("after 2 s: short {short:?}, long {long:?}"));
    scene.check("both are there at first", before);
    scene.check("\"short\" has expired, \"long\" has not", short.is_none() && long.is_some());
    scene.check("what has expired was freed, unasked", cache.len() == 1);
}

fn many(scene: &mut Scene) {
    scene.program("the same at 100,000 entries, and two threads that read");
    let cache = Cache::builder().build();
    let began = Instant::now();
    for key in 0..ENTRIES {
        // Each second one is a short one.
        cache.set_with_ttl(key, key, if key % 2 == 0 { SHORT } else { LONG });
    }
    let filled = began.elapsed();
    let fits = filled < SHORT;
    let complete = cache.len() as u64 == ENTRIES;
    let ours = read(|key| cache.get(&key));

    let map = Mutex::new(HashMap::new());
    let deadline = Instant::now() + LONG;
    for key in 0..ENTRIES {
        map.lock().unwrap_or_else(PoisonError::into_inner).insert(key, (key, deadline));
    }
    let mutex = read(|key| {
        let map = map.lock().unwrap_or_else(PoisonError::into_inner);
        map.get(&key).filter(|entry| Instant::now() < entry.1).map(|entry| entry.0)
    });
    let reads = READS * THREADS as u64;
    scene.rate("Cache, get", reads, ours);
    scene.rate("mutex and HashMap", reads, mutex);

    thread::sleep((began + LOOK + filled).saturating_duration_since(Instant::now()));
    let short = (0..ENTRIES).step_by(2).filter(|key| cache.get(key).is_some()).count();
    let long = (1..ENTRIES).step_by(2).filter(|key| cache.get(key) == Some(*key)).count();
    scene.tell(&format!("after 2 s: {short} short ones, {long} long ones, {} in all", cache.len()));
    scene.check("all 100,000 are there at first", complete || !fits);
    scene.check("all short ones have expired, no long one has", (short, long) == (0, 50_000));
    scene.check("what has expired was freed, unasked", cache.len() == 50_000);
}

/// How long it takes the threads to read keys in no order.
fn read(get: impl Fn(u64) -> Option<u64> + Sync) -> Duration {
    let began = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let get = &get;
            scope.spawn(move || {
                pin(thread);
                for n in 0..READS {
                    let key = n.wrapping_mul(0x9e37_79b9) % ENTRIES;
                    assert!(get(key).is_none_or(|value| value == key), "another key's value");
                }
            });
        }
    });
    began.elapsed()
}
