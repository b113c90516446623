//! The stack in the hands of one thread: no locked instruction on the list.

use core::fmt;

use lockfree_core::sync::Ordering::Relaxed;

use crate::{
    Full, Stack,
    list::Verdict,
    nodes::Nodes,
    rules::{Rules, Sound},
    state::{Link, NONE},
};

impl<T, R: Rules> Stack<T, R> {
    /// Adds `value` on top, as [`try_push`](Self::try_push), in plain loads and stores.
    ///
    /// # Errors
    /// The stack holds as many values as its bound is, or all nodes are in use.
    pub fn push_mut(&mut self, value: T) -> Result<(), Full<T>> {
        let Some(link) = self.nodes.acquire() else { return Err(Full(value)) };
        let first = self.list.first_mut();
        if let Verdict::Refused = self.lay(link, link, 1, first) {
            self.nodes.release(link);
            return Err(Full(value));
        }
        // SAFETY: S1: the node is ours and has no value.
        unsafe { self.nodes.node(link).put(value) };
        self.list.set_first(link);
        Ok(())
    }

    /// Takes the value on top, as [`pop`](Self::pop), in plain loads and stores.
    pub fn pop_mut(&mut self) -> Option<T> {
        let first = self.list.first_mut();
        if first == NONE {
            return None;
        }
        let node = self.nodes.node(first);
        // Relaxed: exclusive access.
        let next = node.next.load(Relaxed);
        // SAFETY: S1: the node is in the list, which is ours, with its value.
        let value = unsafe { node.take() };
        self.list.set_first(next);
        self.nodes.release(first);
        Some(value)
    }

    /// The value on top.
    pub fn peek_mut(&mut self) -> Option<&mut T> {
        self.iter_mut().next()
    }

    /// All values, the newest first.
    pub fn iter_mut(&mut self) -> IterMut<'_, T, R> {
        IterMut { next: self.list.first_mut(), nodes: &mut self.nodes }
    }

    /// Drops all values, the newest first, and keeps the nodes.
    pub fn clear(&mut self) {
        drop(self.take_all());
    }
}

/// The values of a stack, the newest first. Made by [`Stack::iter_mut`].
pub struct IterMut<'s, T, R: Rules = Sound> {
    nodes: &'s mut Nodes<T, R>,
    next: Link,
}

impl<'s, T, R: Rules> Iterator for IterMut<'s, T, R> {
    type Item = &'s mut T;

    fn next(&mut self) -> Option<&'s mut T> {
        if self.next == NONE {
            return None;
        }
        let node = self.nodes.node(self.next);
        // Relaxed: exclusive access.
        self.next = node.next.load(Relaxed);
        // SAFETY: S1: the node is in the list, which is ours for `'s`, and each is met once.
        Some(unsafe { node.value_mut() })
    }
}

impl<T, R: Rules> fmt::Debug for IterMut<'_, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterMut").field("is_empty", &(self.next == NONE)).finish_non_exhaustive()
    }
}

impl<'s, T, R: Rules> IntoIterator for &'s mut Stack<T, R> {
    type Item = &'s mut T;
    type IntoIter = IterMut<'s, T, R>;

    fn into_iter(self) -> IterMut<'s, T, R> {
        self.iter_mut()
    }
}

/// Pushes one by one.
///
/// # Panics
/// There is no room for one, which is dropped with the rest.
impl<T, R: Rules> Extend<T> for Stack<T, R> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            assert!(self.push_mut(value).is_ok(), "there is no room in the stack");
        }
    }
}

/// The last one lies on top.
impl<T> FromIterator<T> for Stack<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut stack = Self::new();
        stack.extend(values);
        stack
    }
}
