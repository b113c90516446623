//! What a key is mapped to: immutable once it can be reached, and counted.
//!
//! # Invariants
//!
//! * I1: `key`, `value`, `expires`, `hash`, `weight` and `birth` are not changed once the entry is
//!   reachable.
//! * I2: the cache has one reference to each entry that it has made, from its birth until the entry is
//!   freed as garbage; each [`EntryRef`] has one. Who gives back the last drops the entry.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | last-reference | the subtraction in `release` | the load in `release` | that the others' reads are over | `last_reference_drops_after_all_reads` |

use core::{fmt, mem::MaybeUninit, ops::Deref, ptr::NonNull};

use lockfree_core::sync::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
    Witness,
};

use crate::state::{self, NEVER, REFERENCE};

/// Set in `expires` where there is no value: the key is known to have none.
const NEGATIVE: u64 = 1 << 63;
/// More references than this mean that some were forgotten in a loop.
const TOO_MANY: u32 = u32::MAX / 2;

/// What a read looks at comes first, so that it mostly lies in one cache line.
#[repr(C, align(8))]
pub(crate) struct Entry<K, V> {
    expires: u64,
    pub(crate) hash: u32,
    /// References and visits.
    uses: AtomicU32,
    pub(crate) key: K,
    value: MaybeUninit<V>,
    pub(crate) birth: u64,
    pub(crate) weight: u32,
    /// When it was last used, in units of 2^20 ns; kept where entries expire by idleness.
    touched: AtomicU32,
    witness: Witness,
}

/// What an entry is made of.
pub(crate) struct Parts<K, V> {
    pub(crate) key: K,
    /// None: the key is known to have no value.
    pub(crate) value: Option<V>,
    pub(crate) hash: u32,
    pub(crate) weight: u32,
    pub(crate) birth: u64,
    pub(crate) expires: u64,
    pub(crate) now: u64,
}

impl<K, V> Entry<K, V> {
    pub(crate) fn new(parts: Parts<K, V>) -> Self {
        let negative = if parts.value.is_none() { NEGATIVE } else { 0 };
        let witness = Witness::new(1);
        witness.write(0..1);
        Self {
            birth: parts.birth,
            expires: parts.expires.min(NEVER) | negative,
            hash: parts.hash,
            weight: parts.weight,
            uses: AtomicU32::new(REFERENCE),
            touched: AtomicU32::new(coarse(parts.now)),
            witness,
            key: parts.key,
            value: parts.value.map_or_else(MaybeUninit::uninit, MaybeUninit::new),
        }
    }

    /// Until when it is fresh, in nanoseconds of the cache's clock.
    #[inline]
    pub(crate) fn expires(&self) -> u64 {
        self.expires & !NEGATIVE
    }

    #[inline]
    pub(crate) fn value(&self) -> Option<&V> {
        // Models: whoever looks at an entry must have seen it made, and must be done when it is freed.
        self.witness.read(0..1);
        // SAFETY: I1: there is a value where the bit is not set.
        (self.expires & NEGATIVE == 0).then(|| unsafe { self.value.assume_init_ref() })
    }

    #[inline]
    pub(crate) fn touch(&self, now: u64) {
        let now = coarse(now);
        // Relaxed: a hint of when; any thread's is as good.
        if self.touched.load(Relaxed) != now {
            // Relaxed: as above.
            self.touched.store(now, Relaxed);
        }
    }

    /// How long nobody has touched it.
    #[inline]
    pub(crate) fn idle(&self, now: u64) -> u64 {
        // Relaxed: as above.
        let touched = self.touched.load(Relaxed);
        // A touch may be a little ahead of a reading of the clock by another thread.
        let idle = coarse(now).wrapping_sub(touched).cast_signed().max(0);
        u64::from(idle.unsigned_abs()) << COARSE
    }

    /// Notes that it was of use; writes only where that is news.
    #[inline]
    pub(crate) fn visit(&self) {
        // Relaxed: a hint for the eviction.
        let more = state::one_visit_more(self.uses.load(Relaxed));
        if more != 0 {
            // Relaxed: as above; references are in other bits.
            self.uses.fetch_or(more, Relaxed);
        }
    }

    pub(crate) fn visits(&self) -> u32 {
        // Relaxed: a hint for the eviction.
        (self.uses.load(Relaxed) & state::VISITS).count_ones()
    }

