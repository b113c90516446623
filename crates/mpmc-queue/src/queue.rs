//! The queues: an index ring, the values in its cells, and a hand for everybody who comes.
//!
//! # State
//!
//! ```text
//! ring     which cells are full, in which order
//! values   one for each cell
//! hands    [ of thread slot 0, 1, ..  |  of handles  |  of the rest ]
//! ```
//!
//! A thread whose [slot](lockfree_core::slots) has a hand owns that hand: no locked instruction. A
//! handle leases one for as long as it lives. A thread with neither leases one of the rest for each
//! operation.
//!
//! # Invariants
//!
//! * Q1. A hand is used by one thread at a time: the one in the slot, the one with the handle, or
//!   the one with the lease; and by no operation while another one of that thread uses it, since no
//!   code of the user runs meanwhile.
//! * Q2. A cell is touched only by who uses the hand that it is in (the ring's I6). A full cell has a
//!   value; one in a hand has none, but inside an operation.
//!
//! # Progress and linearization
//!
//! Each operation is one of the ring's. To lease a hand is lock-free, see [`Registry`]; who finds none
//! of the rest waits for one.
//!
//! # Orderings
//!
//! There is no atomic access here. Values travel by the ring's edges, hands by those of
//! `lockfree_core::slots`.

use alloc::boxed::Box;
use core::{
    fmt,
    iter::{self, Chain, Once},
    mem::MaybeUninit,
};

use lockfree_core::{
    Backoff, CachePadded,
    slots::{self, Lease, Registry, Slot},
    sync::UnsafeCell,
};

use crate::{
    Full, Handle,
    ring::{IndexRing, LockFreeRing, WaitFreeRing},
};

/// Hands for thread slots, unless said otherwise.
const THREADS: usize = 32;
/// Hands for handles, unless said otherwise.
const HANDLES: usize = 16;
/// Hands for operations of threads that have none.
const SURPLUS: usize = 8;
/// Machine words of leases, for up to 256 handles.
pub(crate) const WORDS: usize = 256 / usize::BITS as usize;

/// A bounded queue of many producers and consumers that is lock-free: a thread that is stopped
/// anywhere, for ever, keeps nobody else from going on.
///
/// ```
/// use mpmc_queue::{Full, Queue};
///
/// let queue = Queue::new(2);
/// queue.push("a").unwrap();
/// queue.push("b").unwrap();
/// assert_eq!(queue.push("c"), Err(Full("c")));
/// assert_eq!(queue.pop(), Some("a"));
/// ```
pub type Queue<T> = Bounded<T, LockFreeRing>;

/// A bounded queue of many producers and consumers that is wait-free: every operation ends after a
/// bounded number of its own steps, whatever the other threads do; see
/// [`step_bound`](Bounded::step_bound).
///
/// ```
/// use mpmc_queue::WaitFreeQueue;
///
/// let queue = WaitFreeQueue::new(1);
/// assert_eq!(queue.force_push(1), None);
/// assert_eq!(queue.force_push(2), Some(1));
/// assert_eq!(queue.pop(), Some(2));
/// ```
pub type WaitFreeQueue<T> = Bounded<T, WaitFreeRing>;

/// What did not fit of many values: the first that did not, and the rest.
pub type Rest<I> = Chain<Once<<I as Iterator>::Item>, I>;

/// A bounded queue on an index ring. Used as [`Queue`] and as [`WaitFreeQueue`].
///
/// Any capacity is exact. Allocates in its constructor and nowhere else.
///
/// The methods of this type are the shared way: any thread may use them at any time. Threads have
/// hands by their [slots](lockfree_core::slots); threads above the number given to
/// [`with_hands`](Self::with_hands), and those that are past their thread-locals, lease one of 8
/// others for each operation, which costs six more read-modify-writes. Memory is fixed, and each
/// thread that may stop inside an operation needs a cell, so this is the limit of the promise: the
/// progress named holds as long as fewer than 8 of *those* threads are stopped inside an operation
/// at once, and it is lock-free and not wait-free for them. A [`Handle`] brings its own hand.
///
/// Not to be used in a signal handler that may interrupt the same queue.
pub struct Bounded<T, R: IndexRing> {
    ring: R,
    values: Box<[UnsafeCell<MaybeUninit<T>>]>,
    hands: Box<[CachePadded<UnsafeCell<R::Hand>>]>,
    threads: usize,
    handles: Registry<WORDS>,
    surplus: Registry<1>,
}

