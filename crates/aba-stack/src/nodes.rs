//! Free nodes: where a push gets one, and where a pop leaves it.
//!
//! # State
//!
//! ```text
//! magazines   of each thread slot: up to 31 free nodes        no locked instruction
//! depot       a list of bundles, chains of up to 16 of them   one exchange a bundle
//! arena       nodes that were never used                      one exchange for up to 16
//! ```
//!
//! A thread takes from the first of these that has any, and a full magazine gives a bundle to the
//! depot: so nodes flow from those who pop to those who push. A thread without a slot uses the depot
//! for each node.
//!
//! Before a new level is made the magazines of the slots that no thread has are emptied into the
//! depot, so that threads that have ended keep nothing from those who need it.
//!
//! # Invariants
//!
//! A2 of the [arena](crate::arena), L1 of the [list](crate::list) and M1 of the
//! [magazine](crate::magazine).
//!
//! # Progress and linearization
//!
//! * `acquire`, `release`: from and to a magazine wait-free; else lock-free by the depot's and the
//!   arena's exchanges, but for the allocator.
//!
//! # Orderings
//!
//! Links within a bundle are Relaxed: the depot's `link` shows them.

use core::marker::PhantomData;

use lockfree_core::{const_unless_loom, sync::Ordering::Relaxed};

#[cfg(feature = "std")]
use lockfree_core::slots::{self, PerSlot};

#[cfg(feature = "std")]
use crate::magazine::Magazine;
use crate::{
    arena::{Arena, Node},
    list::{List, Verdict},
    rules::Rules,
    state::{Link, NONE, fresh, relinked},
};

/// The nodes of a stack, and which of them are free.
pub(crate) struct Nodes<T, R> {
    arena: Arena<T>,
    depot: List,
    #[cfg(feature = "std")]
    magazines: PerSlot<Magazine>,
    rules: PhantomData<fn() -> R>,
}

impl<T, R> Nodes<T, R> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self {
                arena: Arena::new(),
                depot: List::new(),
                #[cfg(feature = "std")]
                magazines: PerSlot::new(),
                rules: PhantomData,
            }
        }
    }
}

impl<T, R: Rules> Nodes<T, R> {
    /// Nodes that travel between a magazine and the depot together. Without magazines each goes alone:
    /// those that came with it would be linked anew each time.
    const BUNDLE: usize = if cfg!(feature = "std") { R::MAGAZINE.div_ceil(2) } else { 1 };

    /// The node of a word that was given out.
    #[inline(always)]
    pub(crate) fn node(&self, link: Link) -> &Node<T> {
        self.arena.node(link)
    }

    /// As [`Arena::get`].
    #[inline]
    pub(crate) fn get(&self, link: Link) -> Option<&Node<T>> {
        self.arena.get(link)
    }

    /// For how many nodes there is memory.
    pub(crate) fn count(&self) -> usize {
        self.arena.nodes()
    }

    pub(crate) fn reserve(&self, additional: u32) {
        self.arena.reserve(additional);
    }

    /// A free node, under the word to link it by; none if there are no more.
    #[inline]
    pub(crate) fn acquire(&self) -> Option<Link> {
        match self.take_cached().and_then(relinked::<R>) {
            Some(link) => Some(link),
            None => self.acquire_from_others(),
        }
    }

    /// Gives up a node that the caller has, by the word that it was last linked by.
    #[inline]
    pub(crate) fn release(&self, link: Link) {
        if !self.keep(link) {
            self.release_to_others(link);
        }
    }

