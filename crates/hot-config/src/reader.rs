//! Handles that read by one load and a compare.

use core::{fmt, ptr::NonNull};

use lockfree_core::sync::Arc;

use crate::{
    Snapshot,
    cell::Held,
    hazard::Hazard,
    shared::{Handle, Version},
};

/// Reads a configuration by one load and a compare, and looks closer only after an update.
///
/// One for each thread or task that reads; it may be sent to another, and cloned. It never goes back to
/// an older version, and keeps the one that it has seen last: that and the versions kept beside it are
/// not freed before it reads again or is dropped.
///
/// ```
/// use hot_config::HotConfig;
///
/// let config = HotConfig::new(1);
/// let mut reader = config.reader();
/// assert_eq!((*reader.load(), reader.load_if_changed()), (1, None));
///
/// config.update(2);
/// assert_eq!(reader.load_if_changed(), Some(&2));
/// assert_eq!(reader.load_if_changed(), None);
/// ```
pub struct Reader<T> {
    held: Held<Version<T>>,
    /// The value in there, so that a read needs one step less to it.
    value: NonNull<T>,
    /// Protects `held`; this handle's own.
    hazard: NonNull<Hazard>,
    shared: Handle<T>,
}

// SAFETY: the cell's I2: a handle lends `&T`, keeps values alive, and its hazard is not a thread's.
unsafe impl<T: Send + Sync> Send for Reader<T> {}
// SAFETY: as for `Send`; what changes the handle takes it by `&mut`.
unsafe impl<T: Send + Sync> Sync for Reader<T> {}

impl<T> Reader<T> {
    pub(crate) fn new(shared: Handle<T>) -> Self {
        let (hazard, held) = shared.versions.attach();
        // SAFETY: the cell's I2: the hazard was set for this handle, which does not exist yet.
        let value = NonNull::from(&*unsafe { held.value() }.value);
        Self { held, value, hazard, shared }
    }

    /// The current value. Wait-free: one step if nothing has changed since the last call, two while an
    /// update is at it.
    ///
    /// After an update it is as [`HotConfig::load`](crate::HotConfig::load), and may drop values.
    #[inline(always)]
    pub fn load(&mut self) -> &T {
        self.refresh();
        self.value_held()
    }

    /// The current value, if it is another version than at the last call of any method that loads.
    #[inline(always)]
    pub fn load_if_changed(&mut self) -> Option<&T> {
        if self.refresh() { Some(self.value_held()) } else { None }
    }

    /// The version that this handle has seen last.
    pub fn version(&self) -> u64 {
        self.version_held().number
    }

    /// The current value with its version, owned.
    pub fn snapshot(&mut self) -> Snapshot<T> {
        self.refresh();
        self.version_held().snapshot()
    }

    /// A handle for a part of the value.
    ///
    /// ```
    /// use hot_config::HotConfig;
    ///
    /// let config = HotConfig::new((8080, "on"));
    /// let mut port = config.reader().project(|(port, _)| port);
    /// config.update((8080, "off"));
    /// assert_eq!(port.load_if_changed(), None);
    /// config.update((9090, "off"));
    /// assert_eq!(port.load_if_changed(), Some(&9090));
    /// ```
    pub fn project<U: ?Sized, F: Fn(&T) -> &U>(self, part: F) -> Projected<T, F> {
        Projected { reader: self, part }
    }

    /// Whether there was something to do.
    #[inline(always)]
    fn refresh(&mut self) -> bool {
        self.held.may_be_left() && self.look_closer()
    }

    #[cold]
    #[inline(never)]
    fn look_closer(&mut self) -> bool {
        if self.shared.versions.is_current(&self.held) {
            return false;
        }
        // SAFETY: the cell's I2: the hazard is ours; `&mut self` shows that nothing is lent.
        let now = unsafe { self.shared.versions.renew(self.hazard) };
        let old = core::mem::replace(&mut self.held, now);
        self.value = NonNull::from(&*self.version_held().value);
        // Last, since a value that is dropped may panic.
        self.shared.versions.let_go(&old);
        true
    }

    #[inline(always)]
    fn value_held(&self) -> &T {
        // SAFETY: the cell's I2: it is owned by the version that is held, and never written.
        unsafe { self.value.as_ref() }
    }

    #[inline(always)]
    fn version_held(&self) -> &Version<T> {
        // SAFETY: the cell's I2: the hazard is changed by `&mut self` only.
        unsafe { self.held.value() }
    }
}

impl<T> Clone for Reader<T> {
    fn clone(&self) -> Self {
        Self::new(Handle::clone(&self.shared))
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        // SAFETY: the cell's I2: the hazard is ours, and nothing is lent any more.
        unsafe { self.shared.versions.detach(self.hazard, &self.held) };
    }
}

impl<T: fmt::Debug> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.version_held();
        f.debug_struct("Reader")
            .field("version", &held.number)
            .field("value", &held.value)
            .finish_non_exhaustive()
    }
}

/// Reads one part of a configuration, see [`Reader::project`].
#[derive(Clone)]
pub struct Projected<T, F> {
    reader: Reader<T>,
    part: F,
}

impl<T, U: ?Sized, F: Fn(&T) -> &U> Projected<T, F> {
    /// The current value of the part. As [`Reader::load`].
    #[inline(always)]
    pub fn load(&mut self) -> &U {
        (self.part)(self.reader.load())
    }

    /// The current value of the part, if there is another version than at the last call of any method
    /// that loads, and the part differs in it. Where only other parts have changed it returns `None`; a
    /// part that is not equal to itself, as a NaN, differs in each version.
    #[inline(always)]
    pub fn load_if_changed(&mut self) -> Option<&U>
    where
        U: PartialEq,
    {
        if self.reader.held.may_be_left() { self.compare() } else { None }
    }

    #[cold]
    #[inline(never)]
    fn compare(&mut self) -> Option<&U>
    where
        U: PartialEq,
    {
        let seen = Arc::clone(&self.reader.version_held().value);
        if !self.reader.look_closer() {
            return None;
        }
        let now = (self.part)(self.reader.value_held());
        if now == (self.part)(&seen) { None } else { Some(now) }
    }
}

impl<T: fmt::Debug, F> fmt::Debug for Projected<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Projected").field("reader", &self.reader).finish_non_exhaustive()
    }
}
