//! Real threads: nothing is lost or doubled, and nodes come back.
#![cfg(all(not(loom), feature = "alloc"))]

mod fixtures;

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::{
    sync::{Arc, Barrier},
    thread,
};

use aba_stack::{
    Full, Stack,
    rules::{Rules, Sound},
};
use fixtures::{NoMagazine, ShortTags, ShortTagsNoMagazine, SmallMagazine};
use testkit::{drops::Drops, stress::scaled};

/// Nodes that a thread may have beside the values inside, as documented.
const IN_HAND: usize = 64;

/// Four threads that push, pop, and do both in every other way, each value in one place at the end.
fn conserves<R: Rules>(bound: Option<usize>, each: u64) {
    let stack = match bound {
        Some(bound) => Stack::<u64, R>::bounded_with_rules(bound),
        None => Stack::with_rules(),
    };
    let mut got: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let stack = &stack;
                scope.spawn(move || {
                    let mut got = Vec::new();
                    for step in 0..each {
                        let value = 3 * (thread * each + step);
                        match (step + thread) % 11 {
                            0..=3 => got.extend(stack.try_push(value).err().map(Full::into_inner)),
                            4 => {
                                let values = [value, value + 1, value + 2];
                                let refused = stack.try_push_many(values);
                                got.extend(refused.err().into_iter().flat_map(Full::into_inner));
                            }
                            5 => got.extend(stack.pop_many(4)),
                            6 if step % 7 == 0 => got.extend(stack.take_all()),
                            _ => got.extend(stack.pop()),
                        }
                        if let (Some(bound), Some(len)) = (bound, stack.len()) {
                            assert!(len <= bound);
                        }
                    }
                    got
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    got.extend(stack.drain());
    assert_eq!(stack.len(), bound.map(|_| 0));
    got.sort_unstable();
    let expected = (0..4).flat_map(|thread| {
        (0..each).flat_map(move |step| {
            let value = 3 * (thread * each + step);
            let count = match (step + thread) % 11 {
                0..=3 => 1,
                4 => 3,
                _ => 0,
            };
            value..value + count
        })
    });
    assert!(got.into_iter().eq(expected), "a value is lost or doubled");
}

#[test]
fn nothing_is_lost_or_doubled() {
    for bound in [None, Some(1), Some(7), Some(1000)] {
        conserves::<Sound>(bound, scaled(20_000));
        conserves::<NoMagazine>(bound, scaled(8_000));
        conserves::<SmallMagazine>(bound, scaled(8_000));
    }
}

/// The same while tags end all the time: a node lasts for three links.
#[test]
fn nothing_is_lost_or_doubled_where_tags_end() {
    for bound in [None, Some(7)] {
        conserves::<ShortTags>(bound, scaled(8_000));
        conserves::<ShortTagsNoMagazine>(bound, scaled(8_000));
    }
}

/// The reference program: 10 producers of 100 values, 5 consumers of 200.
#[test]
fn ten_producers_and_five_consumers() {
    for _ in 0..scaled(50) {
        let (stack, sum) = (Stack::new(), AtomicU64::new(0));
        thread::scope(|scope| {
            for producer in 0..10 {
                let stack = &stack;
                scope.spawn(move || (0..100).for_each(|n| stack.push(producer * 100 + n)));
            }
            for _ in 0..5 {
                scope.spawn(|| {
                    let values = core::iter::repeat_with(|| {
                        loop {
                            match stack.pop() {
                                Some(value) => break value,
                                None => thread::yield_now(),
                            }
                        }
                    });
                    sum.fetch_add(values.take(200).sum(), Relaxed);
                });
            }
        });
        assert_eq!((sum.into_inner(), stack.pop()), ((0..1000).sum(), None));
    }
}

/// A stack that never held more than 1,000 values needs no more nodes than for these and for what each
/// thread may keep, whatever goes through it. A billion pairs with `ATOMWORKS_STRESS=500`.
#[test]
fn nodes_come_back() {
    const THREADS: usize = 4;
    let most = Stack::<u64>::with_capacity(1000 + THREADS * IN_HAND).nodes();
    let stack = Stack::new();
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let stack = &stack;
            scope.spawn(move || {
                for round in 0..scaled(500_000) / 1000 {
                    // At most 250 of each thread are inside.
                    match (thread + round) % 3 {
                        0 => (0..250).for_each(|value| stack.push(value)),
                        1 => stack.push_many(0..250),
                        _ => (0..25).for_each(|value| stack.push_many(value..value + 10)),
                    }
                    match (thread + round) % 4 {
                        0 => assert_eq!(stack.pop_many(250).count(), 250),
                        _ => (0..250).for_each(|_| assert!(stack.pop().is_some())),
                    }
                    for value in 0..750 {
                        stack.push(value);
                        stack.pop();
                    }
                }
            });
        }
    });
    assert!(stack.is_empty());
    assert!(stack.nodes() <= most, "{} nodes, {most} are enough", stack.nodes());
}

