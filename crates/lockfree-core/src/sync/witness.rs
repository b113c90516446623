//! Plain data that is lent as slices, and what tells the models of accesses that they cannot see.

use core::{cell::UnsafeCell, ops::Range};

use crate::const_unless_loom;

/// A cell in a run of cells: `[SliceCell<T>]` has the layout of `[T]` in every face, so that a range
/// of it can be lent as a slice.
///
/// The models do not see its accesses; a [`Witness`] beside the run does.
#[repr(transparent)]
#[derive(Debug)]
pub struct SliceCell<T>(UnsafeCell<T>);

impl<T> SliceCell<T> {
    /// Wraps `value`.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }
}

/// Stands beside a run of [`SliceCell`]s.
///
/// Under the models each place has a modelled cell, and [`read`](Self::read) and
/// [`write`](Self::write) touch those of a range: an access that races is reported as one. In the
/// other faces it has no size and does nothing.
#[derive(Debug)]
pub struct Witness {
    #[cfg(loom)]
    places: std::vec::Vec<crate::sync::UnsafeCell<()>>,
}

// SAFETY: a place holds nothing, and that threads look at it at the same time is what it is there to tell.
#[cfg(loom)]
unsafe impl Sync for Witness {}

impl Witness {
    const_unless_loom! {
        /// A witness of `length` places.
        #[track_caller]
        pub fn new(length: usize) -> Self {
            #[cfg(not(loom))]
            let _ = length;
            Self {
                #[cfg(loom)]
                places: (0..length).map(|_| crate::sync::UnsafeCell::new(())).collect(),
            }
        }
    }

    /// The places of `range` are read from now on.
    #[inline(always)]
    #[track_caller]
    pub fn read(&self, range: Range<usize>) {
        #[cfg(not(loom))]
        let _ = range;
        #[cfg(loom)]
        for place in &self.places[range] {
            place.with(|_| ());
        }
    }

    /// The places of `range` are written from now on.
    #[inline(always)]
    #[track_caller]
    pub fn write(&self, range: Range<usize>) {
        #[cfg(not(loom))]
        let _ = range;
        #[cfg(loom)]
        for place in &self.places[range] {
            place.with_mut(|_| ());
        }
    }
}
