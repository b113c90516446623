//! Ours, by a handle of each thread and by the slot of the thread.

use super::{Hand, Item, Plain, Queue, Shared, count};
use crate::case::Role;
use core::ops::Range;
use mpmc_queue::{
    Bounded, Full, Handle,
    ring::{IndexRing, LockFreeRing, WaitFreeRing},
};

/// One of our rings, and what the queue on it is called.
pub trait Ring: IndexRing + 'static {
    /// Used by handles.
    const BY_HANDLE: &'static str;
    /// Used by any thread.
    const BY_THREAD: &'static str;
}

impl Ring for LockFreeRing {
    const BY_HANDLE: &'static str = "Queue";
    const BY_THREAD: &'static str = "Queue, shared";
}

impl Ring for WaitFreeRing {
    const BY_HANDLE: &'static str = "WaitFreeQueue";
    const BY_THREAD: &'static str = "WaitFreeQueue, shared";
}

/// Ours; each thread has a handle.
#[derive(Debug)]
pub struct ByHandle<T, R: IndexRing>(Bounded<T, R>);

/// Ours, without handles.
pub type ByThread<T, R> = Plain<Bounded<T, R>>;

impl<T: Item, R: Ring> Queue<T> for ByHandle<T, R> {
    const NAME: &'static str = R::BY_HANDLE;
    const PACKAGE: Option<&'static str> = Some("mpmc-queue");
    const ROLE: Role = Role::Ours;
    type Hand<'q> = Handle<'q, T, R>;

    fn queue(capacity: usize) -> Self {
        Self(Bounded::new(capacity))
    }

    fn hand(&self) -> Self::Hand<'_> {
        self.0.handle().expect("no team has more threads than there are handles")
    }
}

impl<T: Item, R: Ring> Hand<T> for Handle<'_, T, R> {
    #[inline]
    fn push(&mut self, item: T) -> bool {
        self.push(item).is_ok()
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop()
    }

    #[inline]
    fn push_many(&mut self, numbers: Range<u64>) -> u64 {
        pushed(&numbers, self.push_many(numbers.clone().map(T::new)))
    }

    #[inline]
    fn pop_many(&mut self, most: usize, each: impl FnMut(T)) -> u64 {
        count(self.pop_many(most), each)
    }
}

impl<T: Item, R: Ring> Shared<T> for Bounded<T, R> {
    const NAME: &'static str = R::BY_THREAD;
    const PACKAGE: Option<&'static str> = Some("mpmc-queue");
    const ROLE: Role = Role::Ours;

    fn queue(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.push(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.pop()
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) -> u64 {
        pushed(&numbers, self.push_many(numbers.clone().map(T::new)))
    }

    #[inline]
    fn pop_many(&self, most: usize, each: impl FnMut(T)) -> u64 {
        count(self.pop_many(most), each)
    }
}

/// How many of the items went in.
#[inline]
fn pushed<I: Iterator>(numbers: &Range<u64>, outcome: Result<(), Full<I>>) -> u64 {
    let all = numbers.end - numbers.start;
    outcome.map_or_else(|Full(rest)| all - rest.count() as u64, |()| all)
}
