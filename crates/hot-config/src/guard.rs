//! A value lent to the thread that reads it.

use core::{fmt, ops::Deref};
use lockfree_core::sync::Arc;

use crate::{Snapshot, cell, shared::Version};

/// A version that is being read: it is neither changed nor freed while this lives.
///
/// It derefs to the value. It costs its owner a word in which its thread says what it reads, so it
/// cannot be sent to another thread, nor held across an `await` of a future that may move to one; a
/// reference to the value may. What is to be kept or sent is taken by [`to_arc`](Self::to_arc).
///
/// ```compile_fail
/// # use hot_config::HotConfig;
/// let config = HotConfig::new(1);
/// let guard = config.load();
/// std::thread::scope(|scope| { scope.spawn(move || *guard); });
/// ```
/// ```compile_fail
/// # use hot_config::HotConfig;
/// fn spawn(future: impl Future + Send) {}
/// let config = HotConfig::new(1);
/// spawn(async move {
///     let guard = config.load();
///     std::future::ready(()).await;
///     assert_eq!(*guard, 1);
/// });
/// ```
/// The same with what may be held:
/// ```
/// # use hot_config::HotConfig;
/// fn spawn(future: impl Future + Send) {}
/// let config = HotConfig::new(1);
/// spawn(async move {
///     let value = config.load_full();
///     std::future::ready(()).await;
///     assert_eq!(*value, 1);
/// });
/// ```
#[must_use]
pub struct Guard<'c, T>(pub(crate) cell::Guard<'c, Version<T>>);

impl<T> Guard<'_, T> {
    /// The version of the value.
    pub fn version(this: &Self) -> u64 {
        this.0.number
    }

    /// The value, owned.
    pub fn to_arc(this: &Self) -> Arc<T> {
        Arc::clone(&this.0.value)
    }

    /// The value with its version, owned.
    pub fn snapshot(this: &Self) -> Snapshot<T> {
        this.0.snapshot()
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Guard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
