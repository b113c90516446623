//! Rings in a place of the caller's choosing: no allocation.

use core::fmt;

use lockfree_core::const_unless_loom;

use crate::{
    Consumer, Producer, contiguous,
    ends::Ends,
    ring::Slot,
    storage::{Layout, Shared, Storage},
};

/// A ring of `N` slots that lives where it is put: in a `static`, on the stack, in a struct. Its
/// names are [`StaticRing`] and [`contiguous::StaticRing`].
///
/// `split` lends the two ends. Once both are dropped, what they left inside has been dropped too,
/// and the ring can be split again. An end that is forgotten keeps the ring split, and what is inside
/// is leaked with it.
pub struct Fixed<E: Layout, const N: usize>(Shared<E, [E; N]>);

/// A ring without allocation: `N` slots that live where it is put.
///
/// [`split`](Self::split) lends the two ends. Once both are dropped, what they left inside has been
/// dropped too, and the ring can be split again.
///
/// ```
/// use ring_spsc::StaticRing;
///
/// static SAMPLES: StaticRing<u16, 64> = StaticRing::new();
///
/// let (mut producer, mut consumer) = SAMPLES.split().expect("split here only");
/// producer.push(7).unwrap();
/// assert_eq!(consumer.pop(), Some(7));
/// assert!(SAMPLES.split().is_none());
/// ```
pub type StaticRing<T, const N: usize> = Fixed<Slot<T>, N>;

/// The two ends of a [`StaticRing`].
pub type StaticEnds<'a, T, const N: usize> =
    (Producer<T, &'a StaticRing<T, N>>, Consumer<T, &'a StaticRing<T, N>>);

impl<T, const N: usize> StaticRing<T, N> {
    const_unless_loom! {
        /// An empty ring. `N` is at least 1, or this does not compile.
        pub fn new() -> Self {
            const { assert!(N > 0, "a ring has at least one slot") };
            let slots = lockfree_core::array_of![Slot::new(); N];
            Self(Shared { ends: Ends::idle(), marks: (), slots })
        }
    }

    /// The two ends, or `None` while earlier ones live.
    pub fn split(&self) -> Option<StaticEnds<'_, T, N>> {
        self.0.ends.claim().then(|| (Producer::new(self), Consumer::new(self)))
    }
}

impl<T, const N: usize> contiguous::StaticRing<T, N> {
    const_unless_loom! {
        /// An empty ring. `N` is at least 1, or this does not compile.
        pub fn new() -> Self {
            const { assert!(N > 0, "a ring has at least one slot") };
            let slots = lockfree_core::array_of![contiguous::Place::new(); N];
            Self(Shared { ends: Ends::idle(), marks: contiguous::Marks::new(N), slots })
        }
    }

    /// The two ends, or `None` while earlier ones live.
    pub fn split(&self) -> Option<contiguous::StaticEnds<'_, T, N>> {
        let ends = || (contiguous::Producer::new(self), contiguous::Consumer::new(self));
        self.0.ends.claim().then(ends)
    }
}

// SAFETY: the ring does not move while it is borrowed.
unsafe impl<E: Layout, const N: usize> Storage for &Fixed<E, N> {
    type Slot = E;
    type Slots = [E; N];

    #[inline(always)]
    fn shared(&self) -> &Shared<E, [E; N]> {
        &self.0
    }

    unsafe fn release(&self) {
        self.0.ends.retire();
    }
}

impl<E: Layout, const N: usize> fmt::Debug for Fixed<E, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticRing").field("capacity", &N).finish_non_exhaustive()
    }
}
