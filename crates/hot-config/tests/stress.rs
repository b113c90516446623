//! Real threads. `ATOMWORKS_STRESS` scales.
#![cfg(not(loom))]

use core::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::{sync::Arc, thread};

use hot_config::{Guard, HotConfig};
use testkit::{
    drops::{Counted, Drops},
    stress::scaled,
};

const READERS: usize = 24;

/// Words that belong together: torn or freed, they do not fit.
struct Words {
    number: u64,
    body: [u64; 16],
    _counted: Counted,
}

impl Words {
    fn new(number: u64, drops: &Drops) -> Self {
        Self { number, body: [number.wrapping_mul(0x9E37_79B9); 16], _counted: drops.counted(()) }
    }

    fn check(&self) -> u64 {
        assert!(self.body.iter().all(|word| *word == self.number.wrapping_mul(0x9E37_79B9)));
        self.number
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        self.body = [u64::MAX; 16];
    }
}

/// 24 threads read in four ways while 10,000 updates go by.
#[test]
fn readers_see_whole_values_in_their_order() {
    let updates = scaled(10_000);
    let drops = Drops::new();
    let config = HotConfig::with_history(Words::new(1, &drops), 0);
    let (over, reads, most) = (AtomicBool::new(false), AtomicU64::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for reader in 0..READERS {
            let (config, over, reads) = (config.clone(), &over, &reads);
            scope.spawn(move || {
                let (mut handle, mut last, mut count) = (config.reader(), 0, 0);
                while !over.load(Acquire) {
                    for _ in 0..16 {
                        let number = match reader % 4 {
                            0 => config.load().check(),
                            1 => handle.load().check(),
                            2 => config.load_full().check(),
                            _ => {
                                let outer = config.load();
                                let inner = config.load();
                                assert!(inner.check() >= outer.check());
                                outer.check()
                            }
                        };
                        assert!(number >= last, "{number} after {last}");
                        last = number;
                        count += 1;
                    }
                    thread::yield_now();
                }
                assert_eq!(handle.load().check(), config.version());
                reads.fetch_add(count, Relaxed);
            });
        }
        for number in 2..=updates + 1 {
            let old = config.update(Words::new(number, &drops));
            assert_eq!(old.check(), number - 1);
            drop(old);
            most.fetch_max(drops.alive(), Relaxed);
            if number % 64 == 0 {
                thread::yield_now();
            }
        }
        over.store(true, Release);
    });
    assert_eq!(config.version(), updates + 1);
    // A guard or two, a handle, and an `Arc` at most for each reader; what is current, what comes.
    let bound = READERS * 4 + 2;
    let (reads, most) = (reads.into_inner(), most.into_inner());
    println!("{updates} updates beside {reads} reads: at most {most} values alive");
    assert!(most <= bound, "{most} values were alive at once, {bound} may be");
    drop(config);
    assert_eq!(drops.alive(), 0);
}

#[test]
fn no_update_is_lost_among_writers() {
    let each = scaled(5_000);
    let config = HotConfig::with_history(0_u64, 3);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..each).for_each(|_| _ = config.rcu(|value| value + 1)));
        }
    });
    assert_eq!((*config.load(), config.version()), (4 * each, 4 * each + 1));
    let past: Vec<_> = config.history().iter().map(|past| (past.version, **past)).collect();
    let expected: Vec<_> =
        (4 * each - 2..=4 * each).map(|version| (version, version - 1)).collect();
    assert_eq!(past, expected);
}

/// A stopped reader holds one value for each of its guards, however many updates go by.
#[test]
fn a_stalled_reader_holds_what_it_reads() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    let (reading, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let first = config.load();
            reading.store(true, Release);
            while !done.load(Acquire) {
                thread::yield_now();
            }
            assert_eq!(Guard::version(&first), first.value + 1);
        });
        while !reading.load(Acquire) {
            thread::yield_now();
        }
        for number in 1..=scaled(10_000) {
            config.update(drops.counted(number));
            assert!(drops.alive() <= 2, "{} values are alive", drops.alive());
        }
        done.store(true, Release);
    });
    assert_eq!(drops.alive(), 1);
}

/// Threads come and go: their records are used again, and values are freed all the same.
#[test]
fn threads_come_and_go() {
    let drops = Drops::new();
    let config = HotConfig::with_history(drops.counted(0), 0);
    for number in 1..=scaled(100) {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let guards: Vec<_> = (0..12).map(|_| config.load()).collect();
                    assert!(guards.iter().all(|guard| guard.value >= number - 1));
                });
            }
            config.update(drops.counted(number));
        });
    }
    config.update(drops.counted(u64::MAX));
    assert_eq!(drops.alive(), 1);
}

#[test]
fn whoever_waits_is_told_of_the_last_version() {
    let updates = scaled(5_000);
    let config = HotConfig::new(0_u64);
    let waiting: Vec<_> = (0..4)
        .map(|waiter| {
            let mut changes = config.subscribe();
            thread::spawn(move || {
                let mut last = 0;
                loop {
                    let change = match waiter % 2 {
                        0 => changes.wait(),
                        _ => lockfree_core::wait::block_on(changes.changed()),
                    };
                    let Some(change) = change else { return last };
                    assert!(*change > last && change.version == *change + 1);
                    last = *change;
                }
            })
        })
        .collect();
    let told = Arc::new(AtomicU64::new(0));
    let callback = {
        let told = Arc::clone(&told);
        config.on_change(move |change| {
            assert!(told.swap(change.version, Relaxed) < change.version, "versions go back");
        })
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..updates).for_each(|_| _ = config.rcu(|value| value + 1)));
        }
    });
    assert_eq!(told.load(Relaxed), 2 * updates + 1);
    drop(callback);
    drop(config);
    for waiting in waiting {
        assert_eq!(waiting.join().unwrap(), 2 * updates);
    }
}
