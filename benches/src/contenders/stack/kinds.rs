//! Ours and the peers.

use super::{ROOM, Stack, count};
use crate::case::Role;
use core::{fmt, mem::MaybeUninit, ops::Range};
use crossbeam_epoch::{Atomic, Guard, Owned, Shared, pin};
use lockfree_core::{
    CachePadded,
    sync::Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, PoisonError};

/// Ours, without a bound.
#[derive(Debug)]
pub struct Unbounded(aba_stack::Stack<u64>);

impl Stack for Unbounded {
    const NAME: &'static str = "Stack";
    const PACKAGE: Option<&'static str> = Some("aba-stack");
    const ROLE: Role = Role::Ours;

    fn stack() -> Self {
        Self(aba_stack::Stack::new())
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.push(number);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        self.0.push_many(numbers);
    }

    #[inline]
    fn take_all(&self, each: impl FnMut(u64)) -> u64 {
        count(self.0.take_all(), each)
    }
}

/// Ours, with a bound.
#[derive(Debug)]
pub struct Bounded(aba_stack::Stack<u64>);

impl Stack for Bounded {
    const NAME: &'static str = "Stack, bounded";
    const PACKAGE: Option<&'static str> = Some("aba-stack");
    const ROLE: Role = Role::Ours;

    fn stack() -> Self {
        Self(aba_stack::Stack::bounded(ROOM))
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.push(number);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        self.0.push_many(numbers);
    }

    #[inline]
    fn take_all(&self, each: impl FnMut(u64)) -> u64 {
        count(self.0.take_all(), each)
    }
}

/// Treiber's stack of boxes that are freed by crossbeam-epoch, as one writes it today.
pub struct Epoch(CachePadded<Atomic<Node>>);

struct Node {
    number: MaybeUninit<u64>,
    next: Atomic<Node>,
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Epoch").finish_non_exhaustive()
    }
}

impl Epoch {
    /// Lays the chain from `top` to `bottom` on the stack.
    #[inline]
    fn lay(&self, top: Shared<'_, Node>, bottom: &Node, guard: &Guard) {
        loop {
            let head = self.0.load(Relaxed, guard);
            bottom.next.store(head, Relaxed);
            if self.0.compare_exchange_weak(head, top, Release, Relaxed, guard).is_ok() {
                return;
            }
        }
    }
}

impl Stack for Epoch {
    const NAME: &'static str = "Treiber, crossbeam-epoch";
    const PACKAGE: Option<&'static str> = Some("crossbeam-epoch");

    fn stack() -> Self {
        Self(CachePadded::new(Atomic::null()))
    }

    #[inline]
    fn push(&self, number: u64) {
        let guard = pin();
        let node = Owned::new(Node { number: MaybeUninit::new(number), next: Atomic::null() });
        let node = node.into_shared(&guard);
        // SAFETY: nobody else has it yet.
        self.lay(node, unsafe { node.deref() }, &guard);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        let guard = pin();
        loop {
            let head = self.0.load(Acquire, &guard);
            // SAFETY: freed only when no guard is older.
            let node = unsafe { head.as_ref() }?;
            let next = node.next.load(Relaxed, &guard);
            if self.0.compare_exchange_weak(head, next, Relaxed, Relaxed, &guard).is_ok() {
                // SAFETY: out of the stack, and once.
                unsafe { guard.defer_destroy(head) };
                // SAFETY: initialized by the push.
                return Some(unsafe { node.number.assume_init() });
            }
        }
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        let guard = pin();
        let (mut top, mut bottom) = (Shared::null(), None);
        for number in numbers {
            let next = Atomic::null();
            next.store(top, Relaxed);
            let number = MaybeUninit::new(number);
            top = Owned::new(Node { number, next }).into_shared(&guard);
            // SAFETY: nobody else has it yet.
            bottom = bottom.or(Some(unsafe { top.deref() }));
        }
        if let Some(bottom) = bottom {
            self.lay(top, bottom, &guard);
        }
    }

