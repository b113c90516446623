//! The cache without its handle: table, clock, policy and listener put together.
//!
//! # Invariants
//!
//! * C1: who takes an entry out of reach, by `replace` or `kill`, is one thread, and calls `part` for
//!   it once: so it is counted once, told to the listener once, and retired once.
//! * C3: cells have room for an `Extra` where entries have one: both are decided by the settings.
//! * C2: no code of the user runs under a lock of ours, but `Eq` of keys where loads are joined.
//!
//! # Progress
//!
//! Locks here are tried, never waited for: who finds the policy's taken leaves his newcomer on a pile
//! and, if the cache is an eighth over its capacity, evicts by the table's order; who finds the
//! sweep's taken does not sweep.
//!
//! # Orderings
//!
//! The words of this module carry nothing: they are figures and hints.

use core::{borrow::Borrow, hash::Hash, mem, panic::AssertUnwindSafe, ptr::NonNull};
use std::panic;

use lockfree_core::{
    CachePadded,
    sync::{AtomicI64, AtomicUsize, Mutex, Ordering::Relaxed},
};

use crate::{
    EntryRef,
    block::Heap,
    entry::{Entry, Parts},
    flight::Flights,
    garbage::Garbage,
    hash::hash_of,
    kept::{Extra, Kept},
    pile::Pile,
    policy::Policy,
    reclaim::Domain,
    session,
    state::{self, NEVER},
    stats::{Cause, Counts, one_more},
    table::{Found, word_of},
    tables::{Put, Tables},
    time::Time,
    upkeep::Sweep,
};

pub(crate) type Session<'d> = session::Session<'d, Counts>;

/// What a weigher is.
pub(crate) type Weigher<K, V> = Box<dyn Fn(&K, &V) -> u32 + Send + Sync>;
/// What a listener is.
pub(crate) type Listener<K, V> = Box<dyn Fn(&K, &V, Cause) + Send + Sync>;

/// What the builder has set. Spans are in nanoseconds.
pub(crate) struct Settings<K, V> {
    pub(crate) capacity: Option<u64>,
    pub(crate) time_to_live: u64,
    pub(crate) time_to_idle: u64,
    pub(crate) time_to_live_absent: u64,
    pub(crate) stale: u64,
    pub(crate) weigher: Option<Weigher<K, V>>,
    pub(crate) listener: Option<Listener<K, V>>,
}

impl<K, V> Settings<K, V> {
    /// Whether entries have an [`Extra`].
    fn has_extra(&self) -> bool {
        self.weigher.is_some() || self.time_to_idle < NEVER
    }

    /// How long nobody has used an entry, where that counts.
    #[inline]
    fn idle(&self, entry: Kept<'_, K, V>, now: u64) -> Option<u64> {
        // SAFETY: `has_extra`.
        (self.time_to_idle < NEVER).then(|| unsafe { entry.extra() }.idle(now))
    }

    #[inline]
    pub(crate) fn has_idled(&self, entry: Kept<'_, K, V>, now: u64) -> bool {
        self.idle(entry, now).is_some_and(|idle| idle >= self.time_to_idle)
    }

    fn weight_of(&self, entry: Kept<'_, K, V>) -> u32 {
        // SAFETY: `has_extra`.
        if self.weigher.is_some() { unsafe { entry.extra() }.weight() } else { 1 }
    }
}

pub(crate) struct Engine<K, V, S> {
    pub(crate) hasher: S,
    pub(crate) time: Time,
    pub(crate) settings: Settings<K, V>,
    pub(crate) tables: Tables<K, V>,
    pub(crate) domain: Domain<Counts>,
    pub(crate) flights: Flights<K, V>,
    /// How many entries are in the table, and what they weigh. For a moment less than none, where an
    /// entry leaves before it was counted.
    live: CachePadded<AtomicI64>,
    weight: CachePadded<AtomicI64>,
    pub(crate) policy: CachePadded<Mutex<Policy>>,
    pub(crate) newcomers: Pile<u32>,
    pub(crate) hand: AtomicUsize,
    pub(crate) sweep: CachePadded<Mutex<Sweep>>,
}

