//! What the ends of a channel share.
//!
//! # Invariants
//!
//! * C1: `senders` and `receivers` count the strong ends. A count that has come to 0 stays there.
//! * C2: `closed` is set once, by whoever says so or by the last end of a kind, and never cleared.
//! * C3: whoever has pushed notifies the line of values afterwards, once for each; whoever has popped,
//!   that of room; whoever has closed, everybody in both.
//! * C4: a value is put into the queue, or taken out, by a read-modify-write: of the thread itself, or of
//!   a helper whose word it has read. That is what `notify_after_rmw` asks for.
//!
//! # Progress and linearization
//!
//! A send linearizes where the queue pushes, a receive where it pops, a refused one where it sees
//! `closed`. A receive that finds nothing looks at `closed`, and then once more into the queue: what
//! was sent before the channel was closed is received before its end.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | leave | a sender's drop counts down | the last sender's drop | what was sent through that end | `leave_of_each_sender_and_close_carry_what_was_sent` |
//! | close | `close` sets `closed` | `is_closed` | what was sent before | `close_carries_what_was_sent` |

use core::{fmt, iter, panic::AssertUnwindSafe};
use std::panic::{catch_unwind, resume_unwind};

use lockfree_core::{
    CachePadded,
    sync::{
        AtomicBool, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    wait::WaitQueue,
};

use super::{Closed, Rest, TrySendError};
use crate::{Bounded, Full, ring::IndexRing};

/// Who finds no room waits until about a quarter of it has been made, at one spin hint or so for each
/// value, so that it can send many at a time; within these limits.
const SHORTEST_PAUSE: u32 = 32;
const LONGEST_PAUSE: u32 = 256;

pub(super) struct Shared<T, R: IndexRing> {
    pub(super) queue: Bounded<T, R>,
    closed: AtomicBool,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// Receivers, for a value.
    pub(super) values: CachePadded<WaitQueue>,
    /// Senders, for room.
    pub(super) room: CachePadded<WaitQueue>,
}

impl<T, R: IndexRing> Shared<T, R> {
    /// With one end of each kind.
    pub(super) fn new(queue: Bounded<T, R>) -> Self {
        let most_room = u32::try_from(queue.capacity()).unwrap_or(u32::MAX);
        let pause = (most_room / 4).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        Self {
            queue,
            closed: AtomicBool::new(false),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(1),
            values: CachePadded::default(),
            room: CachePadded::new(WaitQueue::with_first_pause(pause)),
        }
    }

    #[inline]
    pub(super) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.push(value)?;
        self.values.notify_after_rmw(1);
        Ok(())
    }

    #[inline]
    fn push(&self, value: T) -> Result<(), TrySendError<T>> {
        if self.is_closed() {
            return Err(TrySendError::Closed(value));
        }
        self.queue.push(value).map_err(|Full(value)| TrySendError::Full(value))
    }

    /// Sends until one does not fit, and wakes as many receivers as there are values.
    pub(super) fn try_send_many<I: Iterator<Item = T>>(
        &self,
        mut values: I,
    ) -> Result<(), TrySendError<Rest<I>>> {
        let mut sent = Notify { line: &self.values, count: 0 };
        while let Some(value) = values.next() {
            match self.push(value) {
                Ok(()) => sent.count += 1,
                Err(refused) => return Err(refused.map(|value| iter::once(value).chain(values))),
            }
        }
        Ok(())
    }

    /// One attempt of a send that waits: takes the value out of `value` when that ends the wait.
    #[inline]
    pub(super) fn attempt_send(&self, value: &mut Option<T>) -> Option<Result<(), Closed<T>>> {
        match self.try_send(value.take().expect("there is a value to send")) {
            Ok(()) => Some(Ok(())),
            Err(TrySendError::Closed(value)) => Some(Err(Closed(value))),
            Err(TrySendError::Full(back)) => {
                *value = Some(back);
                None
            }
        }
    }

    /// One attempt to receive: `None` if there is reason to wait.
    #[inline]
    pub(super) fn attempt_recv(&self) -> Option<Result<T, Closed>> {
        let popped = self.pop()?;
        if popped.is_ok() {
            self.room.notify_after_rmw(1);
        }
        Some(popped)
    }

    /// One attempt to receive several: `None` if there is reason to wait. Wakes as many senders as
    /// there is room made, also when `values` panics.
    pub(super) fn attempt_recv_into(
        &self,
        values: &mut impl Extend<T>,
        most: usize,
    ) -> Option<Result<usize, Closed>> {
        if most == 0 {
            return Some(Ok(0));
        }
        let first = match self.pop()? {
            Ok(first) => first,
            Err(end) => return Some(Err(end)),
        };
        let mut received = Notify { line: &self.room, count: 1 };
        let others = self.queue.pop_many(most - 1).inspect(|_| received.count += 1);
        values.extend(iter::once(first).chain(others));
        Some(Ok(received.count))
    }

    #[inline]
    fn pop(&self) -> Option<Result<T, Closed>> {
        if let Some(value) = self.queue.pop() {
            return Some(Ok(value));
        }
        // What was sent before the end is there by now.
        self.is_closed().then(|| self.queue.pop().ok_or(Closed(())))
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        // Acquire [close]: what was sent before is in the queue that we look into next.
        self.closed.load(Acquire)
    }

    /// False if it was closed before.
    pub(super) fn close(&self) -> bool {
        // Release [close]: who sees it sees what was sent before. A read-modify-write, so that of
        // several closings each is seen in the last.
        let was_closed = self.closed.swap(true, Release);
        // Also if a receiver's waker panics, all senders are woken.
        let receivers = catch_unwind(AssertUnwindSafe(|| self.values.notify_all()));
        self.room.notify_all();
        if let Err(panic) = receivers {
            resume_unwind(panic);
        }
        !was_closed
    }

    pub(super) fn add_sender(&self) {
        // Relaxed: the caller has an end, so the count is above 0 until it is gone.
        self.senders.fetch_add(1, Relaxed);
    }

    pub(super) fn add_receiver(&self) {
        // Relaxed: the caller has an end, so the count is above 0 until it is gone.
        self.receivers.fetch_add(1, Relaxed);
    }

    pub(super) fn add_sender_unless_none(&self) -> bool {
        add_unless_none(&self.senders)
    }

    pub(super) fn add_receiver_unless_none(&self) -> bool {
        add_unless_none(&self.receivers)
    }

    pub(super) fn remove_sender(&self) {
        // AcqRel [leave]: the last one, who closes, has seen what each other sent.
        if self.senders.fetch_sub(1, AcqRel) == 1 {
            self.close();
        }
    }

    pub(super) fn remove_receiver(&self) {
        // Relaxed: what others received is no business of who closes.
        if self.receivers.fetch_sub(1, Relaxed) == 1 {
            self.close();
        }
    }
}

fn add_unless_none(count: &AtomicUsize) -> bool {
    // Relaxed: only the count matters.
    let mut seen = count.load(Relaxed);
    while seen > 0 {
        // Relaxed: as above.
        match count.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(now) => seen = now,
        }
    }
    false
}

/// Notifies once for each of several things, in one go; also after a panic in what the user gave.
struct Notify<'a> {
    line: &'a WaitQueue,
    count: usize,
}

impl Drop for Notify<'_> {
    fn drop(&mut self) {
        if self.count > 0 {
            self.line.notify_after_rmw(self.count);
        }
    }
}

impl<T, R: IndexRing> fmt::Debug for Shared<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: a snapshot.
        let (senders, receivers) = (self.senders.load(Relaxed), self.receivers.load(Relaxed));
        f.debug_struct("Channel")
            .field("queue", &self.queue)
            .field("closed", &self.is_closed())
            .field("senders", &senders)
            .field("receivers", &receivers)
            .finish_non_exhaustive()
    }
}
