//! The same operations over the façade and over `core`, for `tests/zero_cost.rs` to compare.

use core::{
    cell,
    sync::atomic::{
        self,
        Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    },
};

use lockfree_core::{AtomicTaggedIndex, TaggedIndex, sync};

macro_rules! twins {
    ($(fn $facade:ident / $bare:ident $arguments:tt $(-> $Result:ty)? $body:block)*) => {$(
        twins!(@one $facade, sync, sync::UnsafeCell<u64>, $arguments, ($($Result)?), $body);
        twins!(@one $bare, atomic, Bare, $arguments, ($($Result)?), $body);
    )*};
    (@one $name:ident, $from:ident, $Cell:ty, ($($argument:ident: $Type:ident),*), ($($Result:ty)?), $body:block) => {
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($argument: &twins!(@type $from, $Cell, $Type)),*) $(-> $Result)? {
            #[allow(unused_imports)]
            use $from::fence;
            $body
        }
    };
    (@type $from:ident, $Cell:ty, UnsafeCell) => { $Cell };
    (@type $from:ident, $Cell:ty, $Type:ident) => { $from::$Type };
}

/// `core`'s cell under the interface of the façade's, without its indirection.
#[repr(transparent)]
pub struct Bare(cell::UnsafeCell<u64>);

impl Bare {
    #[inline(always)]
    fn with<R>(&self, f: impl FnOnce(*const u64) -> R) -> R {
        f(self.0.get())
    }

    #[inline(always)]
    fn with_mut<R>(&self, f: impl FnOnce(*mut u64) -> R) -> R {
        f(self.0.get())
    }
}

twins! {
    fn facade_load / bare_load(word: AtomicU64) -> u64 { word.load(Acquire) }
    fn facade_store / bare_store(word: AtomicU64) { word.store(7, Release) }
    fn facade_swap / bare_swap(word: AtomicU32) -> u32 { word.swap(7, AcqRel) }
    fn facade_add / bare_add(word: AtomicUsize) -> usize { word.fetch_add(3, Relaxed) }
    fn facade_fence / bare_fence() { fence(SeqCst) }
    fn facade_exchange / bare_exchange(word: AtomicU64) -> bool {
        word.compare_exchange(3, 4, AcqRel, Acquire).is_ok()
    }
    fn facade_loop / bare_loop(word: AtomicU64) -> u64 {
        let mut seen = word.load(Relaxed);
        while let Err(now) = word.compare_exchange_weak(seen, seen * 3, AcqRel, Relaxed) {
            seen = now;
        }
        seen
    }
    fn facade_publish / bare_publish(cell: UnsafeCell, tail: AtomicUsize) {
        let own = tail.load(Relaxed);
        cell.with_mut(|value| unsafe { *value = 42 });
        tail.store(own + 1, Release);
    }
    fn facade_consume / bare_consume(cell: UnsafeCell, tail: AtomicUsize) -> u64 {
        if tail.load(Acquire) == 0 { 0 } else { cell.with(|value| unsafe { *value }) }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn facade_tagged(word: &AtomicTaggedIndex) -> u32 {
    let mut seen = word.load(Acquire);
    while let Some(next) = seen.advance(7) {
        match word.compare_exchange_weak(seen, next, AcqRel, Acquire) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    TaggedIndex::index(seen)
}

#[unsafe(no_mangle)]
pub extern "C" fn bare_tagged(word: &atomic::AtomicU64) -> u32 {
    let mut seen = word.load(Acquire);
    while seen >> 24 != u64::MAX >> 24 {
        match word.compare_exchange_weak(seen, ((seen >> 24) + 1) << 24 | 7, AcqRel, Acquire) {
            Ok(_) => break,
            Err(now) => seen = now,
        }
    }
    seen as u32 & 0xFF_FFFF
}

// What must differ, so that a comparison that sees no difference is found out.
#[unsafe(no_mangle)]
pub extern "C" fn facade_planted(word: &sync::AtomicU64) {
    word.store(7, SeqCst);
}

#[unsafe(no_mangle)]
pub extern "C" fn bare_planted(word: &atomic::AtomicU64) {
    word.store(7, Relaxed);
}
