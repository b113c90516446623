//! A reference count, and a pool of five resources for twenty threads.

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{
    sync::{Barrier, Mutex, PoisonError},
    thread,
    time::Instant,
};

use refpool::{Handle, Pool, RefCount, Stats};

use super::{
    scene::Scene,
    team::{contenders, together},
};
use crate::term::seconds;

const SIZE: usize = 1_024;
const RESOURCES: usize = 5;
const USERS: usize = 20;
const HOLD: Duration = Duration::from_millis(100);

const HOLDERS: usize = 10;
const USES: usize = 100;

/// Cycles of each thread where time is taken.
const CYCLES: u64 = 1_000_000;

pub(super) fn run(scene: &mut Scene) {
    counted(scene);
    pooled(scene);
    waited_for(scene);
    cycled(scene);
}

/// 1,024 bytes that tell whether they were taken down under somebody's hands.
struct Resource {
    bytes: [u8; SIZE],
    count: RefCount,
    gone: AtomicBool,
}

fn counted(scene: &mut Scene) {
    scene.program("10 threads use one resource 100 times each");
    let resource =
        Resource { bytes: [1; SIZE], count: RefCount::new(), gone: AtomicBool::new(false) };
    let (intact, last) = (AtomicU64::new(0), AtomicU64::new(0));
    let elapsed = together(HOLDERS, |_| {
        for _ in 0..USES {
            resource.count.retain();
            let sum = resource.bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>();
            let there = sum == SIZE && !resource.gone.load(Relaxed);
            intact.fetch_add(u64::from(there), Relaxed);
            last.fetch_add(u64::from(resource.count.release()), Relaxed);
        }
    });
    let count = resource.count.count();
    scene.tell(&format!("after 1,000 uses in {} the count is {count}", seconds(elapsed)));
    let all = intact.into_inner() == (HOLDERS * USES) as u64;
    scene.check("the resource was there in every use", all);
    scene.check(
        "the final count is 1, and no release was the last",
        count == 1 && last.into_inner() == 0,
    );
    let ended = resource.count.release();
    resource.gone.store(ended, Relaxed);
    let revived = resource.count.try_retain();
    scene.check("its maker's release is the last, and nobody comes back", ended && !revived);
}

fn resources() -> Vec<u8> {
    vec![0; SIZE]
}

fn pooled(scene: &mut Scene) {
    scene.program("20 threads hold one of 5 resources for 100 ms");
    let pool = Pool::new(RESOURCES, resources);
    let at_first = pool.stats();
    let (all_hold, meanwhile) = (Barrier::new(USERS), Mutex::new(Stats::default()));
    let intact = AtomicU64::new(0);
    together(USERS, |user| {
        let mark = u8::try_from(user).unwrap_or(u8::MAX);
        let mut handle = pool.acquire();
        let bytes = Handle::get_mut(&mut handle).expect("nobody else has it");
        bytes.fill(mark);
        if all_hold.wait().is_leader() {
            *meanwhile.lock().unwrap_or_else(PoisonError::into_inner) = pool.stats();
        }
        thread::sleep(HOLD);
        let own = handle.len() == SIZE && handle.iter().all(|byte| *byte == mark);
        intact.fetch_add(u64::from(own), Relaxed);
    });
    let meanwhile = meanwhile.into_inner().unwrap_or_else(PoisonError::into_inner);
    let at_last = pool.stats();
    for (when, stats) in [("at first", at_first), ("meanwhile", meanwhile), ("at last", at_last)] {
        scene.tell(&format!(
            "{when:<9}: max {}, extra {}, total {}; in use {}, idle {}",
            stats.max, stats.extra, stats.created, stats.in_use, stats.idle
        ));
    }
    scene.check("each has its own for as long as it holds it", intact.into_inner() == USERS as u64);
    scene.check("5 are made up front", at_first.created == 5 && at_first.idle == 5);
    let is_extra = (meanwhile.extra, meanwhile.created, meanwhile.in_use) == (15, 20, 20);
    scene.check("15 extra ones are made for the others: 20 in all", is_extra);
    let is_over = (at_last.in_use, at_last.idle, at_last.high_water) == (0, 5, 20);
    scene.check("the extra ones are dropped, and 5 are idle again", is_over);
}

/// The same without extra resources: who finds none waits.
fn waited_for(scene: &mut Scene) {
    scene.program("the same, and who finds none waits for one");
    let pool = Pool::builder(RESOURCES, resources).extras(0).build();
    let started = Instant::now();
    let served = AtomicU64::new(0);
    together(USERS, |_| {
        if let Ok(handle) = pool.acquire_timeout(Duration::from_secs(10)) {
            thread::sleep(HOLD);
            served.fetch_add(u64::from(handle.len() == SIZE), Relaxed);
        }
    });
    let (stats, elapsed) = (pool.stats(), started.elapsed());
    scene.tell(&format!("5 at a time, {} in all", seconds(elapsed)));
    scene.check("all 20 are served", served.into_inner() == 20);
    let is_bounded = (stats.created, stats.high_water, stats.idle) == (5, 5, 5);
    scene.check("by 5 resources and no more, in 4 turns", is_bounded && elapsed >= 4 * HOLD);
}

fn cycled(scene: &mut Scene) {
    scene.program("acquire, touch, release");
    let threads = contenders();
    let total = threads as u64 * CYCLES;
    let pool = Pool::new(RESOURCES.max(threads), resources);
    let elapsed = together(threads, |_| {
        for _ in 0..CYCLES {
            let mut handle = pool.acquire();
            touch(Handle::get_mut(&mut handle).expect("nobody else has it"));
        }
    });
    scene.rate("Pool", total, elapsed);

    let locked = Mutex::new(vec![resources(); RESOURCES.max(threads)]);
    let lock = || locked.lock().unwrap_or_else(PoisonError::into_inner);
    let elapsed = together(threads, |_| {
        for _ in 0..CYCLES {
            let mut bytes = lock().pop().unwrap_or_else(resources);
            touch(&mut bytes);
            lock().push(bytes);
        }
    });
    scene.rate("mutex and Vec", total, elapsed);
    let elapsed = together(threads, |_| (0..CYCLES).for_each(|_| touch(&mut resources())));
    scene.rate("made each time", total, elapsed);
    let stats = pool.stats();
    let is_exact = (stats.acquired, stats.in_use, stats.extra) == (total, 0, 0);
    scene.check("the pool counted every use, and nothing is out", is_exact);
}

fn touch(bytes: &mut [u8]) {
    bytes[0] = bytes[0].wrapping_add(1);
    core::hint::black_box(bytes);
}
