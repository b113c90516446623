//! Thread slots: a small dense number for each live thread, recycled when the thread ends.
//!
//! What one thread owns needs no locked instruction. A structure keeps a [`PerSlot`] table, each
//! thread writes its own cell with a plain load and store, and readers go over all cells:
//!
//! ```
//! use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
//! use lockfree_core::slots::{self, PerSlot};
//!
//! static HITS: PerSlot<AtomicU64> = PerSlot::new();
//! static HITS_OF_THE_REST: AtomicU64 = AtomicU64::new(0);
//!
//! fn hit() {
//!     slots::with(|slot| match slot {
//!         Some(slot) => {
//!             let own = HITS.get(slot);
//!             own.store(own.load(Relaxed) + 1, Relaxed);
//!         }
//!         None => { HITS_OF_THE_REST.fetch_add(1, Relaxed); }
//!     });
//! }
//!
//! hit();
//! std::thread::spawn(hit).join().unwrap();
//! let of_all: u64 = HITS.iter().map(|cell| cell.load(Relaxed)).sum();
//! assert_eq!(of_all + HITS_OF_THE_REST.load(Relaxed), 2);
//! ```
//!
//! # What the owner of a slot may assume
//!
//! * From its first use of slots until its exit a thread has one slot, and no other thread has it.
//! * **Hand-over**: what the last owner did up to its exit *happened before* the first use by the
//!   next one. So its own cells continue where the last owner left them.
//! * A [`Slot`] cannot leave the closure that [`with`] lends it to, nor its thread.
//! * Nothing protects a thread from itself: `with` may be nested, and a signal handler that
//!   interrupts an owner's load and store acts as the same owner.
//!
//! # Threads without a slot
//!
//! [`with`] lends `None`, for good, to a thread that asked when [`CAPACITY`] threads had a slot, and
//! in thread-local destructors that run after the one that ends the lease. Every structure keeps an
//! *overflow* shard for them, written by real read-modify-writes. A destructor in which a thread uses
//! slots for the first time gets a slot; it is given back after that.
//!
//! A thread's slot is free when `JoinHandle::join` has returned. The end of a `thread::scope` does
//! not wait for thread-local destructors, so slots may come back a little later there.
//!
//! # Progress
//!
//! A thread's first use is lock-free, see [`Registry`]; each further one is wait-free and takes one
//! thread-local read and no shared access. A thread that exits gives its slot back in two steps.

mod per_slot;
mod registry;
mod state;

use core::{cell::Cell, fmt, marker::PhantomData, num::NonZeroU32};

pub use per_slot::PerSlot;
pub use registry::{Lease, Registry};

use crate::{global, per_thread, segments::Place, sync::Global};

/// Levels of a [`PerSlot`] table. Few under the models: more would only blur what they explore.
const LEVELS: usize = if cfg!(loom) { 2 } else { 12 };

/// How many threads can have a slot at once: 4095, or 3 under `--cfg loom`.
pub const CAPACITY: usize = (1 << LEVELS) - 1;

type Threads = Registry<{ CAPACITY.div_ceil(usize::BITS as usize) }>;

global! {
    fn threads() -> Threads = Registry::new(CAPACITY);
}

per_thread! {
    /// Where this thread's cells are, while it has a slot: worked out once, and small enough for a register.
    static OWN: Cell<Option<Place<LEVELS>>> = Cell::new(None);
}
per_thread! {
    /// What ends the lease; dropped when the thread exits.
    static GUARD: Guard = Guard { asked: Cell::new(false), lease: Cell::new(None) };
}

/// The number of the thread that lends it: as long as this can be used, no other thread has it.
///
/// See [what its owner may assume](self#what-the-owner-of-a-slot-may-assume). It cannot be sent,
/// shared or kept:
///
/// ```compile_fail
/// # use lockfree_core::slots;
/// slots::with(|slot| std::thread::scope(|s| { s.spawn(move || slot.unwrap().index()); }));
/// ```
/// ```compile_fail
/// # use lockfree_core::slots;
/// let kept = slots::with(|slot| slot);
/// ```
#[derive(Clone, Copy)]
pub struct Slot<'a> {
    place: Place<LEVELS>,
    of_this_thread: PhantomData<(&'a (), *const ())>,
}

impl Slot<'_> {
    /// The slot's number, from 0; below [`high_water`].
    #[inline]
    pub fn index(self) -> usize {
        self.place.number().get() as usize - 1
    }
}

impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.index()).finish()
    }
}

/// Lends this thread's slot to `f`, or `None` where it [has none](self#threads-without-a-slot).
///
/// The first use by a thread leases the slot: lock-free. Afterwards wait-free, with no shared access.
#[inline]
pub fn with<R>(f: impl FnOnce(Option<Slot<'_>>) -> R) -> R {
    // A thread that is past its thread-locals counts as one without a slot.
    let own = match OWN.try_with(Cell::get).ok().flatten() {
        None => first_use(),
        own => own,
    };
    // Run in one place and handed to no other function, `f` keeps what it needs in registers.
    f(own.map(|place| Slot { place, of_this_thread: PhantomData }))
}

/// Runs `visit` with the cell of each slot that no thread has, one after another: for what threads that
/// have ended left behind.
///
/// While a cell is visited the caller is its slot's owner: no other thread gets the slot or visits it,
/// and what its last owner did *happened before*. A slot that is given back meanwhile may be missed.
/// The caller counts as one more thread with a slot; where [`CAPACITY`] of them have one, nothing is
/// visited. Cells that nobody has touched are not made, and not visited. Lock-free.
pub fn visit_idle<T>(table: &PerSlot<T>, mut visit: impl FnMut(&T)) {
    threads().visit_idle(|index| {
        let number = u32::try_from(index).ok().map(|index| NonZeroU32::MIN.saturating_add(index));
        if let Some(cell) = number.and_then(Place::of).and_then(|place| table.at(place)) {
            visit(cell);
        }
    });
}

/// The most threads that ever had a slot or asked for one at once: the size that a table indexed by
/// slots has grown to. A snapshot.
pub fn high_water() -> usize {
    threads().high_water()
}

#[cold]
#[inline(never)]
fn first_use() -> Option<Place<LEVELS>> {
    // Ok: the guard lives, so that its drop is to come and will end the lease.
    GUARD.try_with(Guard::lease).ok().flatten()
}

struct Guard {
    asked: Cell<bool>,
    lease: Cell<Option<(Global<Threads>, usize)>>,
}

impl Guard {
    /// The slot, where this is the thread's first request and there is one.
    fn lease(&self) -> Option<Place<LEVELS>> {
        if self.asked.replace(true) {
            return None;
        }
        let threads = threads();
        let index = threads.claim()?;
        self.lease.set(Some((threads, index)));
        let index = u32::try_from(index).ok()?;
        let own = Place::of(NonZeroU32::MIN.saturating_add(index));
        OWN.try_with(|cell| cell.set(own)).ok()?;
        own
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = OWN.try_with(|own| own.set(None));
        if let Some((threads, index)) = self.lease.take() {
            threads.release(index);
        }
    }
}