/// What an entry is worth at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    /// Past its time to live, within the time in which it may still be served while another one is
    /// loaded.
    Stale,
    Gone,
}

/// Entries that have left, to be told to the listener.
pub(crate) type Left<K, V> = Vec<(NonNull<Entry<K, V>>, Cause)>;

impl<K, V, S> Engine<K, V, S> {
    pub(crate) fn new(hasher: S, time: Time, settings: Settings<K, V>) -> Self {
        let domain = Domain::new(Heap::new(Entry::<K, V>::shape(settings.has_extra())));
        Self {
            hasher,
            time,
            settings,
            tables: Tables::new(),
            domain,
            flights: Flights::new(),
            live: CachePadded::new(AtomicI64::new(0)),
            weight: CachePadded::new(AtomicI64::new(0)),
            policy: CachePadded::new(Mutex::new(Policy::default())),
            newcomers: Pile::new(),
            hand: AtomicUsize::new(0),
            sweep: CachePadded::new(Mutex::new(Sweep::default())),
        }
    }

    /// By another clock. Nothing may have been put in yet.
    #[cfg(not(loom))]
    pub(crate) fn with_time(self, time: Time) -> Self {
        let mut own = self;
        own.time = time;
        own
    }

    pub(crate) fn len(&self) -> usize {
        // Relaxed: a figure.
        usize::try_from(self.live.load(Relaxed)).unwrap_or(0)
    }

    pub(crate) fn weight(&self) -> u64 {
        let total = if self.settings.weigher.is_some() { &self.weight } else { &self.live };
        // Relaxed: a figure.
        u64::try_from(total.load(Relaxed)).unwrap_or(0)
    }

    #[inline]
    pub(crate) fn age(&self, entry: Kept<'_, K, V>, now: u64) -> Age {
        if self.settings.has_idled(entry, now) {
            return Age::Gone;
        }
        match entry.expires() {
            expires if now < expires => Age::Fresh,
            expires if now < expires.saturating_add(self.settings.stale) => Age::Stale,
            _ => Age::Gone,
        }
    }

    /// When the entry will be gone if nobody uses it.
    pub(crate) fn due(&self, entry: Kept<'_, K, V>, now: u64) -> u64 {
        let alive = entry.expires().saturating_add(self.settings.stale);
        let gone = |idle| now.saturating_sub(idle).saturating_add(self.settings.time_to_idle);
        alive.min(self.settings.idle(entry, now).map_or(NEVER, gone))
    }

    /// Notes a hit.
    #[inline]
    pub(crate) fn hit(&self, session: &Session<'_>, entry: Kept<'_, K, V>, now: u64) {
        if self.settings.capacity.is_some() {
            entry.visit();
        }
        if self.settings.time_to_idle < NEVER {
            // SAFETY: `has_extra`.
            unsafe { entry.extra() }.touch(now);
        }
        self.time.read(one_more(&session.own().hits));
    }

    /// Notes a miss.
    #[inline]
    pub(crate) fn miss(&self, session: &Session<'_>) {
        self.time.read(one_more(&session.own().misses));
    }

    /// An entry is out of reach: counts it, and retires it or leaves it to [`settle`](Self::settle).
    #[inline]
    fn part(
        &self,
        session: &Session<'_>,
        entry: Kept<'_, K, V>,
        cause: Cause,
        left: &mut Left<K, V>,
    ) {
        session.own().one_left(cause);
        if self.settings.listener.is_none() || entry.value().is_none() {
            Self::retire(session, entry);
        } else {
            left.push((entry.pointer(), cause));
        }
    }

    fn add_weight(&self, more: i64) {
        if self.settings.weigher.is_some() && more != 0 {
            // Relaxed: a figure.
            self.weight.fetch_add(more, Relaxed);
        }
    }

