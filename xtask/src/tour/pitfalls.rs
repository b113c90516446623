//! What goes wrong: two words on one line, and a word that comes back.
//!
//! Atomic and plain access to the same word, the third of the classical pitfalls, cannot be written
//! in safe Rust.

use core::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use lockfree_core::{AtomicTaggedIndex, CachePadded, TaggedIndex};

use super::{scene::Scene, team::together};

const EACH: u64 = 20_000_000;

pub(super) fn run(scene: &mut Scene) {
    false_sharing(scene);
    aba(scene);
}

/// Two counters on one cache line, wherever lines of up to 128 bytes begin.
#[derive(Default)]
#[repr(align(128))]
struct OneLine([AtomicU64; 2]);

fn false_sharing(scene: &mut Scene) {
    scene.program("two threads, a counter each");
    let padded: [CachePadded<AtomicU64>; 2] = Default::default();
    let elapsed = count([&padded[0], &padded[1]]);
    scene.rate("padded", 2 * EACH, elapsed);
    let OneLine(adjacent) = OneLine::default();
    let elapsed = count([&adjacent[0], &adjacent[1]]);
    scene.rate("on one line", 2 * EACH, elapsed);
    let all = [&*padded[0], &*padded[1], &adjacent[0], &adjacent[1]];
    scene
        .check("every counter has its increments", all.iter().all(|one| one.load(Relaxed) == EACH));
}

fn count(counters: [&AtomicU64; 2]) -> Duration {
    together(2, |thread| {
        for _ in 0..EACH {
            counters[thread].fetch_add(1, Relaxed);
        }
    })
}

/// The steps that a stack must survive, with and without a version in its head.
fn aba(scene: &mut Scene) {
    scene.program("a head that comes back (ABA)");
    scene
        .tell("one thread reads head 1 and its next, 2; another pops both, keeps 2, pushes 1 back");
    let bare = scripted(false);
    scene.tell(&format!("without a version the first one's exchange {bare}"));
    scene.check("the bare word is fooled", bare == Outcome::HandsOutTwice);
    let versioned = scripted(true);
    scene.tell(&format!("with a version it {versioned}"));
    scene.check("the versioned word is not", versioned == Outcome::Fails);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Fails,
    HandsOutTwice,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fails => "fails, and it looks again",
            Self::HandsOutTwice => "succeeds: node 2 is in use and on the stack",
        })
    }
}

/// The interleaving of two threads, step by step on one.
fn scripted(versioned: bool) -> Outcome {
    // Node 1 on node 2 on node 3; 0 is none.
    let mut stack = Stack {
        head: AtomicTaggedIndex::new(TaggedIndex::new(1, 0)),
        next: [0, 2, 3, 0],
        versioned,
    };
    let seen = stack.head.load(Relaxed);
    let next = stack.next[1];
    stack.pop();
    stack.pop();
    stack.push(1);
    match stack.exchange(seen, next) {
        Ok(_) => Outcome::HandsOutTwice,
        Err(_) => Outcome::Fails,
    }
}

struct Stack {
    head: AtomicTaggedIndex,
    next: [u32; 4],
    versioned: bool,
}

impl Stack {
    fn exchange(&self, seen: TaggedIndex, to: u32) -> Result<TaggedIndex, TaggedIndex> {
        let new = if self.versioned { seen.advance_wrapping(to) } else { TaggedIndex::new(to, 0) };
        self.head.compare_exchange(seen, new, Relaxed, Relaxed)
    }

    fn pop(&self) {
        let seen = self.head.load(Relaxed);
        let popped = self.exchange(seen, self.next[seen.index() as usize]);
        assert_eq!(popped, Ok(seen), "nobody is in between");
    }

    fn push(&mut self, node: u32) {
        let seen = self.head.load(Relaxed);
        self.next[node as usize] = seen.index();
        assert_eq!(self.exchange(seen, node), Ok(seen), "nobody is in between");
    }
}
