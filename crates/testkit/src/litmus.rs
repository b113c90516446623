//! Litmus tests under the axioms of C++20: all executions of a few accesses, also those in which a load is
//! delayed past a later store, which loom never shows.
//!
//! An execution says which store each load reads from and in which order the stores to each word come. It counts
//! if happens-before contradicts neither, and no exchange is parted. The axioms are those of Batty et al.,
//! "Mathematizing C++ Concurrency" (2011), with the release sequences of C++20 and without sequential
//! consistency, which nothing here uses. Unlike the stronger RC11 (Lahav et al., 2017) they do not order a load
//! before the stores behind it; processors of weak memory do not either.
//!
//! Each thread makes all of its accesses. What a program does only if it has read something is told by looking at
//! the executions where it has.

use Ordering::{AcqRel, Acquire, Release};
use std::collections::BTreeSet;

use lockfree_core::sync::Ordering;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// None for a fence.
    word: Option<&'static str>,
    reads: bool,
    writes: Option<u64>,
    ordering: Ordering,
}

/// A load.
pub const fn load(word: &'static str, ordering: Ordering) -> Access {
    Access { word: Some(word), reads: true, writes: None, ordering }
}

/// A store.
pub const fn store(word: &'static str, value: u64, ordering: Ordering) -> Access {
    Access { word: Some(word), reads: false, writes: Some(value), ordering }
}

/// An exchange, which reads what it replaces.
pub const fn swap(word: &'static str, value: u64, ordering: Ordering) -> Access {
    Access { word: Some(word), reads: true, writes: Some(value), ordering }
}

/// A fence.
pub const fn fence(ordering: Ordering) -> Access {
    Access { word: None, reads: false, writes: None, ordering }
}

/// What the loads and exchanges of `threads` read in each of their executions, thread by thread. All words are
/// zero first.
///
/// # Panics
/// There are more than 12 accesses: the executions are too many to look at each.
pub fn outcomes(threads: &[&[Access]]) -> BTreeSet<Vec<u64>> {
    let program = Program::new(threads);
    let mut found = BTreeSet::new();
    program.executions(&mut Vec::new(), &mut |sources| {
        let read = sources.iter().map(|source| program.value(*source));
        found.insert(read.collect());
    });
    found
}

/// The accesses of all threads, numbered through; the first ones set the words to zero.
struct Program {
    accesses: Vec<Access>,
    /// None sets a word to zero.
    threads: Vec<Option<usize>>,
    loads: Vec<usize>,
    words: Vec<Vec<usize>>,
}

/// Pairs of accesses.
#[derive(Clone)]
struct Relation(Vec<Vec<bool>>);

impl Program {
    fn new(threads: &[&[Access]]) -> Self {
        let of_threads =
            || threads.iter().enumerate().flat_map(|(t, own)| own.iter().map(move |a| (t, *a)));
        let names: BTreeSet<_> = of_threads().filter_map(|(_, access)| access.word).collect();
        let zeros = names.iter().map(|word| (None, store(word, 0, Ordering::Relaxed)));
        let all = zeros.chain(of_threads().map(|(thread, access)| (Some(thread), access)));
        let (threads, accesses): (Vec<_>, Vec<_>) = all.unzip();
        assert!(accesses.len() - names.len() <= 12, "too many accesses to look at each execution");
        let numbers = |wanted: &dyn Fn(&Access) -> bool| -> Vec<_> {
            (0..accesses.len()).filter(|&at| wanted(&accesses[at])).collect()
        };
        let loads = numbers(&|access| access.reads);
        let stores_to =
            |word| numbers(&|access| access.word == Some(word) && access.writes.is_some());
        let words = names.into_iter().map(stores_to).collect();
        Self { accesses, threads, loads, words }
    }

    fn value(&self, store: usize) -> u64 {
        self.accesses[store].writes.unwrap_or_default()
    }

    /// Calls `found` with the store that each load reads from, for all executions that count.
    fn executions(&self, sources: &mut Vec<usize>, found: &mut dyn FnMut(&[usize])) {
        let Some(&load) = self.loads.get(sources.len()) else {
            if self.orders(&mut Vec::new(), sources) {
                found(sources);
            }
            return;
        };
        let stores =
            self.words.iter().find(|stores| self.is_of(stores, load)).into_iter().flatten();
        for &store in stores.filter(|store| **store != load) {
            sources.push(store);
            self.executions(sources, found);
            sources.pop();
        }
    }

    fn is_of(&self, stores: &[usize], access: usize) -> bool {
        stores.first().is_some_and(|first| self.accesses[*first].word == self.accesses[access].word)
    }

