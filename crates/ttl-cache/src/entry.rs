//! What a key is mapped to: immutable once it can be reached, and counted.
//!
//! # State
//!
//! An entry lies in a cell of a block (`block`); behind it, where the cache weighs its entries or has
//! them expire by idleness, its `Extra`.
//!
//! # Invariants
//!
//! * I1: `key`, `value`, `expires`, `hash` and `weight` are not changed once the entry is reachable.
//! * I2: the cache has one reference to each entry that it has made, from its birth until the entry is
//!   freed as garbage; each [`EntryRef`] has one. Who gives back the last drops the entry, and has its
//!   cell.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | last-reference | the subtraction in `let_go` | the loads in `let_go` | that the others' reads are over | `last_reference_drops_after_all_reads` |

use core::{
    alloc::Layout,
    fmt,
    mem::{self, MaybeUninit},
    ops::Deref,
    ptr::{self, NonNull},
};

use lockfree_core::sync::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
    Witness,
};

use crate::{
    block::{self, Block},
    garbage::Kind,
    kept::{Extra, Kept},
    shape::{Cell, Shape},
    state::{self, NEVER, REFERENCE, VISITS},
};

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
    witness: Witness,
}

/// What an entry is made of.
pub(crate) struct Parts<K, V> {
    pub(crate) key: K,
    /// None: the key is known to have no value.
    pub(crate) value: Option<V>,
    pub(crate) hash: u32,
    pub(crate) expires: u64,
    /// There if the cells have room for it.
    pub(crate) extra: Option<Extra>,
}

impl<K, V> Entry<K, V> {
    /// Cells with an `Extra`.
    pub(crate) const SHAPE: Shape =
        Shape::of(match Layout::new::<Self>().extend(Layout::new::<Extra>()) {
            Ok((layout, _)) => layout,
            Err(_) => panic!("a type fits into memory"),
        });

    /// What cells are like, with an `Extra` or without.
    pub(crate) const fn shape(has_extra: bool) -> Shape {
        if has_extra { Self::SHAPE } else { Self::SHAPE.with_cell(Layout::new::<Self>()) }
    }

