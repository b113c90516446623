//! A call for each new version: a task that waits in line like any other, and whose waker runs it.
//!
//! # State
//!
//! ```text
//! asked     how often the task was asked to look since it last found nothing
//! body      the waiter, the version told last, the user's function; empty once it is over
//! ```
//!
//! # Invariants
//!
//! * I1: who raises `asked` from 0 owns the body until he sets it to 0 again.
//! * I2: after the last request the body is run once more: whoever sets `asked` to 0 has run the body
//!   after all requests that it counted.
//!
//! # Progress and linearization
//!
//! `ask` is wait-free, one step, if somebody runs the body; else it runs it, which takes what the
//! user's function takes. A thread that is stopped in there keeps this callback from running, and
//! nobody from updating.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | ask | addition in `ask` | failed exchange in `ask` | the new version, for who runs the body | `ask_is_heard_by_who_runs` |
//! | rest | exchange in `ask` | addition in `ask` | the body, for the next who runs it | `rest_hands_the_body_over` |
//! | end | store in `end` | load in `run` | what its owner did before he ended it | `end_of_a_callback_is_seen` |

use core::{fmt, panic::AssertUnwindSafe, task::Waker};
use std::{panic::catch_unwind, sync::Arc, task::Wake};

use lockfree_core::{
    sync::{
        AtomicBool, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
        UnsafeCell,
    },
    wait::Waiter,
};

use crate::{
    Snapshot,
    shared::{Handle, Line},
};

type Call<T> = Box<dyn FnMut(&Snapshot<T>) + Send>;

/// A function that is called with each new version, until this is dropped. See
/// [`HotConfig::on_change`](crate::HotConfig::on_change).
#[must_use = "dropping it ends the calls: `detach` keeps them up"]
pub struct Callback<T: Send + Sync + 'static>(Option<Arc<Task<T>>>);

impl<T: Send + Sync + 'static> Callback<T> {
    pub(crate) fn new(shared: Handle<T>, call: Call<T>) -> Self {
        let seen = shared.versions.load().number;
        let waiter = Waiter::new(Line(Handle::clone(&shared)));
        let task = Arc::new(Task {
            shared,
            asked: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            body: UnsafeCell::new(Some(Body { waiter, seen, call })),
        });
        task.ask();
        Self(Some(task))
    }

    /// Lets the calls go on until the last [`HotConfig`](crate::HotConfig) is dropped.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl<T: Send + Sync + 'static> Drop for Callback<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.end();
        }
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").finish_non_exhaustive()
    }
}

struct Task<T> {
    shared: Handle<T>,
    asked: AtomicUsize,
    ended: AtomicBool,
    body: UnsafeCell<Option<Body<T>>>,
}

struct Body<T> {
    waiter: Waiter<Line<T>>,
    seen: u64,
    call: Call<T>,
}

// SAFETY: I1: one thread at a time touches the body, whose function is `Send`.
unsafe impl<T: Send + Sync> Sync for Task<T> {}

impl<T: Send + Sync + 'static> Wake for Task<T> {
    fn wake(self: Arc<Self>) {
        self.ask();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ask();
    }
}

impl<T: Send + Sync + 'static> Task<T> {
    fn end(self: &Arc<Self>) {
        // Release [end]: what was done before it ended.
        self.ended.store(true, Release);
        self.ask();
    }

    /// Sees to it that somebody runs the body after this.
    fn ask(self: &Arc<Self>) {
        // AcqRel [ask, rest]: the version that this is about; the body as it was left.
        let mut asked = self.asked.fetch_add(1, AcqRel) + 1;
        if asked > 1 {
            return;
        }
        loop {
            self.body.with_mut(|body| {
                // SAFETY: I1: `asked` was 0.
                self.run(unsafe { &mut *body });
            });
            // Release [rest]: the body as this leaves it.
            // Acquire [ask]: what it is asked for by then.
            match self.asked.compare_exchange(asked, 0, Release, Acquire) {
                Ok(_) => return,
                Err(now) => asked = now,
            }
        }
    }

    /// Gets in line, and calls for what is new.
    fn run(self: &Arc<Self>, slot: &mut Option<Body<T>>) {
        let Some(body) = slot else { return };
        // Acquire [end]: what was done before it ended.
        while !self.ended.load(Acquire) {
            body.waiter.arm(&Waker::from(Arc::clone(self)));
            let Some(next) = self.caught(|| self.shared.next_after(&mut body.seen)) else {
                continue;
            };
            match next {
                None => return,
                Some(None) => break,
                Some(Some(change)) => {
                    self.caught(|| (body.call)(&change));
                    self.caught(|| drop(change));
                }
            }
        }
        let over = slot.take();
        self.caught(|| drop(over));
    }

    /// Does what may run the user's code: the function, and the drop of its captures and of values.
    fn caught<R>(&self, run: impl FnOnce() -> R) -> Option<R> {
        let outcome = catch_unwind(AssertUnwindSafe(run));
        if outcome.is_err() {
            // Relaxed: a figure.
            self.shared.panics.fetch_add(1, Relaxed);
        }
        outcome.ok()
    }
}
