//! Ten producers and five consumers over one stack, and what its tags are for.

use core::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::{
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use aba_stack::{
    Stack,
    rules::{Rules, Sound},
};
use lockfree_core::Backoff;

use super::{
    scene::Scene,
    team::{contenders, pin, together},
};
use crate::term::grouped;

const PRODUCERS: u64 = 10;
const CONSUMERS: u64 = 5;
const EACH: u64 = 100;
/// Pairs of push and pop of each thread where time is taken.
const PAIRS: u64 = 3_000_000;
/// Pushes that each of two threads hands to a third one.
const HANDED: u64 = 500_000;

pub(super) fn run(scene: &mut Scene) {
    reference(scene);
    pairs(scene);
    collect(scene);
    comes_back(scene);
}

fn reference(scene: &mut Scene) {
    scene.program("10 producers with 100 values each, 5 consumers with 200 each");
    let stack = Stack::new();
    let each = PRODUCERS * EACH / CONSUMERS;
    let received: Vec<Vec<u64>> = thread::scope(|scope| {
        let stack = &stack;
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                (0..EACH).for_each(|n| stack.push(producer * EACH + n));
            });
        }
        let consumers: Vec<_> = (0..CONSUMERS)
            .map(|_| scope.spawn(move || (0..each).map(|_| poll(|| stack.pop())).collect()))
            .collect();
        let received = consumers.into_iter().map(thread::ScopedJoinHandle::join);
        received.map(|values| values.expect("a program of the tour does not panic")).collect()
    });
    let mut text = String::from("the consumers got");
    for (i, values) in received.iter().enumerate() {
        let sum: u64 = values.iter().sum();
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, "{comma} {} (sum {})", values.len(), grouped(sum));
    }
    scene.tell(&text);
    let mut all = received.concat();
    let sum: u64 = all.iter().sum();
    scene.tell(&format!("the sum of all is {}", grouped(sum)));
    scene.check("the sum is that of the values pushed", sum == (0..PRODUCERS * EACH).sum::<u64>());
    all.sort_unstable();
    scene.check("each value came to one consumer, once", all.into_iter().eq(0..PRODUCERS * EACH));
    scene.check("nothing is left", stack.is_empty());
}

/// Tries until there is something.
fn poll(mut pop: impl FnMut() -> Option<u64>) -> u64 {
    let backoff = Backoff::new();
    loop {
        match pop() {
            Some(value) => return value,
            None => backoff.snooze(),
        }
    }
}

fn pairs(scene: &mut Scene) {
    let threads = contenders();
    scene.program(&format!("pairs of push and pop, {threads} threads on one stack"));
    let total = threads as u64 * PAIRS;
    let stack = Stack::new();
    let (elapsed, ours) = pairs_of(threads, |value| stack.push(value), || stack.pop());
    scene.rate("Stack", total, elapsed);
    let nodes = stack.nodes();

    let vec = Mutex::new(Vec::new());
    let lock = || vec.lock().unwrap_or_else(PoisonError::into_inner);
    let (elapsed, mutex) = pairs_of(threads, |value| lock().push(value), || lock().pop());
    scene.rate("mutex and Vec", total, elapsed);
    scene.check("what was popped is what was pushed", ours && mutex);
    scene.tell(&format!("{} pairs took {} nodes", grouped(total), grouped(nodes as u64)));
    // The most in use: a value of each thread, and what each may keep.
    scene.check("nodes are used again", nodes <= 2 * threads * (1 + 2 * Sound::MAGAZINE) + 1);
}

/// The time, and whether all came out.
fn pairs_of(
    threads: usize,
    push: impl Fn(u64) + Sync,
    pop: impl Fn() -> Option<u64> + Sync,
) -> (Duration, bool) {
    let difference = AtomicU64::new(0);
    let elapsed = together(threads, |_| {
        let sum = (0..PAIRS).fold(0_u64, |sum, value| {
            push(value);
            sum.wrapping_add(value).wrapping_sub(pop().unwrap_or_default())
        });
        // Relaxed: read after all threads were joined.
        difference.fetch_add(sum, Relaxed);
    });
    (elapsed, difference.into_inner() == 0)
}

/// Many hand in, one collects.
fn collect(scene: &mut Scene) {
    scene.program("two threads push, one takes all there is");
    let stack = Stack::new();
    let mut values = Vec::new();
    let mut steps = 0_u64;
    let started = Instant::now();
    thread::scope(|scope| {
        for pusher in 0..2 {
            let stack = &stack;
            scope.spawn(move || {
                pin(pusher);
                (0..HANDED).for_each(|n| stack.push(2 * n + pusher as u64));
            });
        }
        while values.len() < 2 * usize::try_from(HANDED).unwrap_or(usize::MAX) {
            let before = values.len();
            values.extend(stack.take_all());
            steps += u64::from(values.len() > before);
            thread::yield_now();
        }
    });
    scene.rate("Stack", 2 * HANDED, started.elapsed());
    scene.tell(&format!("taken in {} steps", grouped(steps)));
    values.sort_unstable();
    scene.check("each value was taken once", values.into_iter().eq(0..2 * HANDED));
}

/// Nodes good for a few links, so that their tags end while one looks.
struct ShortTags;

// SAFETY: tags advance, and end soon.
unsafe impl Rules for ShortTags {
    const LAST_TAG: u64 = 1_000;
}

fn comes_back(scene: &mut Scene) {
    scene.program("a tag that is used up");
    let threads = contenders();
    let stack = Stack::<u64, ShortTags>::with_rules();
    let links = 200_000;
    let difference = AtomicU64::new(0);
    together(threads, |_| {
        let sum = (0..links).fold(0_u64, |sum, value| {
            stack.push(value);
            sum.wrapping_add(value).wrapping_sub(stack.pop().unwrap_or_default())
        });
        // Relaxed: read after all threads were joined.
        difference.fetch_add(sum, Relaxed);
    });
    let (links, nodes) = (threads as u64 * links, stack.nodes() as u64);
    scene.tell(&format!(
        "nodes good for 1,000 links each, {} links: memory for {} nodes",
        grouped(links),
        grouped(nodes)
    ));
    scene.check("nothing is lost or doubled", difference.into_inner() == 0 && stack.is_empty());
    scene.check("a node is retired with its tags", nodes >= links / 1_000);
}