    /// C1: it is out of reach, and the caller's.
    #[inline]
    fn retire(session: &Session<'_>, entry: Kept<'_, K, V>) {
        let object = entry.pointer().as_ptr();
        // SAFETY: the cache's reference is given up once (C1).
        session.retire(unsafe { Garbage::new(object, Entry::<K, V>::GARBAGE) });
    }

    /// Tells the listener of what has left, and retires it. Not to be called in a session.
    ///
    /// # Panics
    /// The listener does, or the drop of what is freed on this occasion; all others are settled then.
    #[cold]
    pub(crate) fn settle(&self, left: Left<K, V>) {
        let mut panic = None;
        for (entry, cause) in left {
            // SAFETY: C1: it is ours until it is retired.
            let entry = unsafe { Kept::new(entry) };
            let tell = || {
                if let (Some(listener), Some(value)) = (&self.settings.listener, entry.value()) {
                    listener(&entry.key, value, cause);
                }
            };
            panic = panic::catch_unwind(AssertUnwindSafe(tell)).err().or(panic);
            let retire = || self.domain.session(|session| Self::retire(session, entry));
            panic = panic::catch_unwind(AssertUnwindSafe(retire)).err().or(panic);
        }
        if let Some(panic) = panic {
            panic::resume_unwind(panic);
        }
    }

    /// Runs `body` in a session, and settles what leaves in it: also if it panics, or the drop of what is
    /// freed after it.
    #[inline]
    pub(crate) fn settling<R>(&self, body: impl FnOnce(&Session<'_>, &mut Left<K, V>) -> R) -> R {
        let mut leaving = Leaving { engine: self, left: Vec::new() };
        let result = self.domain.session(|session| body(session, &mut leaving.left));
        if !leaving.left.is_empty() {
            leaving.settle();
        }
        result
    }

    /// Takes an entry out. True if it was this thread that did.
    pub(crate) fn take_out(
        &self,
        session: &Session<'_>,
        found: &Found<'_, K, V>,
        cause: Cause,
        left: &mut Left<K, V>,
    ) -> bool {
        let done = found.kill();
        if done {
            // Relaxed: a figure.
            self.live.fetch_sub(1, Relaxed);
            self.add_weight(-i64::from(self.settings.weight_of(found.entry)));
            self.part(session, found.entry, cause, left);
        }
        done
    }
}

/// What leaves in a session: settled when that panics.
struct Leaving<'e, K, V, S> {
    engine: &'e Engine<K, V, S>,
    left: Left<K, V>,
}

impl<K, V, S> Leaving<'_, K, V, S> {
    #[cold]
    #[inline(never)]
    fn settle(&mut self) {
        self.engine.settle(mem::take(&mut self.left));
    }

    #[cold]
    #[inline(never)]
    fn settle_in_panic(&mut self) {
        // The panic that is under way goes on.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.settle()));
    }
}

impl<K, V, S> Drop for Leaving<'_, K, V, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.left.is_empty() {
            self.settle_in_panic();
        }
    }
}

/// Frees what was made and not put in.
struct Unpublished<K, V>(NonNull<Entry<K, V>>);

impl<K, V> Drop for Unpublished<K, V> {
    fn drop(&mut self) {
        // SAFETY: nobody else has seen it.
        unsafe { Entry::release(self.0) }
    }
}

