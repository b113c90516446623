//! What was taken out, and what is yet to be popped.

use core::fmt;

use lockfree_core::sync::Ordering::Relaxed;

use crate::{
    Stack,
    nodes::Nodes,
    rules::{Rules, Sound},
    state::{Link, NONE},
};

/// Values that were taken out of a stack in one step, the newest first.
///
/// Made by [`take_all`](Stack::take_all) and [`pop_many`](Stack::pop_many). What is not asked for is
/// dropped with it. It gives each value's node back to the stack as it goes; where it is forgotten
/// (`mem::forget`), values and nodes are kept until the stack is dropped, and the values leak.
pub struct Taken<'s, T, R: Rules = Sound> {
    nodes: &'s Nodes<T, R>,
    top: Link,
}

impl<'s, T, R: Rules> Taken<'s, T, R> {
    /// The chain that hangs on `top`, which the caller has, with its values (S1).
    pub(crate) fn new(nodes: &'s Nodes<T, R>, top: Link) -> Self {
        Self { nodes, top }
    }

    pub(crate) fn top(&self) -> Link {
        self.top
    }

    /// As for [`new`](Self::new).
    pub(crate) fn set_top(&mut self, top: Link) {
        self.top = top;
    }
}

impl<T, R: Rules> Iterator for Taken<'_, T, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.top == NONE {
            return None;
        }
        let node = self.nodes.node(self.top);
        // Relaxed: the chain is ours.
        let next = node.next.load(Relaxed);
        // SAFETY: S1: the node is ours, with its value.
        let value = unsafe { node.take() };
        self.nodes.release(core::mem::replace(&mut self.top, next));
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.top == NONE { (0, Some(0)) } else { (1, None) }
    }
}

impl<T, R: Rules> core::iter::FusedIterator for Taken<'_, T, R> {}

/// Drops what is left. A panic in a drop does not keep the others from being dropped.
impl<T, R: Rules> Drop for Taken<'_, T, R> {
    fn drop(&mut self) {
        struct Rest<'t, 's, T, R: Rules>(&'t mut Taken<'s, T, R>);

        impl<T, R: Rules> Drop for Rest<'_, '_, T, R> {
            fn drop(&mut self) {
                self.0.by_ref().for_each(drop);
            }
        }

        let rest = Rest(self);
        rest.0.by_ref().for_each(drop);
    }
}

impl<T, R: Rules> fmt::Debug for Taken<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taken").field("is_empty", &(self.top == NONE)).finish_non_exhaustive()
    }
}

/// Pops the values of a stack until it is empty. Made by [`Stack::drain`].
pub struct Drain<'s, T, R: Rules = Sound>(&'s Stack<T, R>);

impl<'s, T, R: Rules> Drain<'s, T, R> {
    pub(crate) fn new(stack: &'s Stack<T, R>) -> Self {
        Self(stack)
    }
}

impl<T, R: Rules> Iterator for Drain<'_, T, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.pop()
    }
}

impl<T, R: Rules> fmt::Debug for Drain<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drain").field(&self.0).finish()
    }
}

/// The values of a stack that was given up, the newest first.
pub struct IntoIter<T, R: Rules = Sound>(Stack<T, R>);

impl<T, R: Rules> IntoIterator for Stack<T, R> {
    type Item = T;
    type IntoIter = IntoIter<T, R>;

    fn into_iter(self) -> IntoIter<T, R> {
        IntoIter(self)
    }
}

impl<T, R: Rules> Iterator for IntoIter<T, R> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.pop_mut()
    }
}

impl<T, R: Rules> core::iter::FusedIterator for IntoIter<T, R> {}

impl<T, R: Rules> fmt::Debug for IntoIter<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.0).finish()
    }
}
