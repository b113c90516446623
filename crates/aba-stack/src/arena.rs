//! Where the nodes are: they are made by levels, and freed with the stack.
//!
//! # State
//!
//! ```text
//! node     next      what lies below it in its list or chain
//!          beneath   of a bundle's first node in the depot: the next bundle
//!          height    in a stack with a bound: how many lie from here to the bottom
//!          value     while it is in a stack or a chain
//! issued   how many nodes were given out, by number
//! ```
//!
//! # Invariants
//!
//! * A1: the level of each node that was given out exists.
//! * A2: each node that was given out is at any moment in one list, in one chain or magazine, in one
//!   thread's hands, or retired. Only who has it, outside of a list, writes it or touches its value.
//! * A3: the words in `next` and `beneath` are `NONE` or name nodes that were given out.
//!
//! # Progress and linearization
//!
//! * `node`: wait-free, one access, to the place of the level.
//! * `issue`: lock-free, a compare-exchange; `reserve`: wait-free but for the allocator.
//!
//! # Orderings
//!
//! No edge of its own: levels appear by the edge *segment* of [`lockfree_core::segments`].

use core::{mem::MaybeUninit, num::NonZeroU32, ops::Range};

use lockfree_core::{
    CachePadded, const_unless_loom,
    segments::{Place, Segments},
    sync::{AtomicU32, Ordering::Relaxed, UnsafeCell},
};

use crate::state::{AtomicLink, LEVELS, Link, MOST_NODES, NONE, next_numbers, place};

/// A value's place, on a cache line of its own.
#[repr(align(64))]
pub(crate) struct Node<T> {
    pub(crate) next: AtomicLink,
    pub(crate) beneath: AtomicLink,
    pub(crate) height: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: A2: the value is touched by one thread at a time; it moves from one to another.
unsafe impl<T: Send> Sync for Node<T> {}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self {
            next: AtomicLink::new(NONE),
            beneath: AtomicLink::new(NONE),
            height: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

impl<T> Node<T> {
    /// # Safety
    /// The caller has the node, and there is no value in it (A2).
    #[inline(always)]
    pub(crate) unsafe fn put(&self, value: T) {
        // SAFETY: A2, promised by the caller.
        self.value.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
    }

    /// # Safety
    /// The caller has the node with a value, which is in it no more afterwards (A2).
    #[inline(always)]
    pub(crate) unsafe fn take(&self) -> T {
        // SAFETY: A2, promised by the caller.
        self.value.with(|place| unsafe { place.cast::<T>().read() })
    }

    /// # Safety
    /// The caller has the node with a value, for `'v` (A2).
    pub(crate) unsafe fn value_mut<'v>(&self) -> &'v mut T {
        // SAFETY: A2, promised by the caller.
        self.value.with_mut(|place| unsafe { &mut *place.cast::<T>() })
    }
}

/// The nodes of a stack.
pub(crate) struct Arena<T> {
    levels: Segments<Node<T>, LEVELS>,
    issued: CachePadded<AtomicU32>,
}

impl<T> Arena<T> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { levels: Segments::new(), issued: CachePadded::new(AtomicU32::new(0)) }
        }
    }

    /// The node of this word, which was given out to the caller or passed to him by an edge of a list.
    #[inline(always)]
    pub(crate) fn node(&self, link: Link) -> &Node<T> {
        debug_assert!(place(link).is_some(), "{link:?} is no node");
        // SAFETY: A1, A3: the word is that of a node.
        let place = unsafe { place(link).unwrap_unchecked() };
        // SAFETY: A1: the level was made before the word was first given out, and the caller has it by
        // an edge from there.
        unsafe { self.levels.get_unchecked(place) }
    }

    /// The node of a word that was read from a node that somebody else may have by now.
    #[inline]
    pub(crate) fn get(&self, link: Link) -> Option<&Node<T>> {
        self.levels.get(place(link)?)
    }

    /// Gives out up to `most` nodes, at least one, by their numbers; none if there are no more.
    pub(crate) fn issue(&self, most: u32) -> Option<Range<u32>> {
        // Relaxed: a guess, which the exchange checks.
        let mut issued = self.issued.load(Relaxed);
        loop {
            let numbers = next_numbers(issued, most)?;
            self.make(numbers.start);
            // Relaxed: gives out numbers; their level is made, and whoever gets a word that names
            // one of them gets it by an edge of the list.
            match self.issued.compare_exchange_weak(issued, numbers.end - 1, Relaxed, Relaxed) {
                Ok(_) => return Some(numbers),
                Err(now) => issued = now,
            }
        }
    }

    /// Whether the next number to be given out lies in a level that exists.
    #[cfg(feature = "std")]
    pub(crate) fn has_room(&self) -> bool {
        // Relaxed: a guess, on which nothing but memory depends.
        let issued = self.issued.load(Relaxed);
        let place = NonZeroU32::new(issued + 1).and_then(Place::of);
        place.is_some_and(|place| self.levels.get(place).is_some())
    }

    /// Makes the levels of the next `additional` numbers.
    pub(crate) fn reserve(&self, additional: u32) {
        if additional == 0 {
            return;
        }
        // Relaxed: a guess, on which nothing but memory depends.
        let issued = self.issued.load(Relaxed);
        let last = issued.saturating_add(additional).min(MOST_NODES);
        let mut number = issued + 1;
        while number <= last {
            self.make(number);
            number = 2 << number.ilog2();
        }
    }

    /// For how many nodes there is memory.
    pub(crate) fn nodes(&self) -> usize {
        self.levels.iter().count()
    }

    fn make(&self, number: u32) {
        if let Some(place) = NonZeroU32::new(number).and_then(Place::of) {
            self.levels.get_or_grow(place);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Node;

    #[test]
    fn a_node_has_a_line_for_itself_and_forty_bytes() {
        assert_eq!((size_of::<Node<()>>(), align_of::<Node<()>>()), (64, 64));
        assert_eq!((size_of::<Node<[u64; 5]>>(), size_of::<Node<[u64; 6]>>()), (64, 128));
    }
}
