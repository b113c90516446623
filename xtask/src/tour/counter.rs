//! 100 threads count a million times each.

use core::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use std::thread;

use atomic_counter::{Counter, ShardedCounter};

use super::{
    rivals,
    scene::Scene,
    team::{contenders, together},
};
use crate::term::grouped;

const THREADS: usize = 100;
const EACH: u64 = 1_000_000;
/// Increments of each thread of the slow contenders, which would take minutes.
const EACH_SLOWLY: u64 = 50_000;

pub(super) fn run(scene: &mut Scene) {
    scene.program("up, down, and a look");
    let counter = Counter::new(0);
    counter.increment();
    counter.increment();
    let before = counter.decrement();
    scene.tell(&format!("after two up and one down the count is {}", counter.load()));
    scene.check("the count is 1, and was 2 before", counter.load() == 1 && before == 2);

    scene.program("100 threads count to 100,000,000");
    scene.tell(&format!("on {} cores", contenders()));
    let total = THREADS as u64 * EACH;
    let (sum, deltas, looks, elapsed) = sharded();
    scene.rate("ShardedCounter", total, elapsed);
    let counter = Counter::new(0);
    let elapsed = together(THREADS, |_| {
        for _ in 0..EACH {
            counter.increment();
        }
    });
    scene.rate("Counter, one word", total, elapsed);
    let few = THREADS as u64 * EACH_SLOWLY;
    let (mutex, elapsed) = rivals::mutex(THREADS, EACH_SLOWLY);
    scene.rate("mutex", few, elapsed);
    let (channel, elapsed) = rivals::channel(THREADS, EACH_SLOWLY);
    scene.rate("channel", few, elapsed);

    let counts = [sum, counter.load()];
    scene.check("both counters show exactly 100,000,000", counts == [total; 2]);
    let looks = grouped(looks);
    scene.check(
        &format!("the deltas of a reader that looked {looks} times add up"),
        deltas == total,
    );
    scene.check("mutex and channel show every increment of theirs", [mutex, channel] == [few; 2]);
}

/// The sum, what a reader added up from deltas meanwhile, how often it looked, and the time.
fn sharded() -> (u64, u64, u64, Duration) {
    let counter = ShardedCounter::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut deltas, mut looks, mut baseline) = (0, 0, 0);
            loop {
                // Relaxed: the last look comes after all threads were joined, by the join.
                let last = done.load(Relaxed);
                deltas += counter.take_delta(&mut baseline);
                looks += 1;
                if last {
                    return (deltas, looks);
                }
                // A dashboard looks now and then.
                thread::sleep(Duration::from_millis(1));
            }
        });
        let elapsed = together(THREADS, |_| (0..EACH).for_each(|_| counter.increment()));
        done.store(true, Relaxed);
        let (deltas, looks) = reader.join().expect("a reader does not panic");
        (counter.sum(), deltas, looks, elapsed)
    })
}
