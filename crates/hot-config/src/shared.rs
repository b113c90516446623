//! What all handles of a configuration share: the versions, and the line of those who wait for more.
//!
//! # State
//!
//! The word of the [cell](crate::cell) is the state: its node has the number, the value and the
//! versions before it. An update is one exchange of that word, so numbers go up by one, in the order of
//! the exchanges, and a history belongs to its version.
//!
//! # Progress and linearization
//!
//! * `replace`: lock-free, where the cell's exchange does; then it wakes those who wait, if any.
//! * `close`: one store, and wakes those who wait.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | close | store in `close` | load in `next_after` | the last version, before the end is told | `close_carries_the_last_version` |

use core::ops::Deref;

use lockfree_core::{
    sync::{
        Arc, AtomicBool, AtomicUsize,
        Ordering::{Acquire, Release},
    },
    wait::WaitQueue,
};

use crate::{Snapshot, cell::HazardCell};

/// A configuration, kept alive by each of its handles. Not the façade's: what these order, no model asks.
pub(crate) type Handle<T> = std::sync::Arc<Shared<T>>;

pub(crate) struct Shared<T> {
    pub(crate) versions: HazardCell<Version<T>>,
    /// How many versions are kept beside the current one.
    history: usize,
    closed: AtomicBool,
    pub(crate) line: WaitQueue,
    pub(crate) panics: AtomicUsize,
}

/// A version, with those before it.
pub(crate) struct Version<T> {
    pub(crate) number: u64,
    pub(crate) value: Arc<T>,
    /// Older ones first.
    pub(crate) past: Box<[Snapshot<T>]>,
}

impl<T> Version<T> {
    pub(crate) fn snapshot(&self) -> Snapshot<T> {
        Snapshot { version: self.number, value: Arc::clone(&self.value) }
    }

    /// The version after this one.
    fn next(&self, value: Arc<T>, history: usize) -> Self {
        let spare = (self.past.len() + 1).saturating_sub(history);
        let past = self.past.iter().cloned().chain([self.snapshot()]).skip(spare).collect();
        Self { number: self.number + 1, value, past }
    }

    /// The value of that version, if it is kept.
    pub(crate) fn kept(&self, version: u64) -> Option<&Arc<T>> {
        if version == self.number {
            return Some(&self.value);
        }
        self.past.iter().find(|past| past.version == version).map(|past| &past.value)
    }
}

impl<T> Shared<T> {
    pub(crate) fn new(value: Arc<T>, history: usize) -> Self {
        Self {
            versions: HazardCell::new(Version { number: 1, value, past: Box::default() }),
            history,
            closed: AtomicBool::new(false),
            line: WaitQueue::new(),
            panics: AtomicUsize::new(0),
        }
    }

    /// Makes the next version, wakes those who wait for it, and returns the one before.
    pub(crate) fn replace<E>(
        &self,
        mut make: impl FnMut(&Version<T>) -> Result<Arc<T>, E>,
    ) -> Result<Snapshot<T>, E> {
        let next = |old: &Version<T>| Ok(old.next(make(old)?, self.history));
        let (outcome, mut panics) = self.versions.replace(next);
        let outcome = outcome.map(|old| {
            self.line.notify_all();
            let before = old.snapshot();
            panics.catch(|| drop(old));
            before
        });
        panics.or_resume(outcome)
    }

    /// The newest version, if it is newer than `seen`, which it then is; `Some(None)` if there will
    /// be none.
    #[expect(clippy::option_option, reason = "not yet, or never")]
    pub(crate) fn next_after(&self, seen: &mut u64) -> Option<Option<Snapshot<T>>> {
        // Acquire [close]: who sees the end sees the last version.
        let closed = self.closed.load(Acquire);
        let newest = self.versions.load();
        let newer = (newest.number > *seen).then(|| newest.snapshot());
        // A value that is dropped here may panic: nothing is told then, and so nothing is seen.
        drop(newest);
        match newer {
            Some(newer) => {
                *seen = newer.version;
                Some(Some(newer))
            }
            None => closed.then_some(None),
        }
    }

    pub(crate) fn close(&self) {
        // Release [close]: the last version is seen by who sees the end.
        self.closed.store(true, Release);
        self.line.notify_all();
    }
}

/// The line of those who wait, kept alive by each of them.
pub(crate) struct Line<T>(pub(crate) Handle<T>);

impl<T> Deref for Line<T> {
    type Target = WaitQueue;

    fn deref(&self) -> &WaitQueue {
        &self.0.line
    }
}
