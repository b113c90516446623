//! Free nodes that a thread keeps at hand (Bonwick and Adams, *Magazines and Vmem*, 2001).
//!
//! # Invariants
//!
//! * M1: only the present owner of a slot touches its magazine, or who visits it while it has none; and
//!   neither runs code of a user meanwhile, nor an allocator. So there is one at a time.
//! * M2: `first`, unless it is `NONE`, and the first `count` of `words` are those of nodes that the
//!   magazine has.
//!
//! # Orderings
//!
//! No atomic access: a magazine passes on by the edge *hand-over* of [`lockfree_core::slots`].

use lockfree_core::sync::UnsafeCell;

use crate::{
    rules::MAGAZINE,
    state::{Link, NONE},
};

/// The magazine of a slot.
pub(crate) struct Magazine(UnsafeCell<Shelf>);

// SAFETY: M1.
unsafe impl Sync for Magazine {}

impl Default for Magazine {
    fn default() -> Self {
        Self(UnsafeCell::new(Shelf { first: NONE, count: 0, words: [NONE; MAGAZINE - 1] }))
    }
}

impl Magazine {
    /// Runs `f` with what is inside.
    ///
    /// # Safety
    /// The caller is the owner of the slot or visits it, and `f` calls neither the user nor an
    /// allocator (M1).
    #[inline(always)]
    pub(crate) unsafe fn with<R>(&self, f: impl FnOnce(&mut Shelf) -> R) -> R {
        // SAFETY: M1, promised by the caller.
        self.0.with_mut(|shelf| f(unsafe { &mut *shelf }))
    }
}

/// What is in a magazine: the last node in is the first one out.
pub(crate) struct Shelf {
    /// The last one in has a place of its own: a push after a pop finds its node in one load, not in
    /// two of which the second waits for the first.
    first: Link,
    count: usize,
    words: [Link; MAGAZINE - 1],
}

impl Shelf {
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<Link> {
        match core::mem::replace(&mut self.first, NONE) {
            NONE => self.pop_older(),
            first => Some(first),
        }
    }

    #[inline]
    fn pop_older(&mut self) -> Option<Link> {
        let last = self.count.checked_sub(1)?;
        self.count = last;
        self.words.get(last).copied()
    }

    /// Whether there was room among the first `most` places.
    #[inline(always)]
    pub(crate) fn push(&mut self, link: Link, most: usize) -> bool {
        if self.first != NONE {
            match self.words.get_mut(self.count) {
                Some(place) if self.count + 1 < most => {
                    *place = self.first;
                    self.count += 1;
                }
                _ => return false,
            }
        }
        self.first = link;
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{MAGAZINE, Magazine, NONE, Shelf};
    use crate::state::fresh;
    use alloc::vec::Vec;

    #[test]
    fn the_last_node_in_is_the_first_out_and_no_more_fit_than_may() {
        for most in [1, 2, MAGAZINE] {
            let mut shelf = Shelf { first: NONE, count: 0, words: [NONE; MAGAZINE - 1] };
            let links: Vec<_> = (1..).map_while(fresh).take(most).collect();
            for _ in 0..2 {
                assert_eq!(shelf.pop(), None);
                assert!(links.iter().all(|&link| shelf.push(link, most)));
                assert!(!shelf.push(links[0], most));
                assert!(core::iter::from_fn(|| shelf.pop()).eq(links.iter().rev().copied()));
            }
        }
        assert_eq!(size_of::<Magazine>().next_multiple_of(8), 256);
    }
}