// SAFETY: Q1 and Q2: a hand and a value are touched by one thread at a time, and values move from one
// thread to another.
unsafe impl<T: Send, R: IndexRing> Send for Bounded<T, R> {}
// SAFETY: as above; nobody gets a shared reference to a value.
unsafe impl<T: Send, R: IndexRing> Sync for Bounded<T, R> {}

impl<T, R: IndexRing> Bounded<T, R> {
    /// An empty queue of `capacity` values, for 32 threads and 16 handles.
    ///
    /// # Panics
    /// `capacity` is 0, or above what the ring can have: 2^31 cells, or 2^20 of the wait-free one.
    /// There are 56 cells more than `capacity`.
    pub fn new(capacity: usize) -> Self {
        Self::with_hands(capacity, THREADS, HANDLES)
    }

    /// An empty queue of `capacity` values, for `threads` threads by their slots and `handles`
    /// handles.
    ///
    /// # Panics
    /// As [`new`](Self::new), with 8 cells more than the sum of the three; `handles` is above 256; or
    /// `threads + handles` is above 247 in a wait-free queue.
    pub fn with_hands(capacity: usize, threads: usize, handles: usize) -> Self {
        let count = threads.saturating_add(handles).saturating_add(SURPLUS);
        let (ring, hands) = R::with_hands(capacity, count);
        let vacant = || UnsafeCell::new(MaybeUninit::uninit());
        Self {
            ring,
            values: iter::repeat_with(vacant).take(capacity + count).collect(),
            hands: hands.map(|hand| CachePadded::new(UnsafeCell::new(hand))).collect(),
            threads,
            handles: Registry::new(handles),
            surplus: Registry::new(SURPLUS),
        }
    }