/// One side only pushes, the other only pops: the nodes flow back through the depot.
#[test]
fn nodes_flow_from_consumers_to_producers() {
    const INSIDE: u64 = 500;
    let most = Stack::<u64>::with_capacity(1000 + 4 * IN_HAND).nodes();
    let (stack, inside, left) = (Stack::new(), AtomicU64::new(0), AtomicU64::new(scaled(200_000)));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while left.load(Relaxed) > 0 {
                    if inside.load(Relaxed) < INSIDE {
                        inside.fetch_add(1, Relaxed);
                        stack.push(0);
                    } else {
                        thread::yield_now();
                    }
                }
            });
            scope.spawn(|| {
                while left.load(Relaxed) > 0 {
                    if stack.pop().is_some() {
                        inside.fetch_sub(1, Relaxed);
                        let _ = left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
                    } else {
                        thread::yield_now();
                    }
                }
            });
        }
    });
    assert!(stack.nodes() <= most, "{} nodes, {most} are enough", stack.nodes());
}

/// Threads come and go, with the magazines that others had before.
#[test]
fn threads_that_come_and_go_leak_nothing() {
    let drops = Drops::new();
    let stack = Stack::new();
    // Four threads, and as many again that are about to end: a scope does not wait for destructors.
    let most = Stack::<u64>::with_capacity(4 * 34 + 8 * IN_HAND).nodes();
    for generation in 0..scaled(200) {
        thread::scope(|scope| {
            for thread in 0..4 {
                let (stack, drops) = (&stack, &drops);
                scope.spawn(move || {
                    for step in 0..100 {
                        match (generation + thread + step) % 3 {
                            0 => stack.push(drops.counted(())),
                            1 => drop(stack.pop()),
                            _ => drop(stack.take_all()),
                        }
                    }
                });
            }
        });
        drop(stack.take_all());
    }
    assert!(stack.nodes() <= most, "{} nodes, {most} are enough", stack.nodes());
    assert_eq!(drops.alive(), 0);
}

/// Some take all while others push chains: a chain is taken whole, and in its order.
#[test]
fn a_chain_is_taken_whole() {
    let stack = Arc::new(Stack::new());
    let (over, start) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(4)));
    let pushers: Vec<_> = (0..2)
        .map(|_| {
            let (stack, start) = (Arc::clone(&stack), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                (0..scaled(20_000)).for_each(|_| stack.push_many(0..5));
            })
        })
        .collect();
    let takers: Vec<_> = (0..2)
        .map(|_| {
            let (stack, over, start) = (Arc::clone(&stack), Arc::clone(&over), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let mut chains = 0;
                loop {
                    let last = over.load(Relaxed);
                    let values: Vec<u32> = stack.take_all().collect();
                    assert!(values.chunks(5).all(|chain| chain == [4, 3, 2, 1, 0]));
                    chains += values.len() as u64 / 5;
                    if last && values.is_empty() {
                        return chains;
                    }
                }
            })
        })
        .collect();
    for pusher in pushers {
        pusher.join().unwrap();
    }
    over.store(true, Relaxed);
    let chains: u64 = takers.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(chains, 2 * scaled(20_000));
}
