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

use core::{
    cell::Cell,
    fmt,
    marker::PhantomData,
    num::{NonZeroU16, NonZeroU32},
};

pub use per_slot::PerSlot;
pub use registry::{Lease, Registry};

use crate::{global, per_thread, sync::Global};

/// How many threads can have a slot at once: 4095, which fills whole levels of a [`PerSlot`] table.
///
/// 3 under `--cfg loom`: more would only blur what a model explores.
pub const CAPACITY: usize = if cfg!(loom) { 3 } else { 4095 };

type Threads = Registry<{ CAPACITY.div_ceil(usize::BITS as usize) }>;

global! {
    fn threads() -> Threads = Registry::new(CAPACITY);
}

per_thread! {
    /// The number of this thread's slot plus one; 0 while it has none.
    static NUMBER: Cell<u16> = Cell::new(0);
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
    number: NonZeroU16,
    of_this_thread: PhantomData<(&'a (), *const ())>,
}

impl Slot<'_> {
    /// The slot's number, from 0; below [`high_water`].
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.number.get()) - 1
    }

    #[inline]
    fn number(self) -> NonZeroU32 {
        self.number.into()
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
    let number = NonZeroU16::new(NUMBER.try_with(Cell::get).unwrap_or(0)).or_else(first_use);
    f(number.map(|number| Slot { number, of_this_thread: PhantomData }))
}

/// The most threads that ever had a slot or asked for one at once: the size that a table indexed by
/// slots has grown to. A snapshot.
pub fn high_water() -> usize {
    threads().high_water()
}

#[cold]
fn first_use() -> Option<NonZeroU16> {
    // Ok: the guard lives, so that its drop is to come and will end the lease.
    GUARD.try_with(Guard::lease).ok().flatten()
}

struct Guard {
    asked: Cell<bool>,
    lease: Cell<Option<(Global<Threads>, usize)>>,
}

impl Guard {
    /// The number of the slot, where this is the thread's first request and there is one.
    fn lease(&self) -> Option<NonZeroU16> {
        if self.asked.replace(true) {
            return None;
        }
        let threads = threads();
        let index = threads.claim()?;
        self.lease.set(Some((threads, index)));
        let number = NonZeroU16::MIN.checked_add(u16::try_from(index).ok()?)?;
        NUMBER.try_with(|own| own.set(number.get())).ok()?;
        Some(number)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = NUMBER.try_with(|own| own.set(0));
        if let Some((threads, index)) = self.lease.take() {
            threads.release(index);
        }
    }
}
