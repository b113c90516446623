//! A line of waiting tasks.
//!
//! An event count (Reed and Kanodia, *Synchronization with Eventcounts and Sequencers*, 1979) whose
//! waiters are woken singly and in turn, as in a semaphore's queue (Dijkstra, 1965).
//!
//! # State
//!
//! ```text
//! line      under a lock: ticket -> waker, of each waiter that has not been notified
//! waiting   how many those are, written under the lock, read without it
//! ```
//!
//! | a waiter | has a ticket | which is in the line | goes to |
//! | --- | --- | --- | --- |
//! | idle | no | | waiting |
//! | waiting | yes | yes | notified, idle |
//! | notified | yes | no | waiting, idle |
//!
//! # Invariants
//!
//! * I1: whoever holds the lock runs no code of the user: wakers are cloned, woken and dropped
//!   outside.
//! * I2: a notification takes one ticket out of the line. Its waiter goes on with what it waited
//!   for, or finds that another has taken that and waits again *with the same ticket*, or leaves and
//!   notifies the next: it is never kept by one who does not use it.
//!
//! # Progress and linearization
//!
//! Nobody there: `notify` is wait-free, two accesses, and linearizes at the load. Otherwise all take
//! the lock, for a search among the waiters: waiters, and those who notify them, wait for a thread
//! that is stopped with the lock. It touches nothing else: what goes on without meeting a waiter
//! never does.
//!
//! # Why no wake-up is lost
//!
//! For one waiter, by the second look of [`WakerCell`](super::WakerCell): the lock takes the place
//! of the cell's states. For many that share things, say values: those who put a value there notify
//! once for each, afterwards. Let V be the values there and N the notifications under way: those
//! still to be given, and those given to a waiter that has not looked since. V <= N as long as
//! somebody waits in the line: to wait is to have seen V = 0; to put a value there adds one to both;
//! a notified waiter takes a value, one off both, or has seen V = 0, and what came since has brought
//! its own N; one who takes a value unasked lowers V only; one who leaves hands its N on. So when N
//! is 0, nothing is there that a waiter could have.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | join-line | fence in `notify_after_rmw` and `has_waiters` | fence in `arm` | of the thing waited for and the place in the line, one is seen | `join_line_loses_no_wake_up` |

