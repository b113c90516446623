//! What waits to be freed.

use crate::shape::Cell;

/// What may be freed once nobody looks at it.
pub(crate) struct Garbage {
    object: *mut (),
    kind: &'static Kind,
}

/// What can be done with objects of a kind, as long as they were not freed.
pub(crate) struct Kind {
    /// An era in which it could not be reached yet.
    pub(crate) birth: unsafe fn(*mut ()) -> u64,
    /// Frees it. Of an entry it gives the cell, which is the caller's then.
    pub(crate) free: unsafe fn(*mut ()) -> Option<Cell>,
}

impl Garbage {
    /// # Safety
    /// The object is of this kind. It may be freed once, on any thread, when no session can have loaded
    /// it; the cell is one of the domain's heap.
    #[inline]
    pub(crate) unsafe fn new<T>(object: *mut T, kind: &'static Kind) -> Self {
        Self { object: object.cast(), kind }
    }

    /// An era in which it could not be reached yet. Only who asks looks at the object for it.
    pub(crate) fn birth(&self) -> u64 {
        // SAFETY: `new`; it was not freed.
        unsafe { (self.kind.birth)(self.object) }
    }

    fn free(self) -> Option<Cell> {
        // SAFETY: `new`, I4: `collect` (`reclaim`) has looked, or nobody uses the domain any more.
        unsafe { (self.kind.free)(self.object) }
    }
}

// SAFETY: `new`: it is freed on any thread.
unsafe impl Send for Garbage {}

/// Frees all, also if a user's drop panics.
pub(crate) fn free_all(garbage: impl Iterator<Item = Garbage>, cells: &mut Vec<Cell>) {
    struct Rest<'r, I: Iterator<Item = Garbage>>(I, &'r mut Vec<Cell>);
    impl<I: Iterator<Item = Garbage>> Rest<'_, I> {
        fn free(&mut self) {
            self.1.extend(self.0.by_ref().filter_map(Garbage::free));
        }
    }
    impl<I: Iterator<Item = Garbage>> Drop for Rest<'_, I> {
        fn drop(&mut self) {
            self.free();
        }
    }
    Rest(garbage, cells).free();
}
