//! Where a thread last found something, in each of the pools that it used last.
//!
//! Hints are the thread's own: neither reading nor writing one is an access that threads share. A
//! wrong one costs a search, and nothing else.

use core::cell::Cell;

use lockfree_core::{
    global, per_thread,
    sync::{AtomicUsize, Ordering::Relaxed},
};

/// Hints that a thread keeps. Pools built one after the other have different places among them.
const PLACES: usize = 8;

#[derive(Clone, Copy)]
struct Hint {
    pool: usize,
    index: usize,
}

per_thread! {
    static HINTS: [Cell<Hint>; PLACES] =
        [const { Cell::new(Hint { pool: 0, index: usize::MAX }) }; PLACES];
}

global! {
    fn pools() -> AtomicUsize = AtomicUsize::new(0);
}

/// A number for a pool, by which its hints are found. Two have the same only if one wraps around to
/// it, and then a hint may be the other's.
pub(crate) fn number_of_a_new_pool() -> usize {
    // Relaxed: a number, which publishes nothing.
    pools().fetch_add(1, Relaxed).wrapping_add(1)
}

/// The slot of this pool where the thread found something last; an index that no pool has, if there
/// is none.
#[inline]
pub(crate) fn get(pool: usize) -> usize {
    let hint = HINTS.try_with(|hints| hints[pool % PLACES].get());
    hint.ok().filter(|hint| hint.pool == pool).map_or(usize::MAX, |hint| hint.index)
}

pub(crate) fn set(pool: usize, index: usize) {
    // A thread that is past its thread-locals goes without.
    let _ = HINTS.try_with(|hints| hints[pool % PLACES].set(Hint { pool, index }));
}
