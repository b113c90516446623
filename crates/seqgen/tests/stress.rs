//! Real threads: uniqueness, order, exhaustion, histories.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{sync::Barrier, thread, time::Instant};

use seqgen::{Exhausted, Sequence};
use testkit::{
    history::{Recorder, Spec, check, is_linearizable},
    stress::scaled,
};

const THREADS: u64 = 8;

/// A bit for each id, set once.
struct Seen(Vec<AtomicU64>);

impl Seen {
    fn new(ids: u64) -> Self {
        Self((0..=ids / 64).map(|_| AtomicU64::new(0)).collect())
    }

    fn mark(&self, id: u64) {
        let bit = 1 << (id % 64);
        let word = &self.0[usize::try_from(id / 64).unwrap()];
        assert_eq!(word.fetch_or(bit, Relaxed) & bit, 0, "{id} was given twice");
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.load(Relaxed).count_ones())).sum()
    }
}

/// Eight threads take `total` ids, each through what `way` makes of the sequence: unique, none
/// missing, and increasing for each thread.
fn unique_and_in_order<'s, W: FnMut() -> Result<u64, Exhausted>>(
    ids: &'s Sequence,
    total: u64,
    way: impl Fn(&'s Sequence) -> W + Sync,
) {
    let seen = Seen::new(total);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let (mut next, mut last) = (way(ids), 0);
                while let Ok(id) = next() {
                    assert!(id > last, "{last}, then {id}");
                    seen.mark(id);
                    last = id;
                }
            });
        }
    });
    assert_eq!((seen.count(), ids.current(), ids.remaining()), (total, total, 0));
}

#[test]
fn ids_are_unique_and_in_order() {
    let total = scaled(1_000_000);
    let ids = Sequence::new(0, total, 1).unwrap();
    unique_and_in_order(&ids, total, |ids| move || ids.next());
}

#[test]
fn batches_are_unique_and_in_order() {
    let total = scaled(1_000_000);
    let ids = Sequence::new(0, total, 1).unwrap();
    unique_and_in_order(&ids, total, |ids| {
        let mut batch = ids.next_batch(0).unwrap();
        move || {
            if batch.len() == 0 {
                batch = ids.next_batch(7)?;
            }
            batch.next().ok_or(Exhausted)
        }
    });
}

#[test]
fn leases_are_unique_and_in_order() {
    let total = scaled(1_000_000);
    let ids = Sequence::new(0, total, 1).unwrap();
    unique_and_in_order(&ids, total, |ids| {
        let mut lease = ids.lease(64);
        move || lease.next()
    });
}

/// The reference program's overflow, by 20 threads at once: 10 ids and 10 errors.
#[test]
fn of_twenty_threads_ten_get_an_id() {
    for _ in 0..scaled(50) {
        let ids = Sequence::new(999_990, 1_000_000, 1).unwrap();
        let given: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..20).map(|_| scope.spawn(|| ids.next())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let mut given: Vec<_> = given.into_iter().flatten().collect();
        given.sort_unstable();
        assert!(given.into_iter().eq(999_991..=1_000_000));
    }
}

/// 64 threads ask an exhausted sequence for a second; it stays exhausted.
fn stays_exhausted(ids: &Sequence, last: u64) {
    let until = Instant::now() + Duration::from_secs(1);
    let calls: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    let mut calls = 0;
                    while Instant::now() < until {
                        for n in 0..1000 {
                            assert_eq!(ids.next(), Err(Exhausted));
                            assert_eq!(ids.next_batch(n + 1), Err(Exhausted));
                            calls += 2;
                        }
                    }
                    calls
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((ids.current(), ids.remaining()), (last, 0));
    println!("{calls} calls of an exhausted sequence");
}

#[test]
fn exhaustion_does_not_wrap_around() {
    let ids = Sequence::new(999_990, 1_000_000, 1).unwrap();
    (0..10).for_each(|_| _ = ids.next().unwrap());
    stays_exhausted(&ids, 1_000_000);
}

#[test]
fn exhaustion_at_the_last_number_does_not_wrap_around() {
    let ids = Sequence::new(u64::MAX - 10, u64::MAX, 1).unwrap();
    (0..10).for_each(|_| _ = ids.next().unwrap());
    stays_exhausted(&ids, u64::MAX);
}

