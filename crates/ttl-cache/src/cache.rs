//! The cache's handle.

use core::{
    borrow::Borrow,
    fmt,
    hash::{BuildHasher, Hash},
    time::Duration,
};
use std::sync::Arc;

use crate::{
    Builder, Cause, EntryRef, FoldedState, Stats,
    engine::{Age, Engine},
    iter::Iter,
    time,
};

/// A cache whose entries expire, shared by any number of threads.
///
/// Cloning it gives another handle to the same cache.
///
/// ```
/// use core::time::Duration;
/// use ttl_cache::Cache;
///
/// let cache = Cache::builder().capacity(10_000).time_to_live(Duration::from_mins(5)).build();
/// cache.set("key", 1);
/// cache.set_with_ttl("other", 2, Duration::from_secs(1));
/// assert_eq!(cache.get("key"), Some(1));
/// assert_eq!(cache.remove("other").as_deref(), Some(&2));
/// assert_eq!(cache.get("other"), None);
/// ```
///
/// Where `K: Borrow<Q>`, keys may be asked for by `Q`: a `String` by a `str`.
pub struct Cache<K, V, S = FoldedState> {
    pub(crate) engine: Arc<Engine<K, V, S>>,
}

/// What [`Cache::lookup`] found.
#[derive(Debug)]
pub enum Lookup<K, V> {
    /// A value.
    Value(EntryRef<K, V>),
    /// That the key has no value: [`set_absent`](Cache::set_absent).
    Absent,
    /// Nothing, or nothing that has not expired.
    Unknown,
}

impl<K, V> Cache<K, V> {
    /// Begins to set a cache up.
    pub fn builder() -> Builder<K, V> {
        Builder::new()
    }
}

impl<K, V, S> Cache<K, V, S> {
    pub(crate) fn of(engine: Arc<Engine<K, V, S>>) -> Self {
        Self { engine }
    }

    /// How many entries are in it, with those that have expired and were not swept yet, and
    /// absences. A snapshot; exact while nobody changes the cache.
    pub fn len(&self) -> usize {
        self.engine.len()
    }

    /// Whether [`len`](Self::len) is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh together; without a weigher, how many there are. As
    /// [`len`](Self::len), a snapshot.
    pub fn weight(&self) -> u64 {
        self.engine.weight()
    }

