//! An entry as operations see it, with what lies behind it.

use core::{marker::PhantomData, ops::Deref, ptr::NonNull};

use lockfree_core::sync::{AtomicU32, Ordering::Relaxed};

use crate::entry::Entry;

/// What only some caches know of their entries.
pub(crate) struct Extra {
    weight: u32,
    /// When it was last used, in units of 2^20 ns.
    touched: AtomicU32,
}

impl Extra {
    pub(crate) fn new(weight: u32, now: u64) -> Self {
        Self { weight, touched: AtomicU32::new(coarse(now)) }
    }

    pub(crate) fn weight(&self) -> u32 {
        self.weight
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
}

const COARSE: u32 = 20;

#[expect(
    clippy::cast_possible_truncation,
    reason = "it wraps around after 52 days; compared as such"
)]
const fn coarse(now: u64) -> u32 {
    (now >> COARSE) as u32
}

/// An entry that stays for `'s`.
pub(crate) struct Kept<'s, K, V> {
    entry: NonNull<Entry<K, V>>,
    stays: PhantomData<&'s Entry<K, V>>,
}

impl<K, V> Clone for Kept<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Kept<'_, K, V> {}

impl<K, V> Deref for Kept<'_, K, V> {
    type Target = Entry<K, V>;

    #[inline]
    fn deref(&self) -> &Entry<K, V> {
        self.get()
    }
}

impl<'s, K, V> Kept<'s, K, V> {
    /// # Safety
    /// It is an entry in its cell, and stays for `'s`.
    #[inline]
    pub(crate) unsafe fn new(entry: NonNull<Entry<K, V>>) -> Self {
        Self { entry, stays: PhantomData }
    }

    #[inline]
    pub(crate) fn get(self) -> &'s Entry<K, V> {
        // SAFETY: `new`.
        unsafe { self.entry.as_ref() }
    }

    pub(crate) fn pointer(self) -> NonNull<Entry<K, V>> {
        self.entry
    }

    /// # Safety
    /// The cache's cells have room for it.
    #[inline]
    pub(crate) unsafe fn extra(self) -> &'s Extra {
        // SAFETY: as promised by the caller: it lies behind the entry.
        let extra = unsafe { self.entry.add(1) };
        // SAFETY: it was written with the entry.
        unsafe { extra.cast::<Extra>().as_ref() }
    }
}
