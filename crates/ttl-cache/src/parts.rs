//! Parts of the cache on their own, for models that would be too large around a whole one.

use core::ptr;

use lockfree_core::sync::{AtomicPtr, Ordering::Relaxed, Ordering::Release, Witness};

use crate::{
    pile::Pile,
    reclaim::{Domain, Garbage},
};

/// A number whose reads and whose end the models see.
struct Item {
    number: u32,
    birth: u64,
    witness: Witness,
}

impl Item {
    fn new(number: u32, birth: u64) -> Self {
        let witness = Witness::new(1);
        witness.write(0..1);
        Self { number, birth, witness }
    }

    fn read(&self) -> u32 {
        self.witness.read(0..1);
        self.number
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.witness.write(0..1);
    }
}

/// A pile of numbers.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Numbers(Pile<Item>);

impl Numbers {
    /// None yet.
    #[allow(clippy::new_without_default, reason = "for models")]
    pub fn new() -> Self {
        Self(Pile::new())
    }

    /// One more.
    pub fn lay(&self, number: u32) {
        self.0.lay(Item::new(number, 0));
    }

    /// All.
    pub fn take(&self) -> Vec<u32> {
        self.0.take().map(|item| item.read()).collect()
    }
}

/// A word with a number behind it, reclaimed as entries are.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Shelf {
    domain: Domain<()>,
    word: AtomicPtr<Item>,
}

impl Shelf {
    /// With this number.
    pub fn new(number: u32) -> Self {
        let item = Box::into_raw(Box::new(Item::new(number, 1)));
        Self { domain: Domain::new(), word: AtomicPtr::new(item) }
    }

    /// The number.
    pub fn read(&self) -> u32 {
        self.domain.session(|session| {
            // SAFETY: the word is never null, and the session keeps what it held.
            unsafe { &*session.load(&self.word) }.read()
        })
    }

    /// Another number.
    pub fn replace(&self, number: u32) {
        self.domain.session(|session| {
            let item = Box::into_raw(Box::new(Item::new(number, session.birth())));
            // Release [publish]: the number, to whoever loads it.
            let old = self.word.swap(item, Release);
            // SAFETY: it came out of a box, and this swap alone has got it.
            let birth = unsafe { ptr::addr_of!((*old).birth).read() };
            // SAFETY: as above: it is out of reach.
            session.retire(unsafe { Garbage::new(old, birth, free) });
        });
    }

    /// Frees what can be freed.
    pub fn collect(&self) {
        self.domain.collect_all();
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        // SAFETY: it came out of a box.
        drop(unsafe { Box::from_raw(self.word.load(Relaxed)) });
    }
}

/// # Safety
/// It came out of a box, and nobody looks at it any more.
unsafe fn free(item: *mut ()) {
    // SAFETY: as promised by the caller.
    drop(unsafe { Box::from_raw(item.cast::<Item>()) });
}