    /// A hand of one's own, or none if all are leased: the fastest way, and the one that depends on
    /// no thread-local. Lock-free.
    pub fn handle(&self) -> Option<Handle<'_, T, R>> {
        let lease = self.handles.lease()?;
        Some(Handle::new(self, self.threads + lease.index(), lease))
    }

    /// Adds `value` at the tail.
    ///
    /// A thread that pops and then pushes is never refused where all values that others push were
    /// popped before.
    ///
    /// # Errors
    /// The queue was full at some moment of the call; the value is given back.
    #[inline]
    pub fn push(&self, value: T) -> Result<(), Full<T>> {
        self.with_hand(|index| {
            // SAFETY: Q1: `with_hand`.
            unsafe { self.push_by(index, value) }
        })
    }

    /// Takes the value at the head; none if the queue was empty at some moment of the call.
    ///
    /// A thread that pushes and then pops always gets a value where all others do so too.
    #[inline]
    pub fn pop(&self) -> Option<T> {
        self.with_hand(|index| {
            // SAFETY: Q1: `with_hand`.
            unsafe { self.pop_by(index) }
        })
    }

    /// Adds `value` at the tail; if the queue is full, in place of the oldest value, which is
    /// returned. One step: nobody sees the queue with room between.
    #[inline]
    pub fn force_push(&self, value: T) -> Option<T> {
        self.with_hand(|index| {
            // SAFETY: Q1: `with_hand`.
            unsafe { self.force_push_by(index, value) }
        })
    }

    /// Pushes `values` one by one.
    ///
    /// # Errors
    /// The queue was full; the value that did not fit and those after it are given back.
    pub fn push_many<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> Result<(), Full<Rest<I::IntoIter>>> {
        push_all(values.into_iter(), |value| self.push(value))
    }

    /// Pops up to `most` values, one at each step of the iterator, until the queue is empty.
    pub fn pop_many(&self, most: usize) -> impl Iterator<Item = T> {
        self.drain().take(most)
    }

    /// Pops values, one at each step of the iterator, until the queue is empty.
    pub fn drain(&self) -> impl Iterator<Item = T> {
        iter::from_fn(|| self.pop())
    }

    /// How many values are inside: at some moment of the call, unless others push without pause all
    /// the while; then a number between 0 and the capacity.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether no value was inside at some moment of the call. False may also mean that others were
    /// too busy to tell.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Whether there was no room at some moment of the call. False may also mean that others were too
    /// busy to tell.
    pub fn is_full(&self) -> bool {
        self.ring.is_full()
    }

    /// How many values fit.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Lends a hand that nobody else uses until `operation` returns: its number (Q1).
    #[inline(always)]
    fn with_hand<O>(&self, operation: impl FnOnce(usize) -> O) -> O {
        // The slot stays this thread's until it exits.
        match slots::with(|slot| slot.map(Slot::index)) {
            Some(index) if index < self.threads => operation(index),
            _ => self.with_surplus_hand(operation),
        }
    }

    #[cold]
    #[inline(never)]
    fn with_surplus_hand<O>(&self, operation: impl FnOnce(usize) -> O) -> O {
        let backoff = Backoff::new();
        let lease: Lease<'_, 1> = loop {
            match self.surplus.lease() {
                Some(lease) => break lease,
                None => backoff.snooze(),
            }
        };
        operation(self.hands.len() - SURPLUS + lease.index())
    }

    /// # Safety
    /// There is a hand `index`.
    #[inline(always)]
    unsafe fn hand(&self, index: usize) -> &UnsafeCell<R::Hand> {
        debug_assert!(index < self.hands.len());
        // SAFETY: promised by the caller.
        unsafe { self.hands.get_unchecked(index) }
    }

    /// # Safety
    /// The caller may use the hand `index` (Q1).
    #[inline(always)]
    pub(crate) unsafe fn push_by(&self, index: usize, value: T) -> Result<(), Full<T>> {
        // SAFETY: Q1, promised by the caller.
        let hand = unsafe { self.hand(index) };
        hand.with_mut(|hand| {
            // SAFETY: Q1, promised by the caller.
            let hand = unsafe { &mut *hand };
            // SAFETY: Q2: the cell is in the hand, and without a value.
            unsafe { self.put(R::cell(hand), value) };
            if self.ring.push_next(hand) { Ok(()) } else { self.push_put(hand) }
        })
    }

    /// Pushes the value that was put into the hand's cell.
    #[inline(never)]
    fn push_put(&self, hand: &mut R::Hand) -> Result<(), Full<T>> {
        if self.ring.push(hand) {
            return Ok(());
        }
        // SAFETY: Q2: the cell is still in the hand, with the value.
        Err(Full(unsafe { self.take(R::cell(hand)) }))
    }

    /// # Safety
    /// The caller may use the hand `index` (Q1).
    #[inline(always)]
    pub(crate) unsafe fn pop_by(&self, index: usize) -> Option<T> {
        // SAFETY: Q1, promised by the caller.
        let hand = unsafe { self.hand(index) };
        hand.with_mut(|hand| {
            // SAFETY: Q1, promised by the caller.
            let hand = unsafe { &mut *hand };
            if !self.ring.pop_next(hand) {
                return self.pop_searching(hand);
            }
            // SAFETY: Q2: the cell was full and is in the hand.
            Some(unsafe { self.take(R::cell(hand)) })
        })
    }

    #[inline(never)]
    fn pop_searching(&self, hand: &mut R::Hand) -> Option<T> {
        // SAFETY: Q2: the cell was full and is in the hand.
        self.ring.pop(hand).then(|| unsafe { self.take(R::cell(hand)) })
    }

    /// # Safety
    /// The caller may use the hand `index` (Q1).
    #[inline(always)]
    pub(crate) unsafe fn force_push_by(&self, index: usize, value: T) -> Option<T> {
        // SAFETY: Q1, promised by the caller.
        let hand = unsafe { self.hand(index) };
        hand.with_mut(|hand| {
            // SAFETY: Q1, promised by the caller.
            let hand = unsafe { &mut *hand };
            // SAFETY: Q2: the cell is in the hand, and without a value.
            unsafe { self.put(R::cell(hand), value) };
            // SAFETY: Q2: the cell was full and is in the hand.
            self.ring.replace(hand).then(|| unsafe { self.take(R::cell(hand)) })
        })
    }

    /// # Safety
    /// The caller has the cell, and it is without a value (Q2).
    #[inline(always)]
    unsafe fn put(&self, cell: usize, value: T) {
        // SAFETY: cells are below capacity + hands, as many as there are values.
        let place = unsafe { self.values.get_unchecked(cell) };
        // SAFETY: Q2, promised by the caller.
        place.with_mut(|place| unsafe { place.write(MaybeUninit::new(value)) });
    }

    /// # Safety
    /// The caller has the cell, and it has a value, which it has no more afterwards (Q2).
    #[inline(always)]
    unsafe fn take(&self, cell: usize) -> T {
        // SAFETY: cells are below capacity + hands, as many as there are values.
        let place = unsafe { self.values.get_unchecked(cell) };
        // SAFETY: Q2, promised by the caller.
        place.with(|place| unsafe { place.cast::<T>().read() })
    }
}

