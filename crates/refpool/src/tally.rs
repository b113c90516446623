//! What a pool counts in words that all its threads share: only what happens seldom.
//!
//! How often a resource was handed out is counted in its slot, by its owner, with a plain load and
//! store; whether it is out, the slot's word says.

use lockfree_core::sync::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::{slot::Kind, stats::Stats};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Resources made into slots of the table; those of them that are extra ones.
    made: AtomicU64,
    made_extra: AtomicU64,
    /// Extra resources with a slot of their own: made, and gone.
    apart: AtomicU64,
    apart_gone: AtomicU64,
    /// Resources that were needed and are there, and the most there ever were. A search makes one more
    /// only where all of them are out; so that is the most that were out at once.
    needed: AtomicUsize,
    most_needed: AtomicUsize,
}

impl Tally {
    /// With resources that were made up front.
    pub(crate) fn of(made: u64) -> Self {
        Self { made: AtomicU64::new(made), ..Self::default() }
    }

    pub(crate) fn made(&self, kind: Kind) {
        let (of_all, of_extra) = match kind {
            Kind::Kept => (&self.made, None),
            Kind::Extra => (&self.made, Some(&self.made_extra)),
            Kind::Apart => (&self.apart, None),
        };
        // Relaxed: a figure, which publishes nothing.
        of_all.fetch_add(1, Relaxed);
        if let Some(of_extra) = of_extra {
            // Relaxed: a figure, which publishes nothing.
            of_extra.fetch_add(1, Relaxed);
        }
    }

    /// A resource is needed that was not, or was not there.
    pub(crate) fn is_needed(&self) {
        // Relaxed: a figure, which publishes nothing.
        let needed = self.needed.fetch_add(1, Relaxed) + 1;
        // Relaxed: a figure, which publishes nothing.
        self.most_needed.fetch_max(needed, Relaxed);
    }

    /// A resource that was needed is there no more.
    pub(crate) fn is_gone(&self, kind: Kind) {
        // Relaxed: a figure, which publishes nothing.
        self.needed.fetch_sub(1, Relaxed);
        if kind == Kind::Apart {
            // Relaxed: a figure, which publishes nothing.
            self.apart_gone.fetch_add(1, Relaxed);
        }
    }

    /// The statistics, but for the slots of the table.
    pub(crate) fn stats(&self, max: usize) -> Stats {
        // Relaxed: figures, which publish nothing. What is gone was made.
        let gone = self.apart_gone.load(Relaxed);
        let apart = self.apart.load(Relaxed); // Relaxed: as above.
        let made = self.made.load(Relaxed); // Relaxed: as above.
        let made_extra = self.made_extra.load(Relaxed); // Relaxed: as above.
        let high_water = self.most_needed.load(Relaxed); // Relaxed: as above.
        Stats {
            max,
            acquired: apart,
            created: made + apart,
            extra: made_extra + apart,
            in_use: usize::try_from(apart.saturating_sub(gone)).unwrap_or(usize::MAX),
            idle: 0,
            high_water,
        }
    }
}