use alloc::collections::{BTreeMap, btree_map::IntoValues};
use core::{
    fmt,
    future::poll_fn,
    mem,
    num::NonZeroU64,
    ops::Deref,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{panic::catch_unwind, sync::PoisonError, time::Instant};

use super::block::{self, FIRST_PAUSE};
use crate::{
    const_unless_loom,
    sync::{
        AtomicUsize, Mutex, MutexGuard,
        Ordering::{Relaxed, SeqCst},
        fence, fence_after_rmw,
    },
};

/// A line of any number of waiting tasks and threads, woken in the order in which they came.
///
/// The protocol is that of [`WakerCell`](super::WakerCell): who waits joins the line and *then looks
/// once more*; who wakes makes true what is waited for and *then* notifies, once for each thing that
/// one waiter can use. [`Waiter::poll_until`] and [`block_until`](Self::block_until) do it right.
///
/// Who does not wait may overtake who does: that keeps processors busy. A waiter that is notified
/// and comes too late keeps its place at the head of the line.
///
/// ```
/// use lockfree_core::{sync::{AtomicU32, Ordering::Relaxed}, wait::WaitQueue};
///
/// let (tickets, line) = (AtomicU32::new(0), WaitQueue::new());
/// let take = || {
///     let left = tickets.load(Relaxed);
///     let taken = left > 0 && tickets.compare_exchange(left, left - 1, Relaxed, Relaxed).is_ok();
///     taken.then_some(())
/// };
/// std::thread::scope(|scope| {
///     for _ in 0..3 {
///         scope.spawn(|| line.block_until(None, take));
///     }
///     for _ in 0..3 {
///         tickets.fetch_add(1, Relaxed);
///         line.notify_one();
///     }
/// });
/// assert_eq!(tickets.load(Relaxed), 0);
/// ```
pub struct WaitQueue {
    waiting: AtomicUsize,
    first_pause: u32,
    line: Mutex<Line>,
}

/// There are more than anyone can draw.
type Ticket = NonZeroU64;

struct Line {
    wakers: BTreeMap<Ticket, Waker>,
    next_ticket: Ticket,
}

impl WaitQueue {
    const_unless_loom! {
        /// A line where nobody waits.
        #[must_use]
        pub fn new() -> Self {
            Self::with_first_pause(FIRST_PAUSE)
        }
    }

    const_unless_loom! {
        /// As [`new`](Self::new), but who blocks here stays away for `pause` spin hints before it
        /// looks again; 32 otherwise. A longer pause is worth while where what is waited for comes
        /// in numbers, and finds more of it at once, as room in a large queue that is full.
        #[must_use]
        pub fn with_first_pause(pause: u32) -> Self {
            let line = Line { wakers: BTreeMap::new(), next_ticket: Ticket::MIN };
            let waiting = AtomicUsize::new(0);
            let first_pause = if pause == 0 { 1 } else { pause };
            Self { waiting, first_pause, line: Mutex::new(line) }
        }
    }

    /// One who may wait here. Not yet in the line.
    pub fn waiter(&self) -> Waiter<&Self> {
        Waiter::new(self)
    }

    /// Waits as a task until `attempt` gives something. Where it does so at once, no place in the line is
    /// taken and nothing is locked or allocated.
    ///
    /// # Panics
    /// Its polls do as those of [`Waiter::poll_until`].
    ///
    /// ```
    /// use lockfree_core::wait::{WaitQueue, block_on};
    ///
    /// let (line, mut looks) = (WaitQueue::new(), 0);
    /// let look = || {
    ///     looks += 1;
    ///     (looks > 1).then_some(looks)
    /// };
    /// assert_eq!(block_on(line.wait_until(look)), 2);
    /// ```
    #[inline]
    pub fn wait_until<R, F: FnMut() -> Option<R>>(&self, attempt: F) -> WaitUntil<'_, F> {
        WaitUntil { waiter: self.waiter(), attempt }
    }

    /// Waits, spinning for some microseconds and then asleep, until `attempt` gives something; `None`
    /// if it has given nothing by `deadline`. It is called once at least.
    ///
    /// # Panics
    /// `attempt` panics.
    #[inline]
    pub fn block_until<R>(
        &self,
        deadline: Option<Instant>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        attempt().or_else(|| self.keep_trying(deadline, &mut attempt))
    }

    /// Spins each time before it sleeps: what woke it seldom comes alone.
    #[cold]
    fn keep_trying<R>(
        &self,
        deadline: Option<Instant>,
        attempt: &mut impl FnMut() -> Option<R>,
    ) -> Option<R> {
        let mut waiter = self.waiter();
        let look = |cx: &mut Context<'_>| match block::spin(self.first_pause, attempt) {
            Some(found) => waiter.find(found),
            None => waiter.look_again(cx, attempt),
        };
        block::block_until(poll_fn(look), deadline)
    }

    /// Wakes the waiter at the head of the line, if there is one.
    ///
    /// With nobody there it costs a fence and a load. Who joins at the same time is woken, or sees in
    /// its second look what this thread did before this call.
    ///
    /// # Panics
    /// The waker's `wake` panics. The line stays valid.
    #[inline]
    pub fn notify_one(&self) {
        self.notify_many(1);
    }

    /// Wakes the first `count` waiters in the line; all, if there are no more.
    ///
    /// # Panics
    /// A waker's `wake` panics. The line stays valid; the waiters after that one stay in it.
    #[inline]
    pub fn notify_many(&self, count: usize) {
        if self.has_waiters() {
            self.notify_in_turn(count);
        }
    }

    /// As [`notify_many`](Self::notify_many), for a caller that made true what is waited for by a
    /// read-modify-write, or has read from another thread's that did. Then an x86-64 needs no fence, and
    /// with nobody there it costs a load.
    ///
    /// # Panics
    /// As [`notify_many`](Self::notify_many).
    #[inline]
    pub fn notify_after_rmw(&self, count: usize) {
        // SeqCst [join-line]: what the caller did comes before the look at the line.
        fence_after_rmw(SeqCst);
        // Relaxed: the fence orders it; the line is read again under the lock.
        if self.waiting.load(Relaxed) > 0 {
            self.notify_in_turn(count);
        }
    }

    /// Wakes everybody who is in the line.
    ///
    /// # Panics
    /// A waker's `wake` panics, when all others have been woken; of several panics the first goes on.
    #[inline]
    pub fn notify_all(&self) {
        if self.has_waiters() {
            self.notify_everybody();
        }
    }

    #[inline]
    fn has_waiters(&self) -> bool {
        // SeqCst [join-line]: what the caller did comes before the look at the line.
        fence(SeqCst);
        // Relaxed: the fence orders it; the line is read again under the lock.
        self.waiting.load(Relaxed) > 0
    }

    #[cold]
    fn notify_in_turn(&self, count: usize) {
        for _ in 0..count {
            let first = self.change(|line| line.wakers.pop_first());
            let Some((_, waker)) = first else { break };
            waker.wake();
        }
    }

    #[cold]
    fn notify_everybody(&self) {
        WakeAll(self.change(|line| mem::take(&mut line.wakers)).into_values()).go_on();
    }

    /// Changes the line and keeps count. `change` must be no code of the user (I1).
    fn change<R>(&self, change: impl FnOnce(&mut Line) -> R) -> R {
        let mut line = self.lock();
        let result = change(&mut line);
        // Relaxed: the lock orders the writers, and the fences the readers.
        self.waiting.store(line.wakers.len(), Relaxed);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes each, also after the panic of one.
struct WakeAll(IntoValues<Ticket, Waker>);

impl WakeAll {
    fn go_on(&mut self) {
        self.0.by_ref().for_each(Waker::wake);
    }
}

impl Drop for WakeAll {
    fn drop(&mut self) {
        while self.0.len() > 0 {
            // A panic goes on already.
            let _ = catch_unwind(AssertUnwindSafe(|| self.go_on()));
        }
    }
}

impl Default for WaitQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WaitQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot.
        let waiting = self.waiting.load(Relaxed);
        f.debug_struct("WaitQueue").field("waiting", &waiting).finish_non_exhaustive()
    }
}

