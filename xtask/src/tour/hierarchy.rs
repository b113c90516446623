//! The performance hierarchy: one count, kept in four ways.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use atomic_counter::ShardedCounter;

use super::{
    rivals,
    scene::Scene,
    team::{contenders, together},
};

/// Increments of each thread.
const EACH: u64 = 4_000_000;

pub(super) fn run(scene: &mut Scene) {
    let threads = contenders();
    let total = EACH * threads as u64;
    scene.program(&format!("{threads} threads increment one count"));

    let sharded = ShardedCounter::new();
    let elapsed = together(threads, |_| (0..EACH).for_each(|_| sharded.increment()));
    scene.rate("ShardedCounter", total, elapsed);

    let atomic = AtomicU64::new(0);
    let elapsed = together(threads, |_| {
        for _ in 0..EACH {
            atomic.fetch_add(1, Relaxed);
        }
    });
    scene.rate("atomic", total, elapsed);

    let (mutex, elapsed) = rivals::mutex(threads, EACH);
    scene.rate("mutex", total, elapsed);
    let (channel, elapsed) = rivals::channel(threads, EACH);
    scene.rate("channel", total, elapsed);

    let counts = [sharded.sum(), atomic.into_inner(), mutex, channel];
    scene.check("each of the four counts every increment", counts == [total; 4]);
}
