//! Reclamation: what was put out of reach is freed once nobody can be looking at it.
//!
//! After hazard eras (Ramalhete and Correia, 2017) and interval-based reclamation (Wen et al.,
//! 2018). Each object knows the era of its birth, each reader announces the eras that it has seen.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | `era` | counts batches of garbage, from 1 |
//! | `lower`, `upper`, for each thread slot | the eras of the session under way; `lower` is `NONE` while there is none |
//! | `bag`, for each thread slot | what its thread has retired since its last batch |
//! | `sealed` | batches, each with the era that ended when it was sealed |
//! | `waiting`, `due` | how much is sealed, and how much makes it worth a look |
//!
//! # Invariants
//!
//! * I1: an object's birth is an era read before the object could be reached.
//! * I2: what a batch sealed in era r holds was out of reach of new loads before the era moved past
//!   r.
//! * I3: whoever uses what [`Session::load`] gave has announced `lower..=upper` with
//!   birth <= upper, since the era is read again after the load and agrees with `upper`; and if he
//!   could load it, lower <= r: an era above r was read from who moved it, and shows I2.
//!   This is so for what was in reach when it was loaded. A word inside of something that is itself
//!   out of reach may lead to what is freed already: who loads such a word must find out (`moving`,
//!   M2; `tables`, M3).
//! * I4: a batch's object is freed by one who has seen, after it was sealed, for each record, that it
//!   has no session, or one with upper < birth or lower > r. Who announces after that sees I2.
//! * I5: `lower` stands while a session stands, and `upper` only grows in it; so what an operation
//!   has loaded stays good until its session ends. A session within a session shares its eras.
//!
//! # The bound
//!
//! A thread that is stopped in a session keeps what was born no later than its `upper` and was not
//! freed when it stopped: at most the entries and tables that were there at that moment, and those
//! of the same era, which ends with each thread's next batch; however long it is stopped and
//! whatever the others do. What is born later is freed. Beyond that each thread's bag holds fewer than a batch, and what waits in `sealed` is at
//! most twice what could not be freed at the last look, and two batches.
//!
//! # Progress and linearization
//!
//! A session begins and ends in a bounded number of steps. `load` repeats only if a batch was sealed
//! meanwhile. `retire` is lock-free; once a batch it looks at all records.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | seal | the addition to `era` in `seal` | the load of `era` in `begin` | that the batch is out of reach (I2), to a session with a higher `lower` | `seal_shows_what_is_out_of_reach` |
//! | looked | the fence in `collect`, with the look at `upper` | the swap in `announce` | the same, to who announces after the look: `upper` is written by read-modify-writes alone | `looked_at_too_early_shows_what_is_out_of_reach` |
//! | announce | the swap in `announce` | the look at `upper` in `collect` | that the session has begun | `announce_keeps_what_is_read` |
//! | leave | the stores of `lower` | the look at `lower` in `collect` | that the reads of the sessions before are over | `leave_lets_go_of_what_was_read` |
//! | first-session | the fence in `announce` | the fence in `collect` | of a record and the batch out of reach, one is seen | `first_session_is_seen_or_sees` |
//! | bag | the store in `retire` | the swap in `take_bag` | the garbage in a bag | `bag_is_taken_with_all_that_is_in_it` |

use core::{cell::Cell, ptr};

use lockfree_core::{
    Backoff, CachePadded,
    slots::{self, PerSlot, Registry},
    sync::{
        AtomicPtr, AtomicU64, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
        Witness, fence,
    },
};

use crate::pile::Pile;

/// How much garbage is sealed at once.
const BATCH: usize = if cfg!(loom) { 2 } else { 32 };
/// Records for threads without a slot.
const SURPLUS: usize = if cfg!(loom) { 1 } else { 8 };
/// `lower` while there is no session.
const NONE: u64 = u64::MAX;
/// `upper` before the first.
const UNUSED: u64 = 0;

/// What may be freed once nobody looks at it. It frees when it is dropped.
pub(crate) struct Garbage {
    object: *mut (),
    birth: u64,
    free: unsafe fn(*mut ()),
}

impl Garbage {
    /// # Safety
    /// `free(object)` may be called once, on any thread, when no session can have loaded it.
    pub(crate) unsafe fn new<T>(object: *mut T, birth: u64, free: unsafe fn(*mut ())) -> Self {
        Self { object: object.cast(), birth, free }
    }
}

// SAFETY: `new`: it is freed on any thread.
unsafe impl Send for Garbage {}

impl Drop for Garbage {
    fn drop(&mut self) {
        // SAFETY: I4: it is dropped by `collect`, or with a domain that nobody uses any more.
        unsafe { (self.free)(self.object) }
    }
}