/// One who waits in a [`WaitQueue`], at a place in the line that it has from its first
/// [`Pending`](Poll::Pending) until it finds what it waits for or is dropped.
///
/// Cancel-safe: if it is dropped after it was notified, the next in the line is notified instead. One
/// that was notified and is neither polled nor dropped keeps that from the others.
///
/// `Q` is a reference to the line, or something that owns it: `WaitQueue::waiter` gives the first.
pub struct Waiter<Q: Deref<Target = WaitQueue>> {
    queue: Q,
    ticket: Option<Ticket>,
}

impl<Q: Deref<Target = WaitQueue>> Waiter<Q> {
    /// One who may wait there. Not yet in the line.
    pub fn new(queue: Q) -> Self {
        Self { queue, ticket: None }
    }

    /// Looks whether `attempt` gives something; if not, joins the line and looks once more. Leaves
    /// the line when something is found. Locks only if the first look is in vain, or was once.
    ///
    /// # Panics
    /// `attempt` or the waker's `clone` panics. The place in the line is kept.
    #[inline]
    pub fn poll_until<R>(
        &mut self,
        cx: &Context<'_>,
        mut attempt: impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        match attempt() {
            Some(found) => self.find(found),
            None => self.look_again(cx, &mut attempt),
        }
    }

    /// Joins the line, having looked in vain, and looks once more.
    #[inline(never)]
    fn look_again<R>(
        &mut self,
        cx: &Context<'_>,
        attempt: &mut impl FnMut() -> Option<R>,
    ) -> Poll<R> {
        self.arm(cx.waker());
        attempt().map_or(Poll::Pending, |found| self.find(found))
    }

    #[inline]
    fn find<R>(&mut self, found: R) -> Poll<R> {
        self.leave();
        Poll::Ready(found)
    }

    /// Joins the line, to be woken by `waker`; one who has a place there keeps it. Look once more at
    /// what you wait for before you sleep, and [`leave`](Self::leave) if you have found it.
    ///
    /// Allocates where the line becomes longer than before.
    ///
    /// # Panics
    /// The waker's `clone` panics.
    pub fn arm(&mut self, waker: &Waker) {
        let waker = waker.clone();
        let replaced = self.queue.change(|line| {
            let ticket = *self.ticket.get_or_insert_with(|| {
                let next = line.next_ticket.saturating_add(1);
                mem::replace(&mut line.next_ticket, next)
            });
            line.wakers.insert(ticket, waker)
        });
        // SeqCst [join-line]: the caller's second look comes after the place in the line.
        fence(SeqCst);
        drop(replaced);
    }

    /// Leaves the line, having found what one waited for; true if one was notified since. That
    /// notification is used up: who has not found anything drops the waiter instead.
    #[inline]
    pub fn leave(&mut self) -> bool {
        match self.ticket.take() {
            Some(ticket) => self.give_up(ticket),
            None => false,
        }
    }

    #[inline(never)]
    fn give_up(&self, ticket: Ticket) -> bool {
        self.queue.change(|line| line.wakers.remove(&ticket)).is_none()
    }
}

/// Leaves the line, and hands a notification on.
impl<Q: Deref<Target = WaitQueue>> Drop for Waiter<Q> {
    #[inline]
    fn drop(&mut self) {
        if self.leave() {
            self.queue.notify_one();
        }
    }
}

impl<Q: Deref<Target = WaitQueue>> fmt::Debug for Waiter<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

/// Waits until its attempt gives something; see [`WaitQueue::wait_until`].
///
/// Cancel-safe: if it is dropped after it was notified, the next in the line is notified instead.
#[must_use = "futures do nothing unless polled"]
pub struct WaitUntil<'q, F> {
    waiter: Waiter<&'q WaitQueue>,
    attempt: F,
}

/// Nothing is pinned in it.
impl<F> Unpin for WaitUntil<'_, F> {}

impl<R, F: FnMut() -> Option<R>> Future for WaitUntil<'_, F> {
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        let Self { waiter, attempt } = self.get_mut();
        waiter.poll_until(cx, attempt)
    }
}

impl<F> fmt::Debug for WaitUntil<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitUntil").field("waiter", &self.waiter).finish_non_exhaustive()
    }
}
