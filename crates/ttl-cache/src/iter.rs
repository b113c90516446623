//! Walking through a cache that changes meanwhile.

use core::{
    fmt,
    hash::{BuildHasher, Hash},
};
use std::vec;

use crate::{Cache, EntryRef, engine::Age};

/// The entries of a cache; see [`Cache::iter`].
///
/// ```
/// use ttl_cache::Cache;
///
/// let cache = Cache::builder().build();
/// (0..100).for_each(|n| cache.set(n, n * n));
///
/// // A page now, the rest another time: a page ends where the cursor moves.
/// let mut first = cache.iter();
/// let mut seen: Vec<i32> = first.by_ref().take(10).map(|entry| *entry.key()).collect();
/// let cursor = first.cursor().unwrap();
/// seen.extend(cache.iter_from(cursor).map(|entry| *entry.key()));
/// seen.sort_unstable();
/// seen.dedup();
/// assert_eq!(seen, (0..100).collect::<Vec<_>>());
/// ```
#[must_use = "an iterator does nothing unless it is asked"]
pub struct Iter<'c, K, V, S> {
    cache: &'c Cache<K, V, S>,
    /// What is left of the group at hand.
    page: vec::IntoIter<EntryRef<K, V>>,
    /// The group at hand, and the one after it.
    at: Option<u32>,
    next: Option<u32>,
}

impl<'c, K, V, S> Iter<'c, K, V, S> {
    pub(crate) fn new(cache: &'c Cache<K, V, S>, cursor: u32) -> Self {
        Self { cache, page: Vec::new().into_iter(), at: Some(cursor), next: Some(cursor) }
    }

    /// Where [`Cache::iter_from`] goes on: some entries before it may be met again. None at the end.
    pub fn cursor(&self) -> Option<u32> {
        if self.page.len() == 0 { self.next } else { self.at }
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Iterator for Iter<'_, K, V, S> {
    type Item = EntryRef<K, V>;

    fn next(&mut self) -> Option<EntryRef<K, V>> {
        loop {
            if let Some(entry) = self.page.next() {
                return Some(entry);
            }
            self.at = Some(self.next?);
            let engine = &*self.cache.engine;
            let (page, next) = engine.domain.session(|session| {
                let (found, next) = engine.tables.scan(session, self.at.unwrap_or_default());
                let now = engine.time.now();
                let fresh = found.iter().map(|found| found.entry).filter(|entry| {
                    entry.value().is_some() && engine.age(*entry, now) == Age::Fresh
                });
                (fresh.map(EntryRef::to).collect::<Vec<_>>(), next)
            });
            (self.page, self.next) = (page.into_iter(), next);
        }
    }
}

impl<K, V, S> fmt::Debug for Iter<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("cursor", &self.cursor()).finish_non_exhaustive()
    }
}