    /// What the cache has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.engine.domain.owned())
    }

    /// The time by the cache's clock. What expired before this call is not served after it, on any
    /// thread that this call happens before.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.engine.time.now())
    }

    /// Sweeps the whole table once, ends a move of the table that is under way, and frees what can be
    /// freed: the sweeper's work, now and on this thread.
    ///
    /// Leaves out what another thread is sweeping at this moment.
    ///
    /// # Panics
    /// The listener, or the drop of a value.
    pub fn maintain(&self) {
        self.engine.maintain();
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Cache<K, V, S> {
    /// A copy of the key's value, unless there is none or it has expired. Lock-free; it writes nothing
    /// that other threads read, but the use of an entry where that is news.
    ///
    /// Who finds a value sees what was done before it was put in.
    ///
    /// # Panics
    /// `Hash`, `Eq` or `Clone` does.
    #[inline]
    pub fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
        V: Clone,
    {
        self.read(key, V::clone)
    }

    /// The key's entry, which stays as long as the reference to it: for values that are not `Clone`,
    /// or dear to clone. Costs two writes to the entry more than [`get`](Self::get).
    ///
    /// # Panics
    /// `Hash` or `Eq` does.
    #[inline]
    pub fn get_ref<Q>(&self, key: &Q) -> Option<EntryRef<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.lookup(key) {
            Lookup::Value(entry) => Some(entry),
            Lookup::Absent | Lookup::Unknown => None,
        }
    }

    /// What `look` makes of the key's value, in place. It should be short: while it runs, what others
    /// remove cannot be freed.
    ///
    /// # Panics
    /// `look`, `Hash` or `Eq` does.
    #[inline]
    pub fn get_with<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.read(key, look)
    }

    /// As [`get_ref`](Self::get_ref), and tells what is known to have no value from what is not known.
    ///
    /// # Panics
    /// `Hash` or `Eq` does.
    pub fn lookup<Q>(&self, key: &Q) -> Lookup<K, V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let engine = &*self.engine;
        let hash = engine.hash(key);
        engine.domain.session(|session| {
            let now = engine.time.now();
            let found = engine.find(session, hash, key);
            match found.filter(|found| engine.age(found.entry, now) == Age::Fresh) {
                Some(found) if found.entry.value().is_some() => {
                    engine.hit(session, found.entry, now);
                    Lookup::Value(EntryRef::to(found.entry))
                }
                found => {
                    engine.miss(session);
                    if found.is_some() { Lookup::Absent } else { Lookup::Unknown }
                }
            }
        })
    }

    /// Whether [`get`](Self::get) would find a value. Counts as no use of it.
    ///
    /// # Panics
    /// `Hash` or `Eq` does.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let engine = &*self.engine;
        let hash = engine.hash(key);
        engine.domain.session(|session| {
            let found = engine.find(session, hash, key);
            found.is_some_and(|found| {
                found.entry.value().is_some()
                    && engine.age(found.entry, engine.time.now()) == Age::Fresh
            })
        })
    }

    #[inline]
    fn read<Q, R>(&self, key: &Q, look: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let engine = &*self.engine;
        let hash = engine.hash(key);
        engine.domain.session(|session| {
            let now = engine.time.now();
            if let Some(found) = engine.find(session, hash, key)
                && let Some(value) = found.entry.get().value_at(now)
                && !engine.settings.has_idled(found.entry, now)
            {
                engine.hit(session, found.entry, now);
                return Some(look(value));
            }
            engine.miss(session);
            None
        })
    }

    /// Puts a value in, in the place of the key's last one, for the cache's time to live. Lock-free.
    ///
    /// Sweeps a few buckets now and then, and evicts where there is no room.
    ///
    /// # Panics
    /// `Hash`, `Eq` or the weigher: then nothing has changed. The listener, or the drop of a value
    /// that was freed on this occasion: then the value is in.
    #[inline]
    pub fn set(&self, key: K, value: V) {
        self.engine.put(key, Some(value), self.engine.settings.time_to_live, false);
    }

    /// Puts a value in for this time to live.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    #[inline]
    pub fn set_with_ttl(&self, key: K, value: V, ttl: Duration) {
        self.engine.put(key, Some(value), time::nanos(ttl), false);
    }

    /// Remembers that the key has no value, for the
    /// [time set for that](Builder::time_to_live_absent), so that nobody asks again in vain:
    /// [`get_or_load`](Self::get_or_load) does not load it, [`lookup`](Self::lookup) tells.
    ///
    /// # Panics
    /// As [`set`](Self::set).
    pub fn set_absent(&self, key: K) {
        self.engine.put(key, None, self.engine.settings.time_to_live_absent, false);
    }

    /// Takes the key's entry out, and returns it if it was fresh and had a value. Lock-free.
    ///
    /// # Panics
    /// `Hash` or `Eq`: then nothing has changed. The listener, or the drop of a value that was freed
    /// on this occasion: then the entry is out.
    pub fn remove<Q>(&self, key: &Q) -> Option<EntryRef<K, V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let engine = &*self.engine;
        let hash = engine.hash(key);
        engine.settling(|session, left| {
            loop {
                let found = engine.find(session, hash, key)?;
                let now = engine.time.now();
                let fresh = engine.age(found.entry, now) == Age::Fresh;
                let cause = if fresh { Cause::Removed } else { Cause::Expired };
                let has_value = fresh && found.entry.value().is_some();
                let removed = has_value.then(|| EntryRef::to(found.entry));
                if engine.take_out(session, &found, cause, left) {
                    return removed;
                }
            }
        })
    }

    /// Takes out every entry that is there when the call begins and stays there till it comes by.
    ///
    /// # Panics
    /// As [`remove`](Self::remove).
    pub fn clear(&self) {
        let engine = &*self.engine;
        let mut cursor = Some(0);
        while let Some(at) = cursor {
            cursor = engine.settling(|session, left| {
                let (found, next) = engine.tables.scan(session, at);
                let now = engine.time.now();
                for found in found {
                    let fresh = engine.age(found.entry, now) == Age::Fresh;
                    let cause = if fresh { Cause::Removed } else { Cause::Expired };
                    engine.take_out(session, &found, cause, left);
                }
                next
            });
        }
    }

    /// The fresh entries with a value, in no order.
    ///
    /// An entry that is there all the while is met at least once, one that comes or goes meanwhile
    /// may be; one may be met twice if the table grows or shrinks. Between its steps the iterator
    /// holds nothing that others wait for.
    pub fn iter(&self) -> Iter<'_, K, V, S> {
        Iter::new(self, 0)
    }

    /// Goes on where [`Iter::cursor`] was taken, however long ago.
    pub fn iter_from(&self, cursor: u32) -> Iter<'_, K, V, S> {
        Iter::new(self, cursor)
    }
}

impl<K, V, S> Clone for Cache<K, V, S> {
    fn clone(&self) -> Self {
        Self { engine: Arc::clone(&self.engine) }
    }
}

impl<K, V, S> fmt::Debug for Cache<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<'c, K: Hash + Eq, V, S: BuildHasher> IntoIterator for &'c Cache<K, V, S> {
    type Item = EntryRef<K, V>;
    type IntoIter = Iter<'c, K, V, S>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
