//! A shard for each thread, which it alone writes; for threads without a slot, one that is leased for each use.

use core::num::NonZeroU32;

use lockfree_core::{
    Backoff, CachePadded, const_unless_loom, global,
    segments::{Place, Segments},
    slots::{self, PerSlot, Registry},
};

/// Levels of the table of shards that are leased.
const LEVELS: usize = if cfg!(loom) { 2 } else { 8 };
/// How many threads without a slot can be at work at once, before another waits for one of them.
const LEASES: usize = (1 << LEVELS) - 1;

type Leases = Registry<{ LEASES.div_ceil(usize::BITS as usize) }>;

global! {
    fn leases() -> Leases = Registry::new(LEASES);
}

/// Shards of threads with a slot, and of those without.
#[derive(Debug)]
pub(crate) struct Sharded<S> {
    own: PerSlot<S>,
    rest: Segments<CachePadded<S>, LEVELS>,
}

impl<S: Default> Sharded<S> {
    const_unless_loom! {
        pub(crate) fn new() -> Self {
            Self { own: PerSlot::new(), rest: Segments::new() }
        }
    }

    /// Lends a shard that no other thread is lent meanwhile. What its last user did *happened before*.
    #[inline]
    pub(crate) fn with_own<R>(&self, f: impl FnOnce(&S) -> R) -> R {
        slots::with(move |slot| match slot {
            Some(slot) => f(self.own.get(slot)),
            None => self.with_leased(f),
        })
    }

    #[cold]
    fn with_leased<R>(&self, f: impl FnOnce(&S) -> R) -> R {
        let leases = leases();
        let backoff = Backoff::new();
        loop {
            if let Some(lease) = leases.lease() {
                return f(self.leased(lease.index()));
            }
            backoff.snooze();
        }
    }

    fn leased(&self, index: usize) -> &S {
        let number = u32::try_from(index).ok().map(|index| NonZeroU32::MIN.saturating_add(index));
        let place =
            number.and_then(Place::of).expect("a lease is below the capacity of its registry");
        self.rest.get_or_grow(place)
    }

    /// All shards that there are. One that appears meanwhile may be left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &S> {
        self.own.iter().chain(self.rest.iter().map(|shard| &**shard))
    }
}
