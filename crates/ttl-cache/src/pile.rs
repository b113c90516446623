//! A pile: whoever takes, takes everything (Treiber's stack without its pop, and so without ABA).
//!
//! # State
//!
//! `top` points to the last item laid down, each item to the one below.
//!
//! # Invariants
//!
//! * I1: what can be reached from `top` belongs to the pile, and is not changed; what was taken
//!   belongs to the taker.
//!
//! # Progress and linearization
//!
//! `lay` is lock-free and linearizes at its exchange; `take` is wait-free, one access.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | pile | the exchange in `lay` | the swap in `take` | the item | `pile_shows_what_was_laid_down` |

use core::{marker::PhantomData, ptr};

use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

/// Items that many threads lay down and one takes, all at once.
pub(crate) struct Pile<T> {
    top: AtomicPtr<Node<T>>,
    owns: PhantomData<T>,
}

struct Node<T> {
    item: T,
    below: *mut Node<T>,
}

// SAFETY: I1: items move from one thread to another; nobody shares them.
unsafe impl<T: Send> Send for Pile<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Pile<T> {}

impl<T> Pile<T> {
    pub(crate) fn new() -> Self {
        Self { top: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
    }

    pub(crate) fn lay(&self, item: T) {
        let node = Box::into_raw(Box::new(Node { item, below: ptr::null_mut() }));
        // Relaxed: the exchange checks it, and what lies below is not looked at.
        let mut below = self.top.load(Relaxed);
        loop {
            // SAFETY: I1: the node is not in the pile yet.
            unsafe { (*node).below = below };
            // Release [pile]: the item is visible to who takes it.
            // Relaxed: as the load above.
            match self.top.compare_exchange_weak(below, node, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => below = now,
            }
        }
    }

    /// All there is, the last first.
    pub(crate) fn take(&self) -> Taken<T> {
        // Relaxed: whether it is worth an exchange.
        if self.top.load(Relaxed).is_null() {
            return Taken { top: ptr::null_mut() };
        }
        // Acquire [pile]: pairs with each `lay` whose item is taken: later ones are read-modify-writes.
        Taken { top: self.top.swap(ptr::null_mut(), Acquire) }
    }
}

impl<T> Drop for Pile<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// What was taken.
pub(crate) struct Taken<T> {
    top: *mut Node<T>,
}

impl<T> Iterator for Taken<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.top.is_null() {
            return None;
        }
        let Node { item, below } = if cfg!(loom) {
            // Its memory is leaked: whether the allocator gives an address again must not decide what a
            // model sees.
            // SAFETY: I1: it was taken out of the pile whole.
            unsafe { self.top.read() }
        } else {
            // SAFETY: as above; and it came out of a box.
            *unsafe { Box::from_raw(self.top) }
        };
        self.top = below;
        Some(item)
    }
}

impl<T> Drop for Taken<T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