    /// Makes an entry of a cell.
    ///
    /// # Safety
    /// The cell is the caller's, and has room for an `Extra` if there is one.
    pub(crate) unsafe fn place(cell: Cell, parts: Parts<K, V>) -> NonNull<Self> {
        let negative = if parts.value.is_none() { NEGATIVE } else { 0 };
        let witness = Witness::new(1);
        witness.write(0..1);
        let entry = cell.cast::<Self>();
        if let Some(extra) = parts.extra {
            // SAFETY: as promised by the caller: it lies behind the entry.
            let behind = unsafe { entry.add(1) };
            // SAFETY: as above.
            unsafe { behind.cast::<Extra>().write(extra) }
        }
        let made = Self {
            expires: parts.expires.min(NEVER) | negative,
            hash: parts.hash,
            uses: AtomicU32::new(REFERENCE),
            witness,
            key: parts.key,
            value: parts.value.map_or_else(MaybeUninit::uninit, MaybeUninit::new),
        };
        // SAFETY: as promised by the caller.
        unsafe { entry.write(made) }
        entry
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

    /// The value, if there is one and it has not expired.
    #[inline]
    pub(crate) fn value_at(&self, now: u64) -> Option<&V> {
        // One comparison for both: who has none is due before all times.
        let is_fresh = now.cast_signed() < self.expires.cast_signed();
        is_fresh.then(|| self.value()).flatten()
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

    /// Gives an entry that nobody else has seen so many visits.
    pub(crate) fn begin_with(&self, visits: u32) {
        // Relaxed: nobody else has seen it.
        let references = self.uses.load(Relaxed) & !VISITS;
        // Relaxed: as above.
        self.uses.store(references | state::visits(visits), Relaxed);
    }

    pub(crate) fn visits(&self) -> u32 {
        // Relaxed: a hint for the eviction.
        (self.uses.load(Relaxed) & VISITS).count_ones()
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
    ///
    /// # Panics
    /// There are 2^29 of them; then there are no more than before.
    pub(crate) fn retain(&self) {
        // Relaxed: the entry is there as long as somebody's reference is, ours or the cache's.
        let before = self.uses.fetch_add(REFERENCE, Relaxed);
        if before >= TOO_MANY {
            // Relaxed: it is taken back, so that the count does not wrap around however often this comes.
            self.uses.fetch_sub(REFERENCE, Relaxed);
            panic!("an entry has 2^29 references");
        }
    }

    /// One reference less; drops the entry if it was the last, and gives its cell.
    ///
    /// # Safety
    /// The caller gives up a reference of his.
    ///
    /// # Panics
    /// The drop of the key or value does; the cell has gone back to its block then.
    unsafe fn let_go(entry: NonNull<Self>) -> Option<Cell> {
        struct GiveBack(Cell, Shape);
        impl Drop for GiveBack {
            fn drop(&mut self) {
                // SAFETY: it was the cell of the entry that is dropped.
                unsafe { block::give_back(self.0, self.1) }
            }
        }
        // SAFETY: I2: there is the caller's reference.
        let uses = unsafe { &entry.as_ref().uses };
        // Acquire [last-reference]: pairs with the others' subtractions. Who has the only reference there
        // is, and the cache's is one, is the last: a new one is made of another.
        if uses.load(Acquire) >= 2 * REFERENCE {
            // Release [last-reference]: this holder's reads are over.
            if uses.fetch_sub(REFERENCE, Release) >= 2 * REFERENCE {
                return None;
            }
            // Acquire [last-reference]: as above.
            uses.load(Acquire);
        }
        let cell = GiveBack(entry.cast(), Self::SHAPE);
        // SAFETY: I2: it was the last reference.
        unsafe { ptr::drop_in_place(entry.as_ptr()) }
        let memory = cell.0;
        mem::forget(cell);
        Some(memory)
    }

    /// One reference less; the entry is dropped if it was the last.
    ///
    /// # Safety
    /// The caller gives up a reference of his.
    pub(crate) unsafe fn release(entry: NonNull<Self>) {
        // SAFETY: as promised by the caller.
        if let Some(cell) = unsafe { Self::let_go(entry) } {
            // SAFETY: it was the cell of the entry that is dropped.
            unsafe { block::give_back(cell, Self::SHAPE) }
        }
    }

    /// The cache's reference to an entry, as garbage.
    pub(crate) const GARBAGE: &'static Kind = &Kind { birth: Self::birth, free: Self::free };

    /// An era in which it could not be reached yet: its block's.
    ///
    /// # Safety
    /// It is an entry in its cell.
    unsafe fn birth(entry: *mut ()) -> u64 {
        // SAFETY: as promised by the caller: an entry is not at 0.
        let block = Self::SHAPE.block_of(unsafe { NonNull::new_unchecked(entry.cast()) });
        // SAFETY: the entry has a cell of it.
        unsafe { Block::birth(block) }
    }

    /// `let_go`, for garbage.
    ///
    /// # Safety
    /// As there; and it is an entry.
    unsafe fn free(entry: *mut ()) -> Option<Cell> {
        // SAFETY: as promised by the caller: an entry is not at 0.
        let entry = unsafe { NonNull::new_unchecked(entry.cast()) };
        // SAFETY: as promised by the caller.
        unsafe { Self::let_go(entry) }
    }
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
/// It holds one entry and the memory of its block, may be sent to other threads and kept. Cloning it and
/// dropping it are wait-free, two accesses to the entry at most; dropping the last one is lock-free.
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
    pub(crate) fn to(entry: Kept<'_, K, V>) -> Self {
        entry.retain();
        Self { entry: entry.pointer() }
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
        self.entry().retain();
        Self { entry: self.entry }
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

#[cfg(all(test, not(any(loom, stepped))))]
mod tests {
    use core::panic::AssertUnwindSafe;
    use std::panic::catch_unwind;

    use super::*;
    use crate::block::Heap;

    #[test]
    fn references_do_not_wrap_around() {
        let heap = Heap::new(Entry::<u32, u32>::shape(false));
        let mut cells = Vec::new();
        // SAFETY: it is closed below.
        unsafe { heap.refill(1, &mut cells) };
        let parts = Parts { key: 1, value: Some(2), hash: 0, expires: NEVER, extra: None };
        // SAFETY: the cell is ours.
        let entry = unsafe { Entry::place(cells.pop().unwrap(), parts) };
        // SAFETY: there is our reference.
        let uses = unsafe { &entry.as_ref().uses };
        let most = TOO_MANY.next_multiple_of(REFERENCE);
        // There is one thread.
        uses.store(most, Relaxed);
        for _ in 0..3 {
            // SAFETY: as above.
            let retain = || unsafe { entry.as_ref() }.retain();
            assert!(catch_unwind(AssertUnwindSafe(retain)).is_err());
            // As above.
            assert_eq!(uses.load(Relaxed), most);
        }
        // As above.
        uses.store(REFERENCE, Relaxed);
        // SAFETY: it is the last reference.
        unsafe { Entry::release(entry) }
        for cell in cells {
            // SAFETY: the cells are ours.
            unsafe { block::give_back(cell, heap.shape()) }
        }
        // SAFETY: nobody else has it.
        unsafe { heap.close() }
    }
}
