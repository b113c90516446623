//! What becomes of nodes that are no longer current. The invariants are the cell's.

use core::{mem, ptr};

use lockfree_core::sync::{
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    UnsafeCell, heavy_fence, light_fence,
};

use super::{HazardCell, Link, Node, is_node};
use crate::hazard::{self, Hazard};

impl<V> HazardCell<V> {
    /// Puts a node into the list. It is looked at when the guard on it ends.
    pub(super) fn retire(&self, node: *mut Node<V>) {
        self.put(node, node);
    }

    /// Puts the nodes from `first` to `last` into the list.
    fn put(&self, first: *mut Node<V>, last: *mut Node<V>) {
        // Relaxed: checked by the exchange.
        let mut head = self.retired.load(Relaxed);
        loop {
            // SAFETY: I1: the nodes are this thread's, which has not put them into the list yet.
            let link = unsafe { &(*last).link };
            // SAFETY: I1: as above.
            link.with_mut(|link| unsafe { (*link).next = head });
            // Release [retired]: the nodes are taken as they are put here.
            // Relaxed: only looks where to put them.
            match self.retired.compare_exchange_weak(head, first, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// Frees what is retired and not protected.
    #[cold]
    #[inline(never)]
    pub(crate) fn reclaim(&self) {
        let mut taken = Taken::nothing(self);
        let mut note = taken.take();
        while is_node(taken.first) {
            if taken.settle() {
                self.help();
                taken.free();
            }
            if !is_node(taken.first) {
                // The note stays: a null in its place would be there twice, and hide notes between.
                return;
            }
            // Release [retired]: the nodes are taken as they are put back.
            // Acquire [note]: the cleared hazard of whoever has left another.
            match self.retired.compare_exchange(note, taken.first, Release, Acquire) {
                Ok(_) => taken.first = ptr::null_mut(),
                Err(now) if is_node(now) => note = taken.take(),
                Err(now) => note = now,
            }
        }
    }

    /// Gives a node to everyone who has announced that he reads here.
    pub(crate) fn help(&self) {
        for hazard in self.domain.iter() {
            // Acquire [mark]: `about` is what was set for this mark, or for a later one.
            let mark = hazard.word.load(Acquire);
            // Acquire [about]: if for a later one, the hazard says something later too.
            if !hazard::is_mark(mark) || hazard.about.load(Acquire) != self.address() {
                continue;
            }
            // SeqCst [protect]: the mark comes before the look at `current`.
            light_fence(SeqCst);
            // Acquire [current]: pairs with the exchange in `replace`.
            let node = self.current.load(Acquire);
            // Release [help]: the node as this thread has seen it.
            // Relaxed: helped already, or done.
            let _ = hazard.word.compare_exchange(mark, node.cast(), Release, Relaxed);
        }
    }

    /// Whether somebody may read the node. Asked after `help`, so marks need no look.
    fn protects(hazard: &Hazard, node: *mut Node<V>) -> bool {
        // Acquire [unread]: what the hazard does not say any more has been read.
        hazard.word.load(Acquire) == node.cast()
    }
}

/// Nodes in the hands of one thread: a list as the cell's. What a panic leaves of it is put back.
struct Taken<'c, V> {
    cell: &'c HazardCell<V>,
    first: *mut Node<V>,
}

impl<'c, V> Taken<'c, V> {
    fn nothing(cell: &'c HazardCell<V>) -> Self {
        Self { cell, first: ptr::null_mut() }
    }

    /// Takes what is in the cell's list as well, and returns the note that it leaves there.
    fn take(&mut self) -> *mut Node<V> {
        let note = self.cell.domain.mark().cast();
        // AcqRel [retired, note]: the nodes as they were put there; the cleared hazards of all who have
        // left notes, and of this thread.
        let more = self.cell.retired.swap(note, AcqRel);
        if let Some(last) = self.nodes(more).last() {
            self.link(last).with_mut(|link| {
                // SAFETY: I1: this thread owns the list.
                unsafe { (*link).next = self.first }
            });
            self.first = more;
        }
        note
    }

    /// The nodes from this one on.
    fn nodes(&self, first: *mut Node<V>) -> impl Iterator<Item = *mut Node<V>> {
        let mut next = first;
        core::iter::from_fn(move || {
            let node = is_node(next).then_some(next)?;
            // SAFETY: I1: this thread owns the list.
            next = self.link(node).with(|link| unsafe { (*link).next });
            Some(node)
        })
    }

    /// What the list says of one of its nodes.
    #[expect(clippy::unused_self, reason = "whose list the node is in")]
    fn link(&self, node: *mut Node<V>) -> &UnsafeCell<Link<V>> {
        // SAFETY: I1: this thread owns the list, and so the node.
        unsafe { &(*node).link }
    }

    /// Sees to it that a heavy fence has come after the exchange of each node. False if it is refused.
    fn settle(&self) -> bool {
        let mut nodes = self.nodes(self.first);
        // SAFETY: I1: this thread owns the list.
        if nodes.all(|node| self.link(node).with(|link| unsafe { (*link).settled })) {
            return true;
        }
        // SeqCst [protect, last-look]: the exchanges come before the looks at the hazards.
        if !heavy_fence(SeqCst) {
            return false;
        }
        for node in self.nodes(self.first) {
            // SAFETY: I1: this thread owns the list.
            self.link(node).with_mut(|link| unsafe { (*link).settled = true });
        }
        true
    }

    /// Frees what nobody protects. If a value's drop panics, what was not looked at yet is kept.
    fn free(&mut self) {
        let mut kept = Self::nothing(self.cell);
        while is_node(self.first) {
            let node = self.first;
            // SAFETY: I1: this thread owns the list.
            self.first = self.link(node).with(|link| unsafe { (*link).next });
            if self.cell.domain.iter().any(|hazard| HazardCell::protects(hazard, node)) {
                // SAFETY: I1: as above.
                self.link(node).with_mut(|link| unsafe { (*link).next = kept.first });
                kept.first = node;
            } else {
                // SAFETY: I3: nobody reads it, and nobody begins to.
                unsafe { Node::free(node) }
            }
        }
        mem::swap(self, &mut kept);
    }
}

impl<V> Drop for Taken<'_, V> {
    fn drop(&mut self) {
        if let Some(last) = self.nodes(self.first).last() {
            self.cell.put(self.first, last);
        }
    }
}
