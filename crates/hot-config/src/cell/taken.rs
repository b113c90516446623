//! The retired nodes of a cell, in the hands of one thread. The invariants are the cell's.

use core::ptr::NonNull;

use lockfree_core::sync::{Ordering::SeqCst, heavy_fence};

use super::{HazardCell, Node};

/// The list in the hands of one thread, which puts back what it has not freed, whatever happens.
pub(super) struct Taken<'c, V> {
    pub(super) cell: &'c HazardCell<V>,
    pub(super) first: *mut Node<V>,
}

impl<V> Taken<'_, V> {
    fn nodes(&self) -> impl Iterator<Item = *mut Node<V>> {
        let mut next = self.first;
        core::iter::from_fn(move || {
            let node = NonNull::new(next)?.as_ptr();
            // SAFETY: I1: this thread owns the list.
            next = unsafe { (*node).next };
            Some(node)
        })
    }

    /// Sees to it that a heavy fence has come after the exchange of each node. False if it is refused.
    pub(super) fn settle(&mut self) -> bool {
        // SAFETY: I1: this thread owns the list.
        if self.nodes().all(|node| unsafe { (*node).settled }) {
            return true;
        }
        // SeqCst [protect, last-look]: the exchanges come before the looks at the hazards.
        if !heavy_fence(SeqCst) {
            return false;
        }
        // SAFETY: I1: this thread owns the list.
        self.nodes().for_each(|node| unsafe { (*node).settled = true });
        true
    }

    /// Frees what nobody protects. If a value's drop panics, what was not looked at yet is kept.
    pub(super) fn free(&mut self) {
        let mut link = &raw mut self.first;
        loop {
            // SAFETY: I1: the list's head, or a node's field, of a list that this thread owns.
            let node = unsafe { *link };
            if node.is_null() {
                return;
            }
            // SAFETY: I1: this thread owns the list.
            let next = unsafe { &raw mut (*node).next };
            if self.cell.domain.iter().any(|hazard| HazardCell::protects(hazard, node)) {
                link = next;
                continue;
            }
            // SAFETY: I1: as above.
            let rest = unsafe { *next };
            // SAFETY: I1: as above.
            unsafe { *link = rest };
            // SAFETY: I3: nobody reads it, and nobody begins to.
            drop(unsafe { Box::from_raw(node) });
        }
    }
}

impl<V> Drop for Taken<'_, V> {
    fn drop(&mut self) {
        if let Some(last) = self.nodes().last() {
            self.cell.retire(self.first, last);
        }
    }
}