/// What a thread has retired, and a witness of who has it.
struct Bag {
    garbage: Vec<Garbage>,
    witness: Witness,
}

impl Bag {
    fn new() -> Self {
        let witness = Witness::new(1);
        witness.write(0..1);
        Self { garbage: Vec::with_capacity(BATCH), witness }
    }
}

struct Batch {
    era: u64,
    garbage: Vec<Garbage>,
}

/// Sessions and garbage of one structure. `T` is what each thread has beside.
pub(crate) struct Domain<T> {
    era: CachePadded<AtomicU64>,
    waiting: CachePadded<AtomicUsize>,
    due: AtomicUsize,
    sealed: Pile<Batch>,
    records: PerSlot<Record<T>>,
    surplus: [CachePadded<Record<T>>; SURPLUS],
    leases: Registry<1>,
}

struct Record<T> {
    lower: AtomicU64,
    upper: AtomicU64,
    bag: AtomicPtr<Bag>,
    own: T,
}

impl<T: Default> Default for Record<T> {
    fn default() -> Self {
        let bag = AtomicPtr::new(ptr::null_mut());
        Self { lower: AtomicU64::new(NONE), upper: AtomicU64::new(UNUSED), bag, own: T::default() }
    }
}

impl<T> Record<T> {
    fn take_bag(&self) -> Option<Box<Bag>> {
        // Relaxed: whether it is worth an exchange.
        if self.bag.load(Relaxed).is_null() {
            return None;
        }
        // Acquire [bag]: pairs with the store in `retire`.
        let bag = self.bag.swap(ptr::null_mut(), Acquire);
        // SAFETY: it came out of a box in `retire`, and who swaps it out owns it.
        let bag = (!bag.is_null()).then(|| unsafe { Box::from_raw(bag) })?;
        bag.witness.write(0..1);
        Some(bag)
    }
}

impl<T> Drop for Record<T> {
    fn drop(&mut self) {
        drop(self.take_bag());
    }
}

impl<T: Default> Domain<T> {
    pub(crate) fn new() -> Self {
        Self {
            era: CachePadded::new(AtomicU64::new(1)),
            waiting: CachePadded::new(AtomicUsize::new(0)),
            due: AtomicUsize::new(BATCH),
            sealed: Pile::new(),
            records: PerSlot::new(),
            surplus: core::array::from_fn(|_| CachePadded::new(Record::default())),
            leases: Registry::new(SURPLUS),
        }
    }

