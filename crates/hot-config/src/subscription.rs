//! Waiting for the next version: blocking, as a future, as a stream.

use core::{
    fmt,
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};
use std::time::Instant;

use lockfree_core::wait::Waiter;

use crate::{
    Snapshot, WaitError,
    shared::{Handle, Line},
};

/// Tells a thread or a task of each version that comes after the last one it was told.
///
/// It coalesces: of several updates it tells the last. Versions never go back, and after the last
/// update it is never left waiting. It does not keep values: what it has told is the caller's.
///
/// It ends when the last [`HotConfig`](crate::HotConfig) is dropped, after the last version is told.
///
/// ```
/// use hot_config::HotConfig;
///
/// let config = HotConfig::new("a");
/// let mut changes = config.subscribe();
/// let told = std::thread::spawn(move || {
///     let mut told = Vec::new();
///     while let Some(change) = changes.wait() {
///         told.push((change.version, *change.value));
///     }
///     told
/// });
/// config.update("b");
/// config.update("c");
/// drop(config);
/// let told = told.join().unwrap();
/// assert!(told == [(2, "b"), (3, "c")] || told == [(3, "c")]);
/// ```
pub struct Subscription<T> {
    seen: u64,
    waiter: Waiter<Line<T>>,
    shared: Handle<T>,
}

impl<T> Subscription<T> {
    pub(crate) fn new(shared: Handle<T>) -> Self {
        let seen = shared.versions.load().number;
        Self { seen, waiter: Waiter::new(Line(Handle::clone(&shared))), shared }
    }

    /// The newest version if it was not told yet. Wait-free.
    pub fn try_next(&mut self) -> Option<Snapshot<T>> {
        self.shared.next_after(&mut self.seen).flatten()
    }

    /// Blocks until there is a version that was not told yet; `None` if there will be none.
    pub fn wait(&mut self) -> Option<Snapshot<T>> {
        let Self { seen, shared, .. } = self;
        shared.line.block_until(None, || shared.next_after(seen)).flatten()
    }

    /// As [`wait`](Self::wait), for `timeout` at most.
    ///
    /// # Errors
    /// No version came in time, or none will come.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Result<Snapshot<T>, WaitError> {
        let Self { seen, shared, .. } = self;
        // A time that cannot be told is never reached.
        let deadline = Instant::now().checked_add(timeout);
        let found = shared.line.block_until(deadline, || shared.next_after(seen));
        found.ok_or(WaitError::Timeout)?.ok_or(WaitError::Closed)
    }

    /// As [`wait`](Self::wait), without blocking the thread, in any runtime. Cancel-safe: what is not
    /// returned is not told.
    pub async fn changed(&mut self) -> Option<Snapshot<T>> {
        poll_fn(|cx| self.poll_changed(cx)).await
    }

    /// As [`changed`](Self::changed), for futures written by hand.
    pub fn poll_changed(&mut self, cx: &Context<'_>) -> Poll<Option<Snapshot<T>>> {
        let Self { seen, shared, waiter } = self;
        waiter.poll_until(cx, || shared.next_after(seen))
    }

    /// The version that was told last, or was current when this was made.
    pub fn seen(&self) -> u64 {
        self.seen
    }
}

/// Another who was told what this one was told.
impl<T> Clone for Subscription<T> {
    fn clone(&self) -> Self {
        let shared = Handle::clone(&self.shared);
        Self { seen: self.seen, waiter: Waiter::new(Line(Handle::clone(&shared))), shared }
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("seen", &self.seen).finish_non_exhaustive()
    }
}

#[cfg(feature = "stream")]
impl<T> futures_core::Stream for Subscription<T> {
    type Item = Snapshot<T>;

    fn poll_next(
        self: core::pin::Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Snapshot<T>>> {
        self.get_mut().poll_changed(cx)
    }
}
