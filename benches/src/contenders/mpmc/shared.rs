//! Queues whose threads use one reference.

use super::{Hand, Item, Queue, count, push_each};
use crate::case::Role;
use core::{iter, ops::Range};

/// A queue of which a reference is all that a thread needs.
pub trait Shared<T: Item>: Send + Sync + 'static {
    /// See [`Queue::NAME`].
    const NAME: &'static str;
    /// See [`Queue::PACKAGE`].
    const PACKAGE: Option<&'static str>;
    /// See [`Queue::ROLE`].
    const ROLE: Role = Role::Peer;
    /// See [`Queue::queue`].
    fn queue(capacity: usize) -> Self;
    /// See [`Hand::push`].
    fn push(&self, item: T) -> bool;
    /// See [`Hand::pop`].
    fn pop(&self) -> Option<T>;

    /// See [`Hand::push_many`].
    #[inline]
    fn push_many(&self, numbers: Range<u64>) -> u64 {
        push_each(numbers, |item| self.push(item))
    }

    /// See [`Hand::pop_many`].
    #[inline]
    fn pop_many(&self, most: usize, each: impl FnMut(T)) -> u64 {
        count(iter::from_fn(|| self.pop()).take(most), each)
    }
}

/// Such a queue as a contender.
#[derive(Debug)]
pub struct Plain<Q>(Q);

impl<T: Item, Q: Shared<T>> Queue<T> for Plain<Q> {
    const NAME: &'static str = Q::NAME;
    const PACKAGE: Option<&'static str> = Q::PACKAGE;
    const ROLE: Role = Q::ROLE;
    type Hand<'q> = &'q Q;

    fn queue(capacity: usize) -> Self {
        Self(Q::queue(capacity))
    }

    fn hand(&self) -> Self::Hand<'_> {
        &self.0
    }
}

impl<T: Item, Q: Shared<T>> Hand<T> for &Q {
    #[inline]
    fn push(&mut self, item: T) -> bool {
        Q::push(self, item)
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        Q::pop(self)
    }

    #[inline]
    fn push_many(&mut self, numbers: Range<u64>) -> u64 {
        Q::push_many(self, numbers)
    }

    #[inline]
    fn pop_many(&mut self, most: usize, each: impl FnMut(T)) -> u64 {
        Q::pop_many(self, most, each)
    }
}
