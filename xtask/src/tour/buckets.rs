//! Five threads with 1,000 events each in buckets of a second; and a limiter that tells who may go on.

use core::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use event_buckets::{EventCounter, KeyedLimiter, Quota, RateLimiter, SharedEventCounter};
use lockfree_core::clock::Clock;

use super::{scene::Scene, team::together};
use crate::term::grouped;

const THREADS: usize = 5;
const EACH: u64 = 1_000;
const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);
/// Events of each thread where time is taken.
const EACH_OF_MANY: u64 = 1_000_000;

pub(super) fn run(scene: &mut Scene) {
    few(scene);
    many(scene);
    limits(scene);
}

fn few(scene: &mut Scene) {
    scene.program("5 threads with 1,000 events each at 1 ms, 10 buckets of 1 s");
    let events = EventCounter::new(SECOND, 10);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let started = Instant::now();
            for half in 1.. {
                thread::sleep((500 * MILLI * half).saturating_sub(started.elapsed()));
                if ended.load(Relaxed) {
                    return;
                }
                let (whole, smooth) = (events.count(SECOND), events.rate_interpolated(SECOND));
                println!(
                    "    after {:.1} s: {whole} in this second, {smooth:.0} a second lately",
                    started.elapsed().as_secs_f64()
                );
            }
        });
        let elapsed = together(THREADS, |_| {
            let started = Instant::now();
            for event in 1..=EACH {
                events.increment();
                let next = MILLI * u32::try_from(event).expect("a thousand at most");
                thread::sleep(next.saturating_sub(started.elapsed()));
            }
        });
        ended.store(true, Relaxed);
        reader.join().expect("a reader does not panic");
        scene.tell(&format!("the threads took {:.2} s", elapsed.as_secs_f64()));
    });
    let snapshot = events.snapshot();
    scene.tell(&format!("the last 10 seconds: {:?}", snapshot.counts));
    scene.check("the last 10 seconds hold exactly 5,000", events.count(10 * SECOND) == 5_000);
    let sum = snapshot.counts.iter().sum::<u64>() + snapshot.evicted;
    scene.check("the buckets and what was evicted are the total", sum == events.total());
}

fn many(scene: &mut Scene) {
    scene.program("5 threads with 1,000,000 events each, buckets of 1 µs");
    let total = THREADS as u64 * EACH_OF_MANY;
    let events = EventCounter::new(Duration::from_micros(1), 10);
    let each =
        |count: &(dyn Fn() + Sync)| together(THREADS, |_| (0..EACH_OF_MANY).for_each(|_| count()));
    scene.rate("EventCounter", total, each(&|| events.increment()));
    let shared = SharedEventCounter::new(Duration::from_micros(1), 10);
    scene.rate("SharedEventCounter", total, each(&|| shared.increment()));
    let (started, locked) = (Instant::now(), Mutex::new(([(0, 0); 10], 0)));
    let elapsed = each(&|| {
        let tick = started.elapsed().as_micros();
        let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
        let (buckets, evicted) = &mut *locked;
        let bucket: &mut (u128, u64) = &mut buckets[usize::try_from(tick % 10).unwrap_or(0)];
        if bucket.0 < tick {
            *evicted += bucket.1;
            *bucket = (tick, 0);
        }
        bucket.1 += 1;
    });
    scene.rate("mutex and array", total, elapsed);
    let (buckets, evicted) = locked.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mutex = buckets.iter().map(|bucket| bucket.1).sum::<u64>() + evicted;
    for (name, total, snapshot) in [
        ("EventCounter", events.total(), events.snapshot()),
        ("SharedEventCounter", shared.total(), shared.snapshot()),
    ] {
        let sum = snapshot.counts.iter().sum::<u64>() + snapshot.evicted;
        scene.check(&format!("{name} lost none, wherever a bucket ended"), sum == total);
    }
    scene
        .check("all show exactly 5,000,000", [events.total(), shared.total(), mutex] == [total; 3]);
}

fn limits(scene: &mut Scene) {
    scene.program("8 threads ask for 200 ms, 1,000 a second are allowed");
    let sliding = Quota::sliding(100, 100 * MILLI).expect("a quota");
    let even = Quota::gcra(1_000, SECOND).and_then(|quota| quota.with_burst(20)).expect("a quota");
    let (window, bucket) = (RateLimiter::new(sliding), RateLimiter::new(even));
    let keyed = KeyedLimiter::<usize>::new(even, 1_000).expect("a quota for keys");
    let ask = |admits: &(dyn Fn(usize) -> bool + Sync), now: &(dyn Fn() -> Duration + Sync)| {
        let (admitted, until) = (SharedEventCounter::new(SECOND, 60), now() + 200 * MILLI);
        together(8, |thread| {
            while now() < until {
                if admits(thread) {
                    admitted.increment();
                }
            }
        });
        admitted.total()
    };
    let by_window = ask(&|_| window.check().is_ok(), &|| window.clock().now());
    let by_bucket = ask(&|_| bucket.check().is_ok(), &|| bucket.clock().now());
    let by_key = ask(&|thread| keyed.check(&(thread % 2)).is_ok(), &|| keyed.clock().now());
    for (name, admitted) in [
        ("a sliding window of 100 in 100 ms", by_window),
        ("20 at once, then one a millisecond", by_bucket),
        ("the same for each of two keys", by_key),
    ] {
        scene.tell(&format!("{name}: {} admitted", grouped(admitted)));
    }
    // Who has asked for the time may get to his request some milliseconds later.
    scene.check("no more than 300 in the window", (150..=300).contains(&by_window));
    let late = bucket.clock().now().as_millis();
    let late = u64::try_from(late).expect("a short tour");
    scene.check("no more than 20 and one a millisecond", (150..=20 + late).contains(&by_bucket));
    scene.check("no more than that for each key", (300..=2 * (20 + late)).contains(&by_key));
}