impl<T> WaitFreeQueue<T> {
    /// The most accesses to shared words that an operation takes, by the shared way of a thread that
    /// has a hand or by a handle; see [`WaitFreeRing::step_bound`].
    pub fn step_bound(&self) -> usize {
        <WaitFreeRing>::step_bound(self.hands.len())
    }
}

/// Pushes until one does not fit.
pub(crate) fn push_all<I: Iterator>(
    mut values: I,
    mut push: impl FnMut(I::Item) -> Result<(), Full<I::Item>>,
) -> Result<(), Full<Rest<I>>> {
    while let Some(value) = values.next() {
        if let Err(Full(value)) = push(value) {
            return Err(Full(iter::once(value).chain(values)));
        }
    }
    Ok(())
}

/// Drops what is left, oldest first. A panic in a drop does not keep the others from being dropped.
impl<T, R: IndexRing> Drop for Bounded<T, R> {
    fn drop(&mut self) {
        struct Left<'q, T, R: IndexRing, I: Iterator<Item = usize>>(&'q Bounded<T, R>, I);

        impl<T, R: IndexRing, I: Iterator<Item = usize>> Left<'_, T, R, I> {
            fn drop_all(&mut self) {
                for cell in &mut self.1 {
                    // SAFETY: Q2: the queue is the caller's alone, and the cell full.
                    drop(unsafe { self.0.take(cell) });
                }
            }
        }

        impl<T, R: IndexRing, I: Iterator<Item = usize>> Drop for Left<'_, T, R, I> {
            fn drop(&mut self) {
                self.drop_all();
            }
        }

        if core::mem::needs_drop::<T>() {
            Left(self, self.ring.full_cells()).drop_all();
        }
    }
}

impl<T, R: IndexRing> fmt::Debug for Bounded<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("hands", &self.hands.len())
            .finish_non_exhaustive()
    }
}

/// What was left in a queue, oldest first.
pub struct IntoIter<T, R: IndexRing>(Bounded<T, R>);

impl<T, R: IndexRing> IntoIterator for Bounded<T, R> {
    type Item = T;
    type IntoIter = IntoIter<T, R>;

    fn into_iter(self) -> IntoIter<T, R> {
        IntoIter(self)
    }
}

impl<T, R: IndexRing> Iterator for IntoIter<T, R> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.0.len();
        (len, Some(len))
    }
}

impl<T, R: IndexRing> ExactSizeIterator for IntoIter<T, R> {}

impl<T, R: IndexRing> fmt::Debug for IntoIter<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IntoIter").field(&self.0).finish()
    }
}