    #[cold]
    #[inline(never)]
    fn acquire_from_others(&self) -> Option<Link> {
        loop {
            let free = self.take_cached().or_else(|| self.take_bundle());
            let link = free.or_else(|| self.reclaim()).or_else(|| self.take_fresh())?;
            // Else its tags are used up: it is retired.
            if let Some(link) = relinked::<R>(link) {
                return Some(link);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn release_to_others(&self, link: Link) {
        let mut bundle = Bundle::new(self);
        #[cfg(feature = "std")]
        self.with_magazine(|shelf| {
            (0..Self::BUNDLE).filter_map(|_| shelf.pop()).for_each(|link| bundle.add(link));
        });
        if !self.keep(link) {
            bundle.add(link);
        }
        bundle.give();
    }

    /// The first node of a bundle; the others go into the magazine.
    fn take_bundle(&self) -> Option<Link> {
        // Relaxed: the depot's `link` has shown it.
        let first = self.depot.pop(|first| self.node(first).beneath.load(Relaxed))?;
        // Relaxed: as above.
        let mut next = self.node(first).next.load(Relaxed);
        self.stock(core::iter::from_fn(|| {
            let link = (next != NONE).then_some(next)?;
            // Relaxed: as above.
            next = self.node(link).next.load(Relaxed);
            Some(link)
        }));
        Some(first)
    }

    /// The first of some nodes that were never used; the others go into the magazine.
    fn take_fresh(&self) -> Option<Link> {
        #[expect(clippy::cast_possible_truncation, reason = "a bundle has 16 nodes")]
        let mut links = self.arena.issue(Self::BUNDLE as u32)?.filter_map(fresh);
        let first = links.next();
        self.stock(links);
        first
    }

    /// Puts nodes of the caller into the magazine; what finds no room goes to the depot.
    fn stock(&self, links: impl Iterator<Item = Link>) {
        let mut rest = Bundle::new(self);
        for link in links {
            if !self.keep(link) {
                rest.add(link);
            }
        }
        rest.give();
    }
}

#[cfg(feature = "std")]
impl<T, R: Rules> Nodes<T, R> {
    /// Runs `f` with what is in the magazine of this thread, if it has one. `f` calls neither the user
    /// nor an allocator.
    #[inline(always)]
    fn with_magazine<O>(&self, f: impl FnOnce(&mut crate::magazine::Shelf) -> O) -> Option<O> {
        if R::MAGAZINE == 0 {
            return None;
        }
        slots::with(|slot| {
            let magazine = self.magazines.get(slot?);
            // SAFETY: M1: the slot is this thread's.
            Some(unsafe { magazine.with(f) })
        })
    }

    #[inline(always)]
    fn take_cached(&self) -> Option<Link> {
        self.with_magazine(crate::magazine::Shelf::pop)?
    }

    #[inline(always)]
    fn keep(&self, link: Link) -> bool {
        self.with_magazine(|shelf| shelf.push(link, R::MAGAZINE)).unwrap_or(false)
    }

    /// A node that an ended thread has left in its magazine, where the arena would have to grow. All
    /// that such threads have left goes to the depot.
    fn reclaim(&self) -> Option<Link> {
        if R::MAGAZINE == 0 || self.arena.has_room() {
            return None;
        }
        slots::visit_idle(&self.magazines, |magazine| {
            let mut bundle = Bundle::new(self);
            // SAFETY: M1: the slot is visited.
            unsafe {
                magazine.with(|shelf| {
                    core::iter::from_fn(|| shelf.pop()).for_each(|link| bundle.add(link));
                });
            }
            bundle.give();
        });
        self.take_bundle()
    }
}

#[cfg(not(feature = "std"))]
impl<T, R: Rules> Nodes<T, R> {
    /// Without thread slots there are no magazines.
    #[expect(clippy::unused_self, reason = "as where there are magazines")]
    fn take_cached(&self) -> Option<Link> {
        None
    }

    #[expect(clippy::unused_self, reason = "as where there are magazines")]
    fn keep(&self, _: Link) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "as where there are magazines")]
    fn reclaim(&self) -> Option<Link> {
        None
    }
}

/// Free nodes in a chain, on their way to the depot.
struct Bundle<'n, T, R> {
    nodes: &'n Nodes<T, R>,
    top: Link,
}

impl<'n, T, R: Rules> Bundle<'n, T, R> {
    fn new(nodes: &'n Nodes<T, R>) -> Self {
        Self { nodes, top: NONE }
    }

    /// Adds a node of the caller, unless its tags are used up: then it is retired.
    fn add(&mut self, link: Link) {
        if let Some(link) = relinked::<R>(link) {
            // Relaxed: the depot's `link` publishes it.
            self.nodes.node(link).next.store(self.top, Relaxed);
            self.top = link;
        }
    }

    fn give(self) {
        if self.top == NONE {
            return;
        }
        let first = self.nodes.node(self.top);
        self.nodes.depot.push(self.top, |beneath| {
            // Relaxed: the depot's `link` publishes it.
            first.beneath.store(beneath, Relaxed);
            Verdict::Goes
        });
    }
}