impl<K: Hash + Eq, V, S: core::hash::BuildHasher> Engine<K, V, S> {
    #[inline]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        hash_of(&self.hasher, key)
    }

    /// The entry of `key`, fresh or not.
    #[inline]
    pub(crate) fn find<'s, Q>(
        &'s self,
        session: &'s Session<'_>,
        hash: u32,
        key: &Q,
    ) -> Option<Found<'s, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.tables
            .find(session, hash, move |entry| entry.hash == hash && entry.key.borrow() == key)
    }

    /// Puts a value in, or an absence, for `span` nanoseconds.
    ///
    /// # Panics
    /// The weigher, `Hash` or `Eq` does: then nothing has changed. The listener, or the drop of a
    /// value that has left: then the value is in.
    pub(crate) fn put(
        &self,
        key: K,
        value: Option<V>,
        span: u64,
        keep: bool,
    ) -> Option<EntryRef<K, V>> {
        let hash = self.hash(&key);
        let weight = match (&self.settings.weigher, &value) {
            (Some(weigher), Some(value)) => weigher(&key, value),
            _ => 1,
        };
        self.settling(|session, left| {
            let now = self.time.now();
            let expires = now.saturating_add(span);
            let extra = self.settings.has_extra().then(|| Extra::new(weight, now));
            let parts = Parts { key, value, hash, expires, extra };
            // SAFETY: the cell is ours; C3.
            let new = Unpublished(unsafe { Entry::place(session.cell(), parts) });
            // SAFETY: the entry is freed in no session that has begun before.
            let entry = unsafe { Kept::new(new.0) };
            let kept = keep.then(|| EntryRef::to(entry));
            let word = word_of(new.0.as_ptr(), hash, state::stamp(self.due(entry, now)));
            let is_same = move |other: &Entry<K, V>| other.hash == hash && other.key == entry.key;
            let put = self.tables.put(session, hash, word, is_same, |old| {
                entry.begin_with(old.visits() + 1);
            });
            mem::forget(new);
            let newcomer = matches!(put, Put::New { .. });
            match put {
                Put::New { crowded } => {
                    // Relaxed: a figure.
                    let live = self.live.fetch_add(1, Relaxed) + 1;
                    self.add_weight(weight.into());
                    if crowded {
                        self.tables.begin_move(session, usize::try_from(live).unwrap_or(0));
                    }
                    self.tables.advance(session, 2);
                }
                Put::Replaced(old) => {
                    self.add_weight(i64::from(weight) - i64::from(self.settings.weight_of(old)));
                    let cause = match self.age(old, now) {
                        Age::Fresh => Cause::Replaced,
                        Age::Stale | Age::Gone => Cause::Expired,
                    };
                    self.part(session, old, cause, left);
                }
            }
            if let Some(capacity) = self.settings.capacity {
                if u64::from(weight) > capacity {
                    self.turn_away(session, entry, left);
                } else if newcomer || self.weight() > capacity {
                    self.make_room(session, capacity, entry, newcomer, left);
                }
            }
            let sets = one_more(&session.own().sets);
            if sets.is_multiple_of(16) {
                self.time.read(sets);
                self.sweep(session, 16, false, left);
            }
            kept
        })
    }

    /// Takes out what weighs more than the whole cache may.
    fn turn_away(&self, session: &Session<'_>, new: Kept<'_, K, V>, left: &mut Left<K, V>) {
        let is_it = |entry: &Entry<K, V>| core::ptr::eq(entry, new.get());
        if let Some(found) = self.tables.find(session, new.hash, is_it) {
            self.take_out(session, &found, Cause::Evicted, left);
        }
    }
}

impl<K, V, S> Drop for Engine<K, V, S> {
    /// Drops the entries. The listener is not told: they have not left, the cache has.
    fn drop(&mut self) {
        self.domain.session(|session| while self.tables.advance(session, 1024) {});
        release_all(&mut self.tables.drain());
    }
}

/// Gives up the table's references; if the drop of a value panics, then those of the others first.
fn release_all<K, V>(entries: &mut dyn Iterator<Item = NonNull<Entry<K, V>>>) {
    struct Rest<'r, K, V>(&'r mut dyn Iterator<Item = NonNull<Entry<K, V>>>);
    impl<K, V> Drop for Rest<'_, K, V> {
        fn drop(&mut self) {
            release_all(self.0);
        }
    }
    while let Some(entry) = entries.next() {
        let rest = Rest(entries);
        // SAFETY: the table's reference is given up.
        unsafe { Entry::release(entry) }
        mem::forget(rest);
    }
}
