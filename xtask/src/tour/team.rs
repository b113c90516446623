//! Threads that start together, each on a core of its own where there are enough.

use core::time::Duration;
use std::{sync::Barrier, thread, time::Instant};

/// Threads to contend with: as many as there are cores, at least two.
pub(super) fn contenders() -> usize {
    thread::available_parallelism().map_or(2, usize::from).max(2)
}

/// Runs `work` on `threads` threads that start together; the time from the first one's start to the
/// last one's end, as they tell it themselves: who waits for them may wake up late.
pub(super) fn together(threads: usize, work: impl Fn(usize) + Sync) -> Duration {
    let start = Barrier::new(threads);
    let timed = |thread| {
        pin(thread);
        start.wait();
        let started = Instant::now();
        work(thread);
        (started, Instant::now())
    };
    let times: Vec<_> = thread::scope(|scope| {
        let timed = &timed;
        let workers: Vec<_> = (0..threads).map(|i| scope.spawn(move || timed(i))).collect();
        let times = workers.into_iter().map(thread::ScopedJoinHandle::join);
        times.map(|time| time.expect("a program of the tour does not panic")).collect()
    });
    let first = times.iter().map(|&(started, _)| started).min();
    let last = times.iter().map(|&(_, ended)| ended).max();
    first.zip(last).map_or(Duration::ZERO, |(first, last)| last - first)
}

/// Keeps the calling thread on one of the processors that it may use, in turn by its seat: a system
/// that packs threads together would show contention where there is none, and none where there is.
#[cfg(target_os = "linux")]
pub(super) fn pin(seat: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else { return };
    let mut processors = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).cycle();
    let Some(own) = processors.nth(seat) else { return };
    let mut set = CpuSet::new();
    set.set(own);
    // Where it is refused, the system goes on placing the thread.
    let _ = sched_setaffinity(None, &set);
}

/// Other systems place threads by themselves.
#[cfg(not(target_os = "linux"))]
pub(super) fn pin(_seat: usize) {}
