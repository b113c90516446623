//! Threads at one cache: nothing is lost, nothing is dropped or told twice, nothing is served late.
#![cfg(not(loom))]

mod fixtures;

use core::{
    cell::{Cell, RefCell},
    panic::AssertUnwindSafe,
    sync::atomic::{
        AtomicBool, AtomicU64, AtomicUsize,
        Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};
use std::{
    panic::catch_unwind,
    sync::{Arc, Barrier, mpsc},
    thread,
    time::Instant,
};

use fixtures::{by_hand, manual};
use lockfree_core::clock::MonotonicClock;
use testkit::{
    drops::{Counted, Drops},
    stress::scaled,
};
use ttl_cache::{Cache, Loaded, ManualClock, TICK};

/// Numbers in no order, the same on each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

fn together(threads: u64, work: impl Fn(u64) + Sync) {
    let start = Barrier::new(usize::try_from(threads).unwrap());
    let (start, work) = (&start, &work);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

/// Each operation of `count` by `threads` threads: everything that a cache can do with an entry, on
/// few keys, while the clock goes on; then every value was dropped once, and every one that left was
/// told once.
fn every_value_leaves_once(threads: u64, count: u64, keys: u64) {
    let drops = Drops::new();
    let told = Arc::new(AtomicUsize::new(0));
    let (clock, builder) = manual();
    let listening = Arc::clone(&told);
    let cache = builder
        .capacity(keys / 2)
        .time_to_live(Duration::from_millis(20))
        .listener(move |_: &u64, _, _| {
            listening.fetch_add(1, Relaxed);
        })
        .build();
    let put_in = AtomicUsize::new(0);
    together(threads, |thread| {
        let mut random = Random(0x9e37_79b9 + thread);
        for _ in 0..count / threads {
            let key = random.below(keys);
            match random.below(16) {
                0..6 => {
                    cache.set(key, drops.counted(key));
                    put_in.fetch_add(1, Relaxed);
                }
                6..9 => drop(cache.remove(&key)),
                9 => assert!(loads(&cache, key, &drops, &put_in)),
                10 => {
                    clock.advance(Duration::from_millis(1));
                }
                11 => drop(cache.iter_from(u32::try_from(random.below(64)).unwrap()).next()),
                12 if random.below(1000) == 0 => cache.clear(),
                _ => assert!(cache.get_ref(&key).is_none_or(|value| value.value == key)),
            }
        }
    });
    cache.maintain();
    let there = cache.iter().count();
    assert_eq!(there, cache.len());
    assert_eq!(told.load(Relaxed), put_in.load(Relaxed) - there, "told once each");
    let stats = cache.stats();
    let left = stats.expired + stats.evicted + stats.replaced + stats.removed;
    assert_eq!(left, told.load(Relaxed) as u64);
    assert_eq!(stats.sets, put_in.load(Relaxed) as u64);
    cache.maintain();
    assert_eq!(drops.alive(), there, "what has left is dropped");
    drop(cache);
    assert_eq!(drops.alive(), 0);
    assert_eq!(drops.dropped(), put_in.load(Relaxed), "dropped once each");
}

/// Whether a load, or whoever was faster, gives the key's value.
fn loads(cache: &Cache<u64, Counted<u64>>, key: u64, drops: &Drops, put_in: &AtomicUsize) -> bool {
    let load = || {
        put_in.fetch_add(1, Relaxed);
        Ok::<_, ()>(Some(drops.counted(key)))
    };
    cache.get_or_load(key, load).unwrap().is_some_and(|entry| entry.value == key)
}

#[test]
fn every_value_leaves_once_among_few_keys() {
    every_value_leaves_once(4, scaled(60_000), 16);
}

#[test]
fn every_value_leaves_once_among_many_keys() {
    every_value_leaves_once(8, scaled(60_000), 2_000);
}

/// Once a thread has seen the clock at an entry's deadline, no thread that learns of it is served.
#[test]
fn nothing_is_served_past_its_time_by_the_caches_clock() {
    let clock = Arc::new(ManualClock::new());
    let cache = Cache::builder().clock(Arc::clone(&clock)).background(false).build();
    let span = Duration::from_micros(50);
    together(8, |thread| {
        let mut random = Random(0x5555 + thread);
        for _ in 0..scaled(20_000) {
            let key = random.below(8);
            match random.below(4) {
                0 => cache.set_with_ttl(key, (), span),
                1 => {
                    clock.advance(Duration::from_micros(7));
                }
                _ => {
                    cache.set_with_ttl(100 + thread, (), span);
                    // Its deadline is `span` after some time that the clock showed before this.
                    clock.advance(span);
                    assert_eq!(cache.get(&(100 + thread)), None, "served late");
                    let _ = cache.get(&key);
                }
            }
        }
    });
}

/// By the system's clock, under threads that outnumber the cores: what was put in before some
/// moment is not served a tick and its time after that moment.
#[test]
fn nothing_is_served_later_than_a_tick_after_its_time() {
    let span = Duration::from_millis(3);
    let cache = Cache::builder().clock(MonotonicClock::new()).build();
    let start = Instant::now();
    let served = AtomicU64::new(0);
    together(8, |thread| {
        let mut random = Random(0x1234 + thread);
        // Keys of one writer each, who knows when at the latest he has put it in.
        let mut put_in = [Duration::ZERO; 8];
        for _ in 0..scaled(40_000) {
            let own = random.below(8);
            let key = thread * 8 + own;
            let own = usize::try_from(own).unwrap();
            if random.below(8) == 0 {
                cache.set_with_ttl(key, (), span);
                put_in[own] = start.elapsed();
            } else {
                let now = start.elapsed();
                if cache.get(&key).is_some() {
                    served.fetch_add(1, Relaxed);
                    assert!(now < put_in[own] + span + TICK, "{now:?} after {:?}", put_in[own]);
                }
            }
        }
    });
    assert!(served.load(Relaxed) > 0);
}

/// What one thread puts in, then tells another of, the other gets.
#[test]
fn what_was_put_in_before_is_found_while_the_table_moves() {
    let cache = by_hand().build();
    let each = scaled(20_000);
    let done: Vec<AtomicU64> = (0..4).map(|_| AtomicU64::new(0)).collect();
    together(4, |thread| {
        let own = usize::try_from(thread).unwrap();
        for number in 0..each {
            cache.set((thread, number), number);
            done[own].store(number + 1, core::sync::atomic::Ordering::Release);
            let other = (own + 1) % 4;
            let last = done[other].load(core::sync::atomic::Ordering::Acquire);
            if last > 0 {
                let key = (other as u64, last - 1);
                assert_eq!(cache.get(&key), Some(last - 1));
                let key = (other as u64, number % last);
                assert_eq!(cache.get(&key), Some(number % last));
            }
        }
    });
    assert_eq!(cache.len() as u64, 4 * each);
}

/// Threads that put one key in, each its own numbers: what is read never goes back.
#[test]
fn a_reader_never_goes_back() {
    let cache = by_hand().build();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..scaled(100_000) {
                cache.set(0_u64, number);
                if number % 64 == 0 {
                    // Others make the table move.
                    cache.set(number + 1, 0);
                }
            }
            stop.store(true, Relaxed);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !stop.load(Relaxed) {
                    let now = cache.get(&0).unwrap_or(last);
                    assert!(now >= last, "{now} after {last}");
                    last = now;
                }
            });
        }
    });
}

