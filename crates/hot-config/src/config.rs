//! The configuration itself.

use core::{convert::Infallible, fmt};

use lockfree_core::sync::{Arc, Ordering::Relaxed};

use crate::{
    Callback, Guard, NotKept, Reader, Snapshot, Status, Subscription,
    shared::{Handle, Shared, Version},
};

/// How many versions are kept beside the current one, unless [`HotConfig::with_history`] says.
const HISTORY: usize = 8;

/// A value that is replaced as a whole while others read it.
///
/// Each value has a version: the first is 1, and each update makes the next. A clone is another handle
/// to the same configuration.
///
/// | to read | costs | for |
/// | --- | --- | --- |
/// | [`load`](Self::load) | two stores and some loads of lines that only updates write | now and then, on any thread |
/// | [`reader`](Self::reader) | one load and a compare | a loop, a worker |
/// | [`load_full`](Self::load_full) | a load, and a count that all share | what is kept, sent, or held across an `await` |
///
/// What happened before an update happens before a read that sees its value, or a later one.
///
/// ```
/// use hot_config::HotConfig;
///
/// struct Limits { connections: u32 }
///
/// let config = HotConfig::new(Limits { connections: 10 });
/// let old = config.update(Limits { connections: 20 });
/// assert_eq!((old.connections, config.load().connections), (10, 20));
/// assert_eq!(config.version(), 2);
///
/// config.rcu(|limits| Limits { connections: limits.connections * 2 });
/// assert_eq!(config.load().connections, 40);
///
/// config.rollback(1)?;
/// assert_eq!((config.load().connections, config.version()), (10, 4));
/// # Ok::<_, hot_config::NotKept>(())
/// ```
pub struct HotConfig<T> {
    pub(crate) shared: Handle<T>,
    /// What closes it with the last handle.
    last: std::sync::Arc<Last<T>>,
}

struct Last<T>(Handle<T>);

impl<T> Drop for Last<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> HotConfig<T> {
    /// A configuration whose version 1 is `value`. It keeps the last eight versions besides the
    /// current one.
    pub fn new(value: T) -> Self {
        Self::with_history(value, HISTORY)
    }

    /// As [`new`](Self::new), and keeps the last `versions` versions besides the current one, for
    /// [`rollback`](Self::rollback): with 0, none. Each update copies the list of them.
    ///
    /// A value that is kept no more is dropped when nobody has it: no guard or reader of its version or
    /// of one that kept it, no snapshot, nobody whom an update or [`load_full`](Self::load_full) gave
    /// it. That is as a rule at once; see [what it costs](crate#what-it-costs) for what may put it off.
    pub fn with_history(value: T, versions: usize) -> Self {
        let shared = Handle::new(Shared::new(Arc::new(value), versions));
        Self { last: std::sync::Arc::new(Last(Handle::clone(&shared))), shared }
    }

