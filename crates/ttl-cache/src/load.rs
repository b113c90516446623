//! Getting what is there, and loading what is not: once for each key at a time.

use core::{
    convert::Infallible,
    future::{Future, ready},
    hash::{BuildHasher, Hash},
    time::Duration,
};

use lockfree_core::wait;

use crate::{Cache, EntryRef, engine::Age, flight::Joined, stats::one_more, time};

/// What a loader gives: a value, and its time to live where it is not the cache's.
///
/// ```
/// use core::time::Duration;
/// use ttl_cache::{Cache, Loaded};
///
/// let cache = Cache::builder().build();
/// let loader = || Loaded::new(7).ttl(Duration::from_secs(1));
/// assert_eq!(cache.get_or_insert_with("key", loader), 7);
/// assert_eq!(cache.get_or_insert_with("other", || 8), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is given to the cache"]
pub struct Loaded<V> {
    value: V,
    ttl: Option<Duration>,
}

impl<V> Loaded<V> {
    /// A value that lives as long as the cache says.
    pub const fn new(value: V) -> Self {
        Self { value, ttl: None }
    }

    /// Lives so long instead.
    pub fn ttl(self, ttl: Duration) -> Self {
        Self { ttl: Some(ttl), ..self }
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

/// What is known of a key before it is loaded.
enum Known<K, V> {
    Fresh(Option<EntryRef<K, V>>),
    Stale(EntryRef<K, V>),
    Nothing,
}

impl<K, V, S> Cache<K, V, S>
where
    K: Hash + Eq + Clone,
    S: BuildHasher,
{
    /// The key's value, loaded by `load` if there is none. Of all who ask for a key at once, one
    /// loads, and the others wait and get what he has loaded.
    ///
    /// If `load` panics, his call does, and of those who wait one loads in turn. A `load` that asks
    /// the cache for its own key waits for itself. Where the key is known to have no value, it is
    /// loaded all the same.
    ///
    /// # Panics
    /// `load` does, or as [`set`](Cache::set).
    pub fn get_or_insert_with<L: Into<Loaded<V>>>(&self, key: K, load: impl FnOnce() -> L) -> V
    where
        V: Clone,
    {
        wait::block_on(self.get_or_insert_with_async(key, || ready(load())))
    }

    /// The same, where loading may fail. An error goes to the one who has loaded; of those who wait
    /// one loads in turn.
    ///
    /// # Errors
    /// `load` gave one.
    ///
    /// # Panics
    /// As [`get_or_insert_with`](Self::get_or_insert_with).
    pub fn try_get_or_insert_with<L: Into<Loaded<V>>, E>(
        &self,
        key: K,
        load: impl FnOnce() -> Result<L, E>,
    ) -> Result<V, E>
    where
        V: Clone,
    {
        wait::block_on(self.try_get_or_insert_with_async(key, || ready(load())))
    }

    /// The key's entry, where loading may fail, and may find that there is no value: then that is
    /// remembered, as by [`set_absent`](Cache::set_absent), and given to those who ask next.
    ///
    /// # Errors
    /// `load` gave one.
    ///
    /// # Panics
    /// As [`get_or_insert_with`](Self::get_or_insert_with).
    ///
    /// ```
    /// use ttl_cache::Cache;
    ///
    /// let users = Cache::<u32, String>::builder().build();
    /// let find = |id: u32| (id == 1).then(|| String::from("Ada"));
    ///
    /// let ada = users.get_or_load(1, || Ok::<_, ()>(find(1)))?;
    /// assert_eq!(ada.as_deref().map(String::as_str), Some("Ada"));
    /// assert!(users.get_or_load(2, || Ok::<_, ()>(find(2)))?.is_none());
    /// assert!(users.get_or_load(2, || -> Result<Option<String>, ()> { unreachable!() })?.is_none());
    /// # Ok::<_, ()>(())
    /// ```
    pub fn get_or_load<L: Into<Loaded<V>>, E>(
        &self,
        key: K,
        load: impl FnOnce() -> Result<Option<L>, E>,
    ) -> Result<Option<EntryRef<K, V>>, E> {
        wait::block_on(self.get_or_load_async(key, || ready(load())))
    }

    /// [`get_or_insert_with`](Self::get_or_insert_with) for tasks of any runtime.
    ///
    /// Cancel-safe: if the future of the one who loads is dropped, of those who wait one loads.
    ///
    /// # Panics
    /// As there.
    pub async fn get_or_insert_with_async<L, F>(&self, key: K, load: impl FnOnce() -> F) -> V
    where
        L: Into<Loaded<V>>,
        F: Future<Output = L>,
        V: Clone,
    {
        let load = || async { Ok::<_, Infallible>(load().await) };
        let Ok(value) = self.try_get_or_insert_with_async(key, load).await;
        value
    }

    /// [`try_get_or_insert_with`](Self::try_get_or_insert_with) for tasks of any runtime. Cancel-safe.
    ///
    /// # Errors
    /// `load` gave one.
    ///
    /// # Panics
    /// As there.
    pub async fn try_get_or_insert_with_async<L, E, F>(
        &self,
        key: K,
        load: impl FnOnce() -> F,
    ) -> Result<V, E>
    where
        L: Into<Loaded<V>>,
        F: Future<Output = Result<L, E>>,
        V: Clone,
    {
        let load = || async { load().await.map(Some) };
        let entry = self.obtain(key, false, load).await?;
        Ok(entry.expect("what was loaded has a value").value().clone())
    }

    /// [`get_or_load`](Self::get_or_load) for tasks of any runtime. Cancel-safe.
    ///
    /// # Errors
    /// `load` gave one.
    ///
    /// # Panics
    /// As there.
    pub async fn get_or_load_async<L, E, F>(
        &self,
        key: K,
        load: impl FnOnce() -> F,
    ) -> Result<Option<EntryRef<K, V>>, E>
    where
        L: Into<Loaded<V>>,
        F: Future<Output = Result<Option<L>, E>>,
    {
        self.obtain(key, true, load).await
    }

    async fn obtain<L, E, F>(
        &self,
        key: K,
        absences: bool,
        load: impl FnOnce() -> F,
    ) -> Result<Option<EntryRef<K, V>>, E>
    where
        L: Into<Loaded<V>>,
        F: Future<Output = Result<Option<L>, E>>,
    {
        let engine = &*self.engine;
        let hash = engine.hash(&key);
        let mut counts = true;
        loop {
            let stale = match self.known(hash, &key, absences, counts) {
                Known::Fresh(known) => return Ok(known),
                Known::Stale(stale) => Some(stale),
                Known::Nothing => None,
            };
            counts = false;
            match (engine.flights.join(hash, &key), stale) {
                (Joined::Passenger(_), Some(stale)) => return Ok(Some(stale)),
                (Joined::Passenger(flight), None) => match flight.wait().await {
                    Some(landed) if absences || landed.is_some() => return Ok(landed),
                    _ => {}
                },
                (Joined::Pilot(pilot), _) => {
                    // Somebody may have landed just before this one took off.
                    if let Known::Fresh(known) = self.known(hash, &key, absences, false) {
                        pilot.land(known.clone());
                        return Ok(known);
                    }
                    let attempt = Attempt { cache: self, succeeds: false };
                    let loaded = load().await?;
                    let entry = self.keep(key, loaded.map(Into::into));
                    attempt.succeeds();
                    pilot.land(entry.clone());
                    return Ok(entry);
                }
            }
        }
    }

    /// Puts in what was loaded.
    fn keep(&self, key: K, loaded: Option<Loaded<V>>) -> Option<EntryRef<K, V>> {
        let settings = &self.engine.settings;
        let Some(Loaded { value, ttl }) = loaded else {
            return self.engine.put(key, None, settings.time_to_live_absent, false);
        };
        let span = ttl.map_or(settings.time_to_live, time::nanos);
        self.engine.put(key, Some(value), span, true)
    }

    fn known(&self, hash: u32, key: &K, absences: bool, counts: bool) -> Known<K, V> {
        let engine = &*self.engine;
        engine.domain.session(|session| {
            let now = engine.time.now();
            let found = engine.find(session, hash, key);
            let entry = found.map(|found| (found.entry, engine.age(found.entry, now)));
            let known = match entry {
                Some((entry, age)) if entry.value().is_some() => match age {
                    Age::Fresh => Known::Fresh(Some(EntryRef::to(entry))),
                    Age::Stale => Known::Stale(EntryRef::to(entry)),
                    Age::Gone => Known::Nothing,
                },
                Some((_, Age::Fresh)) if absences => Known::Fresh(None),
                _ => Known::Nothing,
            };
            match (&known, entry) {
                (Known::Fresh(Some(_)), Some((entry, _))) if counts => {
                    engine.hit(session, entry, now);
                }
                _ if counts => engine.miss(session),
                _ => {}
            }
            known
        })
    }
}

/// A load, counted when it ends, however it does.
struct Attempt<'c, K, V, S> {
    cache: &'c Cache<K, V, S>,
    succeeds: bool,
}

impl<K, V, S> Attempt<'_, K, V, S> {
    fn succeeds(mut self) {
        self.succeeds = true;
    }
}

impl<K, V, S> Drop for Attempt<'_, K, V, S> {
    fn drop(&mut self) {
        self.cache.engine.domain.session(|session| {
            let counts = session.own();
            one_more(if self.succeeds { &counts.loads } else { &counts.failed_loads });
        });
    }
}