#[test]
fn a_load_runs_once_however_many_wait() {
    let cache = by_hand().build();
    for round in 0..scaled(200) {
        let loads = AtomicUsize::new(0);
        together(8, |_| {
            let load = || {
                loads.fetch_add(1, Relaxed);
                thread::yield_now();
                round * 2
            };
            assert_eq!(cache.get_or_insert_with(round, load), round * 2);
        });
        assert_eq!(loads.load(Relaxed), 1);
    }
}

/// A load that panics or fails is one that did not run: another of those who wait loads, one at a
/// time.
#[test]
fn a_load_that_panics_is_taken_over() {
    let cache = by_hand().build();
    for round in 0..scaled(50) {
        let (loads, at_once) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let panics = AtomicUsize::new(0);
        together(6, |_| {
            let load = || {
                assert_eq!(at_once.fetch_add(1, Relaxed), 0, "two load at once");
                let load = loads.fetch_add(1, Relaxed);
                thread::yield_now();
                at_once.fetch_sub(1, Relaxed);
                match load {
                    0 => std::panic::resume_unwind(Box::new("the first panics")),
                    1 => Err("the second fails"),
                    _ => Ok(round),
                }
            };
            match catch_unwind(AssertUnwindSafe(|| cache.try_get_or_insert_with(round, load))) {
                Err(_) => {
                    panics.fetch_add(1, Relaxed);
                }
                Ok(Err(_)) => {
                    panics.fetch_add(100, Relaxed);
                }
                Ok(Ok(value)) => assert_eq!(value, round),
            }
        });
        assert_eq!((loads.load(Relaxed), panics.load(Relaxed)), (3, 101));
    }
}

