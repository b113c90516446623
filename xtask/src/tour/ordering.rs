//! Publication by release and acquire, and the compare-and-swap loop.

use core::{
    hint,
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use super::{
    scene::Scene,
    team::{contenders, together},
};
use crate::term::grouped;

const ROUNDS: usize = 1_000_000;
const ADDITIONS: u64 = 5_000_000;

pub(super) fn run(scene: &mut Scene) {
    publication(scene);
    compare_and_swap(scene);
}

/// A writer stores 42 and raises a flag; a reader that sees the flag must see 42.
fn publication(scene: &mut Scene) {
    scene.program("publication by release and acquire");
    let rooms: Vec<_> = (0..ROUNDS).map(|_| (AtomicU64::new(0), AtomicBool::new(false))).collect();
    let missed = AtomicU64::new(0);
    let elapsed = together(2, |thread| {
        for (data, ready) in &rooms {
            if thread == 0 {
                data.store(42, Relaxed);
                // Release: whoever sees the flag sees 42.
                ready.store(true, Release);
            } else {
                // Acquire: pairs with the flag of the writer.
                while !ready.load(Acquire) {
                    hint::spin_loop();
                }
                missed.fetch_add(u64::from(data.load(Relaxed) != 42), Relaxed);
            }
        }
    });
    scene.rate("release and acquire", ROUNDS as u64, elapsed);
    let rounds = grouped(ROUNDS as u64);
    scene.check(&format!("in {rounds} rounds the reader saw 42"), missed.into_inner() == 0);
}

/// 42 is added to 100 by compare-and-swap: alone, and with others.
fn compare_and_swap(scene: &mut Scene) {
    scene.program("compare-and-swap adds 42 to 100");
    let word = AtomicU64::new(100);
    let retries = add(&word, 42);
    let sum = word.load(Relaxed);
    scene.tell(&format!("alone: 100 + 42 = {sum} after {retries} retries"));
    scene.check("the sum is 142", sum == 142);

    let threads = contenders() as u64;
    let (word, retries) = (AtomicU64::new(100), AtomicU64::new(0));
    let by_loop = together(contenders(), |_| {
        let mine: u64 = (0..ADDITIONS).map(|_| add(&word, 42)).sum();
        retries.fetch_add(mine, Relaxed);
    });
    let sum = AtomicU64::new(100);
    let elapsed = together(contenders(), |_| {
        for _ in 0..ADDITIONS {
            sum.fetch_add(42, Relaxed);
        }
    });
    scene.rate("fetch_add", threads * ADDITIONS, elapsed);
    scene.rate("compare-and-swap loop", threads * ADDITIONS, by_loop);
    let retries = grouped(retries.into_inner());
    scene.tell(&format!("{threads} threads: {retries} retries; fetch_add never retries"));
    let expected = 100 + 42 * threads * ADDITIONS;
    scene.check(
        "no addition is lost",
        word.into_inner() == expected && sum.into_inner() == expected,
    );
}

/// Adds by a compare-and-swap loop and returns how often it had to try again.
fn add(word: &AtomicU64, n: u64) -> u64 {
    let mut retries = 0;
    let mut seen = word.load(Relaxed);
    while let Err(other) = word.compare_exchange_weak(seen, seen + n, Relaxed, Relaxed) {
        seen = other;
        retries += 1;
    }
    retries
}
