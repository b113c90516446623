//! What waits to be freed.

use core::mem;

use crate::shape::Cell;

/// What may be freed once nobody looks at it. It frees when it is dropped.
pub(crate) struct Garbage {
    object: *mut (),
    pub(crate) birth: u64,
    free: Free,
}

/// Frees an object. Of an entry it gives the cell, which is the caller's then.
pub(crate) type Free = unsafe fn(*mut ()) -> Option<Cell>;

impl Garbage {
    /// # Safety
    /// `free(object)` may be called once, on any thread, when no session can have loaded it. The cell
    /// is one of the domain's heap.
    pub(crate) unsafe fn new<T>(object: *mut T, birth: u64, free: Free) -> Self {
        Self { object: object.cast(), birth, free }
    }

    pub(crate) fn free(self) -> Option<Cell> {
        // SAFETY: `new`, I4: `collect` (`reclaim`) has looked, or nobody uses the domain any more.
        unsafe { (self.free)(self.object) }
    }
}

// SAFETY: `new`: it is freed on any thread.
unsafe impl Send for Garbage {}

/// Frees all, also if a user's drop panics.
pub(crate) fn free_all(garbage: &mut impl Iterator<Item = Garbage>, cells: &mut Vec<Cell>) {
    struct Rest<'r, I: Iterator<Item = Garbage>>(&'r mut I, &'r mut Vec<Cell>);
    impl<I: Iterator<Item = Garbage>> Drop for Rest<'_, I> {
        fn drop(&mut self) {
            free_all(self.0, self.1);
        }
    }
    while let Some(one) = garbage.next() {
        let rest = Rest(&mut *garbage, &mut *cells);
        let cell = one.free();
        mem::forget(rest);
        cells.extend(cell);
    }
}