/// Futures of those who load are dropped half-way: another loads, and in the end one has.
#[test]
fn a_load_that_is_cancelled_is_taken_over() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    let runtime = runtime.unwrap();
    let cache = by_hand::<u64, u64>().build();
    for round in 0..scaled(50) {
        let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = |patience: Duration| {
            let (cache, begun, ended) = (cache.clone(), Arc::clone(&begun), Arc::clone(&ended));
            runtime.spawn(async move {
                let load = || async move {
                    begun.fetch_add(1, Relaxed);
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    ended.fetch_add(1, Relaxed);
                    Loaded::new(round)
                };
                let loading = cache.get_or_insert_with_async(round, load);
                tokio::time::timeout(patience, loading).await
            })
        };
        let hasty: Vec<_> = (0..3).map(|_| ask(Duration::from_millis(1))).collect();
        let patient: Vec<_> = (0..3).map(|_| ask(Duration::from_mins(1))).collect();
        for task in hasty {
            drop(runtime.block_on(task).unwrap());
        }
        for task in patient {
            assert_eq!(runtime.block_on(task).unwrap().unwrap(), round);
        }
        assert_eq!(ended.load(Relaxed), 1);
        assert!(begun.load(Relaxed) >= 1);
        let stats = cache.stats();
        assert_eq!(stats.loads, round + 1);
    }
}

/// The capacity holds, up to an eighth and a newcomer a thread, while threads put entries in; and
/// exactly when they are done.
#[test]
fn the_capacity_holds_among_threads() {
    let cache = by_hand().capacity(1_000).build();
    together(8, |thread| {
        let mut random = Random(0x777 + thread);
        for _ in 0..scaled(10_000) {
            cache.set(random.below(100_000), ());
            assert!(cache.len() <= 1_000 + 125 + 8, "{}", cache.len());
        }
    });
    cache.set(1, ());
    assert!(cache.len() <= 1_000);
}

/// More threads than slots is too many for a test: threads that come and go have to do.
#[test]
fn threads_come_and_go() {
    let drops = Drops::new();
    let cache = by_hand().build();
    for round in 0..scaled(20) {
        thread::scope(|scope| {
            for thread in 0..16_u64 {
                let (cache, drops) = (&cache, &drops);
                scope.spawn(move || {
                    for key in 0..20 {
                        cache.set(key, drops.counted(thread * round));
                        drop(cache.remove(&(key / 2)));
                    }
                });
            }
        });
    }
    cache.clear();
    cache.maintain();
    assert_eq!((cache.len(), drops.alive()), (0, 0));
}

/// As many threads as there are records for those that are past their thread-locals, each with a
/// session on one, and each with something to free.
#[test]
fn threads_past_their_thread_locals_do_not_wait_for_each_other() {
    const THREADS: usize = 8;
    /// Eight batches make a look worth while.
    const EACH: usize = 1024 + 76;
    static TURN: AtomicUsize = AtomicUsize::new(0);

    struct Value;
    impl Drop for Value {
        /// The first one that a thread drops waits for the others' first ones.
        fn drop(&mut self) {
            if FIRST.try_with(|first| first.replace(false)).unwrap_or(false) {
                TURN.fetch_add(1, SeqCst);
                while TURN.load(SeqCst) < THREADS {
                    thread::yield_now();
                }
            }
        }
    }

    struct Late(Cache<usize, Value>, usize, mpsc::Sender<()>);
    impl Drop for Late {
        fn drop(&mut self) {
            while TURN.load(SeqCst) < self.1 {
                thread::yield_now();
            }
            FIRST.with(|first| first.set(true));
            (0..EACH).for_each(|key| drop(self.0.remove(&(self.1 * EACH + key))));
            self.2.send(()).unwrap();
        }
    }

    thread_local! {
        static FIRST: Cell<bool> = const { Cell::new(false) };
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }

    let cache = by_hand().build();
    (0..THREADS * EACH).for_each(|key| cache.set(key, Value));
    let (ended, ends) = mpsc::channel();
    for number in 0..THREADS {
        let late = Late(cache.clone(), number, ended.clone());
        thread::spawn(move || {
            let cache = late.0.clone();
            // Before its first session, and so dropped after its slot.
            LATE.with_borrow_mut(|own| *own = Some(late));
            assert!(!cache.contains_key(&usize::MAX));
        });
    }
    for _ in 0..THREADS {
        assert!(ends.recv_timeout(Duration::from_mins(1)).is_ok(), "they wait for each other");
    }
}