    #[inline]
    fn take_all(&self, mut each: impl FnMut(u64)) -> u64 {
        let guard = pin();
        let mut head = self.0.swap(Shared::null(), Acquire, &guard);
        let mut count = 0;
        // SAFETY: freed only when no guard is older.
        while let Some(node) = unsafe { head.as_ref() } {
            // SAFETY: initialized by the push.
            each(unsafe { node.number.assume_init() });
            count += 1;
            let next = node.next.load(Relaxed, &guard);
            // SAFETY: out of the stack, and once.
            unsafe { guard.defer_destroy(head) };
            head = next;
        }
        count
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.take_all(|_| {});
    }
}

/// The stack of the lockfree crate: boxes, freed when no thread is inside.
pub struct Lockfree(lockfree::stack::Stack<u64>);

impl fmt::Debug for Lockfree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lockfree").finish_non_exhaustive()
    }
}

impl Stack for Lockfree {
    const NAME: &'static str = "lockfree";
    const PACKAGE: Option<&'static str> = Some("lockfree");

    fn stack() -> Self {
        Self(lockfree::stack::Stack::new())
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.push(number);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}

/// A vector behind the standard mutex.
#[derive(Debug)]
pub struct StdMutex(CachePadded<Mutex<Vec<u64>>>);

impl StdMutex {
    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut Vec<u64>) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Stack for StdMutex {
    const NAME: &'static str = "Mutex<Vec>";
    const PACKAGE: Option<&'static str> = None;

    fn stack() -> Self {
        Self(CachePadded::new(Mutex::new(Vec::with_capacity(ROOM))))
    }

    #[inline]
    fn push(&self, number: u64) {
        self.with(|numbers| numbers.push(number));
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.with(Vec::pop)
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        self.with(|all| all.extend(numbers));
    }

    #[inline]
    fn take_all(&self, each: impl FnMut(u64)) -> u64 {
        count(self.with(core::mem::take).into_iter().rev(), each)
    }
}

/// A vector behind `parking_lot`'s mutex.
#[derive(Debug)]
pub struct ParkingLot(CachePadded<parking_lot::Mutex<Vec<u64>>>);

impl Stack for ParkingLot {
    const NAME: &'static str = "parking_lot Mutex<Vec>";
    const PACKAGE: Option<&'static str> = Some("parking_lot");

    fn stack() -> Self {
        Self(CachePadded::new(parking_lot::Mutex::new(Vec::with_capacity(ROOM))))
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.lock().push(number);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.lock().pop()
    }

    #[inline]
    fn push_many(&self, numbers: Range<u64>) {
        self.0.lock().extend(numbers);
    }

    #[inline]
    fn take_all(&self, each: impl FnMut(u64)) -> u64 {
        let all = core::mem::take(&mut *self.0.lock());
        count(all.into_iter().rev(), each)
    }
}

/// crossbeam's unbounded queue, where the order is of no matter.
#[derive(Debug)]
pub struct Segments(crossbeam_queue::SegQueue<u64>);

impl Stack for Segments {
    const NAME: &'static str = "SegQueue, a queue";
    const PACKAGE: Option<&'static str> = Some("crossbeam-queue");
    const LAST_FIRST: bool = false;

    fn stack() -> Self {
        Self(crossbeam_queue::SegQueue::new())
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.push(number);
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}

/// crossbeam's bounded queue, where the order is of no matter.
#[derive(Debug)]
pub struct Arrays(crossbeam_queue::ArrayQueue<u64>);

impl Stack for Arrays {
    const NAME: &'static str = "ArrayQueue, a queue";
    const PACKAGE: Option<&'static str> = Some("crossbeam-queue");
    const LAST_FIRST: bool = false;

    fn stack() -> Self {
        Self(crossbeam_queue::ArrayQueue::new(ROOM))
    }

    #[inline]
    fn push(&self, number: u64) {
        self.0.push(number).expect("there is room for all that the workloads push");
    }

    #[inline]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}