    /// Runs `body` in a session of this thread.
    ///
    /// # Panics
    /// `body` does, or the drop of what is freed after it.
    #[inline]
    pub(crate) fn session<R>(&self, body: impl FnOnce(&Session<'_, T>) -> R) -> R {
        slots::with(|slot| match slot {
            Some(slot) => self.session_of(self.records.get(slot), body),
            None => self.surplus_session(body),
        })
    }

    #[inline]
    fn session_of<R>(&self, record: &Record<T>, body: impl FnOnce(&Session<'_, T>) -> R) -> R {
        let session = self.begin(record);
        let result = body(&session);
        let collects = session.outermost && session.collects.get();
        drop(session);
        if collects {
            self.collect();
        }
        result
    }

    /// For a thread without a slot: one of a few records, leased for this session. Waits where all
    /// are.
    #[cold]
    #[inline(never)]
    fn surplus_session<R>(&self, body: impl FnOnce(&Session<'_, T>) -> R) -> R {
        let backoff = Backoff::new();
        loop {
            if let Some(lease) = self.leases.lease() {
                return self.session_of(&self.surplus[lease.index()], body);
            }
            backoff.snooze();
        }
    }

    #[inline]
    fn begin<'d>(&'d self, record: &'d Record<T>) -> Session<'d, T> {
        // Acquire [seal]: pairs with the addition in `seal`.
        let era = self.era.load(Acquire);
        // Relaxed: only this thread writes it.
        let outermost = record.lower.load(Relaxed) == NONE;
        if outermost {
            // Release [leave]: who sees that this session has begun sees the last one's reads done.
            record.lower.store(era, Release);
        }
        let collects = Cell::new(false);
        let session = Session { domain: self, record, upper: Cell::new(era), outermost, collects };
        session.announce(era);
        session
    }

    fn records(&self) -> impl Iterator<Item = &Record<T>> {
        self.records.iter().chain(self.surplus.iter().map(|record| &**record))
    }

    /// What each thread has beside.
    pub(crate) fn owned(&self) -> impl Iterator<Item = &T> {
        self.records().map(|record| &record.own)
    }

    /// Frees what can be freed, also what threads have in their bags.
    pub(crate) fn collect_all(&self) {
        let bags = self.records().filter_map(Record::take_bag);
        let garbage: Vec<Garbage> = bags.flat_map(|bag| bag.garbage).collect();
        if !garbage.is_empty() {
            self.seal(garbage);
        }
        self.collect();
    }

    /// Lays a batch down; how much waits then.
    fn seal(&self, garbage: Vec<Garbage>) -> usize {
        let count = garbage.len();
        // Relaxed: a figure.
        let waiting = self.waiting.fetch_add(count, Relaxed) + count;
        // Release [seal]: whoever reads the next era sees the batch out of reach.
        let era = self.era.fetch_add(1, Release);
        self.sealed.lay(Batch { era, garbage });
        waiting
    }

    #[cold]
    #[inline(never)]
    fn collect(&self) {
        let batches = self.sealed.take();
        // SeqCst [first-session, looked]: a record that the look below misses begins its first session
        // after it; and who announces after the look sees the batches out of reach.
        fence(SeqCst);
        let mut sessions = Vec::new();
        for record in self.records() {
            // Acquire [announce]: who announced before this look is seen. It is an addition so that who
            // announces after it comes upon it, and upon the fence.
            let upper = record.upper.fetch_add(0, Acquire);
            // Acquire [leave]: if it is not that announcement's, its session is over.
            let lower = record.lower.load(Acquire);
            if lower != NONE {
                sessions.push((lower, upper));
            }
        }
        let (mut kept, mut free) = (0, Vec::with_capacity(2 * BATCH));
        for Batch { era, mut garbage } in batches {
            let looked_at = |one: &mut Garbage| {
                !sessions.iter().any(|&(lower, upper)| lower <= era && one.birth <= upper)
            };
            free.extend(garbage.extract_if(.., looked_at));
            kept += garbage.len();
            if !garbage.is_empty() {
                self.sealed.lay(Batch { era, garbage });
            }
        }
        // Relaxed: figures.
        self.waiting.fetch_sub(free.len(), Relaxed);
        // Relaxed: as above.
        self.due.store(2 * kept + BATCH, Relaxed);
        // Last: a user's drop may panic.
        drop(free);
    }
}

/// A stretch of time in which what was loaded stays good.
pub(crate) struct Session<'d, T> {
    domain: &'d Domain<T>,
    record: &'d Record<T>,
    upper: Cell<u64>,
    outermost: bool,
    /// Whether there is enough garbage to be worth a look once the session is over.
    collects: Cell<bool>,
}

impl<T: Default> Session<'_, T> {
    /// What the word points to, good until the session ends.
    #[inline]
    pub(crate) fn load<P>(&self, word: &AtomicPtr<P>) -> *mut P {
        loop {
            // Acquire [publish, freeze]: pairs with what made it reachable, or froze it.
            let pointer = word.load(Acquire);
            // Relaxed: it comes after the load above, and so is no earlier than the object's birth; what
            // was sealed is shown by `lower`, and by the looks at `upper`.
            let era = self.domain.era.load(Relaxed);
            if era == self.upper.get() {
                return pointer;
            }
            self.announce(era);
        }
    }

    #[inline]
    fn announce(&self, era: u64) {
        self.upper.set(era);
        // AcqRel [announce, looked]: the session has begun, to who looks at it; and pairs with the fence
        // in `collect`, if the look after it came first.
        if self.record.upper.swap(era, AcqRel) == UNUSED {
            // SeqCst [first-session]: the record is there before this session's loads.
            fence(SeqCst);
        }
    }

    /// An era no later than the present one: the birth of what is made now.
    #[inline]
    pub(crate) fn birth(&self) -> u64 {
        self.upper.get()
    }

    /// What this thread has beside. Nobody else writes it.
    #[inline]
    pub(crate) fn own(&self) -> &T {
        &self.record.own
    }

    /// Frees it later. It is out of reach of new loads.
    pub(crate) fn retire(&self, garbage: Garbage) {
        let mut bag = self.record.take_bag().unwrap_or_else(|| Box::new(Bag::new()));
        bag.garbage.push(garbage);
        if bag.garbage.len() < BATCH {
            // Release [bag]: what is in it, to who takes it.
            self.record.bag.store(Box::into_raw(bag), Release);
            return;
        }
        let waiting = self.domain.seal(bag.garbage);
        // Relaxed: a figure.
        if waiting >= self.domain.due.load(Relaxed) {
            self.collects.set(true);
        }
    }
}

impl<T> Drop for Session<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.outermost {
            // Release [leave]: this session's reads are over.
            self.record.lower.store(NONE, Release);
        }
    }
}
