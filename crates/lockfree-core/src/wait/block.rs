//! A future as a thread that parks.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | notify | the waker sets `notified` | `park` takes it back | what the waking thread did, for the next poll | `notify_carries_what_the_waker_did` |

#[cfg(not(loom))]
use core::cell::Cell;
use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
#[cfg(not(loom))]
use std::thread_local;
use std::{sync::Arc, task::Wake, time::Instant};

use crate::sync::{
    AtomicBool,
    Ordering::{Acquire, Release},
    hint,
    thread::{self, Thread},
};

/// The first pause of one who waits, in spin hints: some cache-line hand-offs.
pub(super) const FIRST_PAUSE: u32 = 32;
/// Once so many spin hints have passed, it is time to sleep: four pauses, each twice the one before.
const PATIENCE: u32 = 15 * FIRST_PAUSE;

/// Runs `future` on this thread and returns its output; parks while it waits.
///
/// Allocates once a thread, and once for each call within a call.
///
/// # Panics
/// The future panics.
///
/// ```
/// use lockfree_core::wait;
///
/// assert_eq!(wait::block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    match block_until(future, None) {
        Some(output) => output,
        None => unreachable!("without a deadline there is no end before the output"),
    }
}

/// As [`block_on`], but gives up at `deadline`: drops the future and returns `None`.
///
/// The future is polled once more after the deadline, so what was done in time is not lost; one
/// that is ready at once is ready whatever the deadline.
///
/// # Panics
/// The future panics.
///
/// ```
/// use std::{future, time::{Duration, Instant}};
/// use lockfree_core::wait;
///
/// let soon = Instant::now() + Duration::from_millis(2);
/// assert_eq!(wait::block_until(future::pending::<()>(), Some(soon)), None);
/// ```
pub fn block_until<F: Future>(future: F, deadline: Option<Instant>) -> Option<F::Output> {
    let mut future = pin!(future);
    let parker = Parker::of_this_thread();
    let mut expired = false;
    let output = loop {
        match future.as_mut().poll(&mut Context::from_waker(&parker.waker)) {
            Poll::Ready(output) => break Some(output),
            Poll::Pending if expired => break None,
            Poll::Pending => expired = parker.signal.park(deadline) == Woken::ByDeadline,
        }
    };
    parker.give_back();
    output
}

/// Tries again for some microseconds, before it is worth while to sleep: after longer and longer
/// pauses, the first of which is `pause` spin hints, and after others had this processor.
pub(super) fn spin<R>(mut pause: u32, attempt: &mut impl FnMut() -> Option<R>) -> Option<R> {
    let mut spent = 0;
    // To a model, pauses are all alike: the yield will do.
    while !cfg!(loom) && spent < PATIENCE {
        (0..pause).for_each(|_| hint::spin_loop());
        if let Some(found) = attempt() {
            return Some(found);
        }
        spent = spent.saturating_add(pause);
        pause = pause.saturating_mul(2);
    }
    thread::yield_now();
    attempt()
}

/// What a thread sleeps on.
struct Signal {
    thread: Thread,
    /// A wake-up has come that no poll has followed yet. The thread's own token is not enough: what
    /// a poll calls may park too, and consume it.
    notified: AtomicBool,
}

#[derive(PartialEq)]
enum Woken {
    ByWaker,
    ByDeadline,
}

impl Signal {
    fn park(&self, deadline: Option<Instant>) -> Woken {
        loop {
            // Acquire [notify]: the next poll sees what the waking thread did.
            let notified = self.notified.swap(false, Acquire);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if left.is_zero() => return Woken::ByDeadline,
                _ if notified => return Woken::ByWaker,
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release [notify]: the poll that follows sees what this thread did.
        // A read-modify-write, so that of several wake-ups none is hidden by the last.
        self.notified.swap(true, Release);
        // Also if it was set: who set it may be stopped between there and here.
        self.thread.unpark();
    }
}

// The threads of a model share what is local to the thread that runs them, so there is no cache.
#[cfg(not(loom))]
thread_local! {
    /// Waits here for the thread's next call. A call within a call finds none and builds its own:
    /// it must not consume the outer one's wake-ups.
    static IDLE: Cell<Option<Parker>> = const { Cell::new(None) };
}

/// A thread's signal, and a waker that holds it.
struct Parker {
    signal: Arc<Signal>,
    waker: Waker,
}

impl Parker {
    fn of_this_thread() -> Self {
        // A thread that is past its destructors has no cache any more.
        #[cfg(not(loom))]
        if let Ok(Some(idle)) = IDLE.try_with(Cell::take) {
            return idle;
        }
        let signal =
            Arc::new(Signal { thread: thread::current(), notified: AtomicBool::new(false) });
        Self { waker: Waker::from(Arc::clone(&signal)), signal }
    }

    fn give_back(self) {
        #[cfg(not(loom))]
        let _ = IDLE.try_with(|idle| idle.set(Some(self)));
        #[cfg(loom)]
        drop(self);
    }
}