    /// Whether there is an order of the stores to each word with which these sources are an execution.
    fn orders(&self, chosen: &mut Vec<Vec<usize>>, sources: &[usize]) -> bool {
        let Some(stores) = self.words.get(chosen.len()) else {
            return self.is_execution(chosen, sources);
        };
        // What sets it to zero comes first.
        permutations(stores, 1).into_iter().any(|order| {
            chosen.push(order);
            let is_one = self.orders(chosen, sources);
            chosen.pop();
            is_one
        })
    }

    fn is_execution(&self, orders: &[Vec<usize>], sources: &[usize]) -> bool {
        let source = |load| {
            let at = self.loads.iter().position(|own| *own == load)?;
            sources.get(at).copied()
        };
        let mut communication = Relation::new(self.accesses.len());
        for order in orders {
            for (place, &store) in order.iter().enumerate() {
                // An exchange reads what it replaces.
                if source(store).is_some_and(|read| place == 0 || order[place - 1] != read) {
                    return false;
                }
                order[place + 1..].iter().for_each(|later| communication.add(store, *later));
                for &load in self.loads.iter().filter(|load| source(**load) == Some(store)) {
                    communication.add(store, load);
                    let later = order[place + 1..].iter().filter(|later| **later != load);
                    later.for_each(|later| communication.add(load, *later));
                }
            }
        }
        communication.close();
        let mut before = self.program_order();
        self.synchronize(&mut before, &source);
        before.close();
        let all =
            || (0..self.accesses.len()).flat_map(|a| (0..self.accesses.len()).map(move |b| (a, b)));
        all().all(|(a, b)| !before.has(a, b) || (a != b && !communication.has(b, a)))
    }

    fn program_order(&self) -> Relation {
        let mut order = Relation::new(self.accesses.len());
        for later in 0..self.accesses.len() {
            for earlier in (0..later).filter(|at| self.is_before(*at, later)) {
                order.add(earlier, later);
            }
        }
        order
    }

    /// Whether the first comes before the second in its thread, or is there from the first.
    fn is_before(&self, earlier: usize, later: usize) -> bool {
        let (first, second) = (self.threads[earlier], self.threads[later]);
        second.is_some() && (first.is_none() || (first == second && earlier < later))
    }

    /// Adds what releases and acquires order.
    fn synchronize(&self, before: &mut Relation, source: &dyn Fn(usize) -> Option<usize>) {
        for &load in &self.loads {
            let mut read = source(load);
            // Along the exchanges of a release sequence.
            while let Some(store) = read {
                for release in
                    self.ends(store, &[Release, AcqRel], &|fence| self.is_before(fence, store))
                {
                    for acquire in
                        self.ends(load, &[Acquire, AcqRel], &|fence| self.is_before(load, fence))
                    {
                        before.add(release, acquire);
                    }
                }
                read = source(store);
            }
        }
    }

    /// The access itself, and the fences of its thread on its `side`, as far as they are of these orderings.
    fn ends(
        &self,
        access: usize,
        orderings: &[Ordering],
        side: &dyn Fn(usize) -> bool,
    ) -> Vec<usize> {
        let is_one = |at: usize| {
            let is_fence = self.accesses[at].word.is_none();
            orderings.contains(&self.accesses[at].ordering)
                && (at == access || (is_fence && side(at)))
        };
        (0..self.accesses.len()).filter(|at| is_one(*at)).collect()
    }
}

impl Relation {
    fn new(size: usize) -> Self {
        Self(vec![vec![false; size]; size])
    }

    fn add(&mut self, from: usize, to: usize) {
        self.0[from][to] = true;
    }

    fn has(&self, from: usize, to: usize) -> bool {
        self.0[from][to]
    }

    /// Makes it transitive.
    fn close(&mut self) {
        for middle in 0..self.0.len() {
            for from in 0..self.0.len() {
                if self.has(from, middle) {
                    let beyond = self.0[middle].clone();
                    self.0[from].iter_mut().zip(beyond).for_each(|(has, also)| *has |= also);
                }
            }
        }
    }
}

/// All orders of `items` in which the first `fixed` stay where they are.
fn permutations(items: &[usize], fixed: usize) -> Vec<Vec<usize>> {
    if fixed >= items.len() {
        return vec![items.to_vec()];
    }
    let swapped = (fixed..items.len()).map(|with| {
        let mut items = items.to_vec();
        items.swap(fixed, with);
        items
    });
    swapped.flat_map(|items| permutations(&items, fixed + 1)).collect()
}