    /// Lends the value to this thread. Wait-free.
    ///
    /// The guard's end may drop values that were replaced while it lived.
    #[inline(always)]
    pub fn load(&self) -> Guard<'_, T> {
        Guard(self.shared.versions.load())
    }

    /// The value, owned. Wait-free, as [`load`](Self::load).
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        Guard::to_arc(&self.load())
    }

    /// The value with its version, owned. Wait-free, as [`load`](Self::load).
    #[must_use]
    pub fn snapshot(&self) -> Snapshot<T> {
        Guard::snapshot(&self.load())
    }

    /// The version of the value. Wait-free, as [`load`](Self::load); a snapshot.
    pub fn version(&self) -> u64 {
        self.load().0.number
    }

    /// A handle for one thread or task whose read is one load and a compare.
    ///
    /// It keeps the version that it has seen last, so one that reads seldom keeps an old value.
    pub fn reader(&self) -> Reader<T> {
        Reader::new(Handle::clone(&self.shared))
    }

    /// Replaces the value and returns the one before.
    ///
    /// Lock-free: a try is in vain only if another update succeeded. It never waits for readers: a value
    /// that somebody still reads is dropped by the last of them. Callbacks run on this thread before it
    /// returns, and no lock is held then.
    ///
    /// When the new version can be read, those who wait are woken, if there are any, under the lock of their
    /// line: a thread that is stopped with it (in a wait, [`on_change`](Self::on_change), the end of a
    /// [`Callback`], another's waking) holds up the end of the update. No read takes it.
    ///
    /// # Panics
    /// A value that was replaced before panics in its drop. The update is done then.
    pub fn update(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        self.replace(|_| Arc::clone(&value))
    }

    /// Replaces the value by what `make` makes of it, and returns the one before.
    ///
    /// Between the value that `make` is given and what it returns there is no other version; to that
    /// end it is called again if somebody else was faster. Otherwise as [`update`](Self::update).
    ///
    /// # Panics
    /// `make` panics: nothing has changed then. Or a value panics in its drop that was replaced before, or
    /// that `make` has made in vain: the update is done then.
    pub fn rcu(&self, mut make: impl FnMut(&T) -> T) -> Arc<T> {
        self.replace(|old| Arc::new(make(old)))
    }

    /// As [`rcu`](Self::rcu), unless `make` refuses.
    ///
    /// # Errors
    /// Those of `make`. Nothing has changed then.
    pub fn try_rcu<E>(&self, mut make: impl FnMut(&T) -> Result<T, E>) -> Result<Arc<T>, E> {
        let old = self.shared.replace(|old| make(&old.value).map(Arc::new))?;
        Ok(old.value)
    }

    /// Makes the value of an earlier version the current one, under a new version, and returns the one
    /// that it replaces. Otherwise as [`update`](Self::update).
    ///
    /// # Errors
    /// That version is not kept (any more).
    pub fn rollback(&self, version: u64) -> Result<Arc<T>, NotKept> {
        let kept = |old: &Version<T>| old.kept(version).cloned();
        let old = self.shared.replace(|old| kept(old).ok_or(NotKept(version)))?;
        Ok(old.value)
    }

    /// The versions that are kept besides the current one, older ones first.
    pub fn history(&self) -> Vec<Snapshot<T>> {
        self.load().0.past.to_vec()
    }

    /// What becomes of the configuration from now on, for a thread or a task that waits for it.
    pub fn subscribe(&self) -> Subscription<T> {
        Subscription::new(Handle::clone(&self.shared))
    }

    /// Calls `call` with each new version until the handle is dropped.
    ///
    /// It is called by the thread that updates, with no lock held, and by one at a time: a version that
    /// comes while it runs is told by the thread that runs it, and of several only the last. Versions
    /// never go back. It may update the configuration itself, and is then called again.
    ///
    /// This and the end of the handle take the lock of those who wait: see [`update`](Self::update).
    ///
    /// Dropping the handle does not wait for a call that is under way. A call that panics counts in
    /// [`status`](Self::status), and the update goes on.
    pub fn on_change(&self, call: impl FnMut(&Snapshot<T>) + Send + 'static) -> Callback<T>
    where
        T: Send + Sync + 'static,
    {
        Callback::new(Handle::clone(&self.shared), Box::new(call))
    }

    /// What it tells of itself.
    pub fn status(&self) -> Status {
        let now = self.load();
        // Relaxed: a figure.
        let panics = self.shared.panics.load(Relaxed);
        Status {
            version: now.0.number,
            kept: now.0.past.iter().map(|past| past.version).collect(),
            panics,
        }
    }

    fn replace(&self, mut make: impl FnMut(&T) -> Arc<T>) -> Arc<T> {
        match self.shared.replace(|old| Ok::<_, Infallible>(make(&old.value))) {
            Ok(old) => old.value,
            Err(never) => match never {},
        }
    }
}

impl<T> Clone for HotConfig<T> {
    fn clone(&self) -> Self {
        Self { shared: Handle::clone(&self.shared), last: self.last.clone() }
    }
}

impl<T: Default> Default for HotConfig<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for HotConfig<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for HotConfig<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.load();
        f.debug_struct("HotConfig")
            .field("version", &Guard::version(&now))
            .field("value", &*now)
            .finish_non_exhaustive()
    }
}