/// Every id of a cycle comes as often as it should.
#[test]
fn a_cycle_gives_each_id_equally_often() {
    let (each, length) = (scaled(20_000), 7);
    let ids = Sequence::builder().max(length).cycle(true).build().unwrap();
    let counts: Vec<_> = (0..=length).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for _ in 0..length {
            scope.spawn(|| {
                for _ in 0..each {
                    let id = usize::try_from(ids.next().unwrap()).unwrap();
                    counts[id].fetch_add(1, Relaxed);
                }
            });
        }
    });
    assert!(counts[1..].iter().all(|count| count.load(Relaxed) == each), "{counts:?}");
}

/// A thread that has reset the sequence to ever higher starts: nobody sees an id go back, and leases
/// give nothing from before a reset that they know of.
#[test]
fn after_a_reset_there_is_no_id_from_before() {
    // More than are given while the thread that resets is not running.
    const RUN: u64 = 1 << 40;
    let (resets, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let ids = Sequence::new(0, u64::MAX, 1).unwrap();
    thread::scope(|scope| {
        for lease in [false, true] {
            let (ids, resets, done) = (&ids, &resets, &done);
            scope.spawn(move || {
                let mut leased = ids.lease(if lease { 64 } else { 1 });
                let mut last = 0;
                while !done.load(Relaxed) {
                    let known = resets.load(core::sync::atomic::Ordering::Acquire);
                    let id = if lease { leased.next() } else { ids.next() }.unwrap();
                    assert!(id > known * RUN, "{id} after reset {known}");
                    assert!(id > last, "{last}, then {id}");
                    last = id;
                }
            });
        }
        for reset in 1..=scaled(2000) {
            ids.reset(reset * RUN).unwrap();
            resets.store(reset, core::sync::atomic::Ordering::Release);
            thread::sleep(Duration::from_micros(20));
        }
        done.store(true, Relaxed);
    });
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Counting(u64);

const MAX: u64 = 30;

#[derive(Clone, Copy, Debug)]
enum Call {
    Next,
    Batch(u64),
    Reset(u64),
    Current,
}

impl Spec for Counting {
    type Operation = Call;
    type Outcome = (u64, u64);

    fn apply(&mut self, operation: &Call) -> (u64, u64) {
        let n = match *operation {
            Call::Next => 1,
            Call::Batch(n) => n,
            Call::Reset(start) => {
                self.0 = start;
                0
            }
            Call::Current => 0,
        };
        let first = self.0;
        self.0 = MAX.min(self.0 + n);
        (first, self.0)
    }
}

fn call(ids: &Sequence, operation: Call) -> (u64, u64) {
    match operation {
        Call::Next => ids.next().map_or((MAX, MAX), |id| (id - 1, id)),
        Call::Batch(n) => ids
            .next_batch(n)
            .map_or((MAX, MAX), |batch| (batch.front().unwrap() - 1, batch.back().unwrap())),
        Call::Reset(start) => {
            ids.reset(start).unwrap();
            (start, start)
        }
        Call::Current => {
            let current = ids.current();
            (current, current)
        }
    }
}

#[test]
fn histories_with_resets_are_linearizable() {
    for round in 0..scaled(300) {
        let ids = Sequence::new(20, MAX, 1).unwrap();
        let (recorder, start) = (Recorder::new(), Barrier::new(3));
        thread::scope(|scope| {
            for thread in 0..3 {
                let (ids, recorder, start) = (&ids, &recorder, &start);
                scope.spawn(move || {
                    let mut noise = round * 3 + thread + 1;
                    start.wait();
                    for _ in 0..10 {
                        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        let operation = match noise >> 60 {
                            0..8 => Call::Next,
                            8..11 => Call::Batch(1 + (noise >> 50) % 4),
                            11..14 => Call::Reset(15 + (noise >> 50) % 15),
                            _ => Call::Current,
                        };
                        recorder.record(operation, || call(ids, operation));
                    }
                });
            }
        });
        check(&Counting(20), recorder.take());
    }
}

/// The oracle is worth what it refuses: an id from before a reset is found.
#[test]
fn the_checker_refuses_an_id_from_before_a_reset() {
    let ids = Sequence::new(20, MAX, 1).unwrap();
    let recorder = Recorder::new();
    let stale = recorder.record(Call::Next, || call(&ids, Call::Next));
    recorder.record(Call::Reset(15), || call(&ids, Call::Reset(15)));
    recorder.record(Call::Next, || stale);
    assert!(!is_linearizable(&Counting(20), &recorder.take()));
}
