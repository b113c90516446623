//! A value with its version, and what a configuration tells of itself.

use core::ops::Deref;
use lockfree_core::sync::Arc;

/// A value and its version, owned: it may be kept, sent, and held across an `await`.
///
/// It derefs to the value.
#[derive(Debug)]
pub struct Snapshot<T> {
    /// The version, from 1.
    pub version: u64,
    /// The value.
    pub value: Arc<T>,
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { version: self.version, value: Arc::clone(&self.value) }
    }
}

impl<T: PartialEq> PartialEq for Snapshot<T> {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && *self.value == *other.value
    }
}

impl<T: Eq> Eq for Snapshot<T> {}

impl<T> Deref for Snapshot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// What a configuration tells of itself, see [`HotConfig::status`](crate::HotConfig::status).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The current version.
    pub version: u64,
    /// The versions that [`rollback`](crate::HotConfig::rollback) can go back to, older ones first.
    pub kept: Vec<u64>,
    /// How often a callback has panicked, or a value that it was the last to have, in its drop.
    pub panics: usize,
}