    pub(crate) fn forget_visit(&self) {
        // Relaxed: a hint for the eviction.
        let less = state::one_visit_less(self.uses.load(Relaxed));
        if less != 0 {
            // Relaxed: as above; references are in other bits.
            self.uses.fetch_and(!less, Relaxed);
        }
    }

    /// One reference more, for one who can look at the entry.
    pub(crate) fn retain(&self) {
        // Relaxed: the entry is there as long as somebody's reference is, ours or the cache's.
        let before = self.uses.fetch_add(REFERENCE, Relaxed);
        assert!(before < TOO_MANY, "an entry has 2^29 references");
    }

    /// One reference less; drops the entry if it was the last.
    ///
    /// # Safety
    /// The entry came out of a box, and the caller gives up a reference of his.
    pub(crate) unsafe fn release(entry: NonNull<Self>) {
        // SAFETY: I2: there is the caller's reference.
        let uses = unsafe { &entry.as_ref().uses };
        // Release [last-reference]: this holder's reads are over.
        if uses.fetch_sub(REFERENCE, Release) >= 2 * REFERENCE {
            return;
        }
        // Acquire [last-reference]: pairs with the others' subtractions, which ours continues.
        uses.load(Acquire);
        // SAFETY: I2: it was the last reference.
        drop(unsafe { Box::from_raw(entry.as_ptr()) });
    }

    /// [`release`](Self::release), for garbage.
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn release_garbage(entry: *mut ()) {
        // SAFETY: as promised by the caller: a box is not null.
        let entry = unsafe { NonNull::new_unchecked(entry.cast()) };
        // SAFETY: as promised by the caller.
        unsafe { Self::release(entry) }
    }
}

const COARSE: u32 = 20;

#[expect(
    clippy::cast_possible_truncation,
    reason = "it wraps around after 52 days; compared as such"
)]
const fn coarse(now: u64) -> u32 {
    (now >> COARSE) as u32
}

impl<K, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        self.witness.write(0..1);
        if self.expires & NEGATIVE == 0 {
            // SAFETY: I1: there is a value.
            unsafe { self.value.assume_init_drop() }
        }
    }
}

/// A counted reference to an entry: its value stays as long as this does, whatever becomes of the
/// entry in the cache.
///
/// It holds one entry and nothing else, may be sent to other threads and kept. Cloning it and
/// dropping it are wait-free, one access to the entry.
///
/// ```
/// use ttl_cache::Cache;
///
/// struct Big([u8; 1000]); // not Clone
///
/// let cache = Cache::builder().build();
/// cache.set("key", Big([7; 1000]));
/// let big = cache.get_ref("key").unwrap();
/// cache.remove("key");
/// assert_eq!((big.key(), big.0[999]), (&"key", 7));
/// ```
pub struct EntryRef<K, V> {
    entry: NonNull<Entry<K, V>>,
}

// SAFETY: I1, I2: as an `Arc`: shared between threads, and dropped on any.
unsafe impl<K: Send + Sync, V: Send + Sync> Send for EntryRef<K, V> {}
// SAFETY: as above.
unsafe impl<K: Send + Sync, V: Send + Sync> Sync for EntryRef<K, V> {}

impl<K, V> EntryRef<K, V> {
    /// One reference more to an entry with a value.
    pub(crate) fn to(entry: &Entry<K, V>) -> Self {
        entry.retain();
        Self { entry: NonNull::from(entry) }
    }

    fn entry(&self) -> &Entry<K, V> {
        // SAFETY: I2: as long as our reference.
        unsafe { self.entry.as_ref() }
    }

    /// The key.
    pub fn key(&self) -> &K {
        &self.entry().key
    }

    /// The value; also what it derefs to.
    ///
    /// # Panics
    /// Never: references are given to entries with a value only.
    pub fn value(&self) -> &V {
        self.entry().value().expect("a reference is to an entry with a value")
    }
}

impl<K, V> Deref for EntryRef<K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value()
    }
}

impl<K, V> Clone for EntryRef<K, V> {
    fn clone(&self) -> Self {
        Self::to(self.entry())
    }
}

impl<K, V> Drop for EntryRef<K, V> {
    fn drop(&mut self) {
        // SAFETY: I2: this reference is given up.
        unsafe { Entry::release(self.entry) }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for EntryRef<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryRef").field("key", self.key()).field("value", self.value()).finish()
    }
}
