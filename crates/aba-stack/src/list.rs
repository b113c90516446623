//! A list of nodes with one head word: the stack itself, and the depot of free nodes. After Treiber
//! (*Systems Programming: Coping with Parallelism*, IBM RJ 5118, 1986).
//!
//! # State
//!
//! ```text
//! head ──> (number, tag) ──> (number, tag) ──> NONE
//! ```
//!
//! The tag is the node's: see [`state`](crate::state). A list is told by its user where a node's link
//! to the one below it is kept.
//!
//! # Invariants
//!
//! * L1: a word but `NONE` is put into one head by a push once, ever, in the life of the stack.
//! * L2: while a word is in a list, the link below it does not change.
//! * L3: a change of the head is a read-modify-write, but by who has the whole list for himself.
//!
//! So a head that holds the word that was read is *that* node in *that* stay, and all that lies below
//! it is as it was: an exchange that expects it cannot be misled (ABA).
//!
//! # Progress and linearization
//!
//! * `push`, `pop`: lock-free: an exchange fails only if another thread's succeeded. Linearize at the
//!   exchange; a pop that finds nothing, at its load; a push that is refused, at its second look.
//! * `take_all`: wait-free, one access, where it linearizes.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | link | the exchange in `push` | the loads in `pop` and `push`, the swap in `take_all` | the node: its value, its links, and that it was given up | `link_shows_the_value_to_a_pop`, `link_shows_the_values_to_take_all`, `link_gives_nodes_back_through_the_depot`, `link_shows_the_height_to_a_push` |
//!
//! By L3 a head holds what some push released, whoever wrote it last: the edge comes from each push
//! whose node is in the list.

use lockfree_core::{
    Backoff, CachePadded, const_unless_loom,
    sync::Ordering::{Acquire, Relaxed, Release},
};

use crate::state::{AtomicLink, Link, NONE};

/// A list of nodes, on a cache line of its own.
pub(crate) struct List {
    head: CachePadded<AtomicLink>,
}

/// Whether a push goes on, having looked at the head.
pub(crate) enum Verdict {
    Goes,
    Refused,
}

impl List {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { head: CachePadded::new(AtomicLink::new(NONE)) }
        }
    }

    /// Puts `top`, and what hangs on it, on the list; false if that is refused.
    ///
    /// Before each attempt `lay` is told what is to lie beneath: it writes that into the nodes, or
    /// refuses.
    #[inline(always)]
    pub(crate) fn push(&self, top: Link, mut lay: impl FnMut(Link) -> Verdict) -> bool {
        let backoff = Backoff::new();
        loop {
            // Acquire [link]: pairs with the exchange that put this node here: `lay` looks at it.
            let seen = self.head.load(Acquire);
            match lay(seen) {
                // Relaxed: what `lay` has seen was so while this word stood there (L1).
                Verdict::Refused if self.head.load(Relaxed) == seen => return false,
                Verdict::Refused => {}
                Verdict::Goes => {
                    // Release [link]: what was written to the nodes is visible to who takes them.
                    // Relaxed: it looks again.
                    match self.head.compare_exchange_weak(seen, top, Release, Relaxed) {
                        Ok(_) => return true,
                        Err(_) => backoff.spin(),
                    }
                }
            }
        }
    }

    /// Takes the first node, or as many as `rest` says: it is given the first one and returns the first
    /// one that stays.
    #[inline(always)]
    pub(crate) fn pop(&self, mut rest: impl FnMut(Link) -> Link) -> Option<Link> {
        let backoff = Backoff::new();
        loop {
            // Acquire [link]: pairs with the exchanges that put this node and those below it here.
            let seen = self.head.load(Acquire);
            if seen == NONE {
                return None;
            }
            // Relaxed: the load has shown us the nodes, and by L1 it is they that we take; who gets
            // one of them from us gets it by a push.
            match self.head.compare_exchange_weak(seen, rest(seen), Relaxed, Relaxed) {
                Ok(_) => return Some(seen),
                Err(_) => backoff.spin(),
            }
        }
    }

    /// Takes all nodes.
    #[inline]
    pub(crate) fn take_all(&self) -> Link {
        // Acquire [link]: pairs with the exchanges that put these nodes here.
        self.head.swap(NONE, Acquire)
    }

    /// The first node, at some moment.
    #[inline]
    pub(crate) fn first(&self) -> Link {
        // Acquire [link]: pairs with the exchange that put this node here.
        self.head.load(Acquire)
    }

    /// The first node, by who has the list for himself.
    #[inline]
    pub(crate) fn first_mut(&mut self) -> Link {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        self.head.load(Relaxed)
    }

    /// Makes `link` the first node, by who has the list for himself.
    #[inline]
    pub(crate) fn set_first(&mut self, link: Link) {
        // Relaxed: exclusive access; whoever we give it to will have ordered the rest.
        self.head.store(link, Relaxed);
    }
}
