//! A value whose reading and freeing the models see.

use lockfree_core::sync::UnsafeCell;

pub(crate) struct Watched(UnsafeCell<u32>);

// SAFETY: it is read while it is shared, and written by its drop.
unsafe impl Sync for Watched {}

impl Watched {
    pub(crate) fn new(value: u32) -> Self {
        assert!(value != 0);
        let watched = Self(UnsafeCell::new(0));
        // SAFETY: nobody else has it.
        watched.0.with_mut(|inner| unsafe { *inner = value });
        watched
    }

    /// What it holds, which a freed or half-made one does not.
    pub(crate) fn read(&self) -> u32 {
        // SAFETY: it is written before it is shared and after it was.
        let value = self.0.with(|inner| unsafe { *inner });
        assert!(value != 0, "a value that is freed, or half-made");
        value
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // SAFETY: nobody else has it any more.
        self.0.with_mut(|inner| unsafe { *inner = 0 });
    }
}
