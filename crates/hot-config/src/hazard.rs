//! Hazards: words in which threads say what they are reading, so that nobody frees it.
//!
//! After Michael, *Hazard Pointers* (2004): a reader writes the address of what it is about to read
//! into a word of its own, and whoever wants to free an address first looks at all such words.
//!
//! # State
//!
//! Two lists of records that only grow. A record has eight hazards, on cache lines of its own.
//!
//! | list | a hazard is taken by | and given back by | for |
//! | --- | --- | --- | --- |
//! | `threads` | the thread that leases the record, with a plain store | a store of null | its first eight guards |
//! | `shared` | whoever exchanges null for `TAKEN` | a store of null | more guards, reader handles, threads past their destructors |
//!
//! | the word of a hazard | says |
//! | --- | --- |
//! | null | nothing is read on its account |
//! | `TAKEN` (1) | it has an owner, who reads nothing |
//! | a mark: odd, and never used before | its owner is about to read whatever the cell `about` holds |
//! | an address: even | that is being read |
//!
//! # Invariants
//!
//! * I1: a record is never moved, nor freed before its domain; and the program's domain never is.
//! * I2: a hazard has one owner at a time, and only the owner changes it, but for the one exchange of
//!   a mark for an address by which another thread helps it (see the cell).
//! * I3: a thread's record changes hands with all its words null. One that was left with a guard in it
//!   (forgotten, or kept in a thread-local that outlives the lease) is never leased again.
//! * I4: while the word is a mark, `about` is the cell that the mark was set for: it is set before the
//!   mark, and not again before somebody has exchanged that.
//!
//! # Progress and linearization
//!
//! A thread's first guard leases a record: wait-free but for the allocator, one step or two for each
//! record that there is. After that a hazard is found by reading its word, or at most eight; beyond
//! that it is looked for among the shared ones, as many as there ever were at once, which is
//! lock-free.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | record | exchange in `push` | loads in `iter` and in the drop | the initial state of a record | `record_is_seen_whole` |
//! | lease | drop of a `Lease` | exchange in `lease` | what the last owner of a record has read, for the next one's words to say so | `lease_hands_the_record_over` |
//! | taken | `vacate` | exchange in `take` | the same for a shared hazard | `taken_hazard_hands_its_readings_over` |

use core::{
    cell::Cell,
    ptr::{self, NonNull},
};

use lockfree_core::{
    CachePadded, array_of, const_unless_loom, global, per_thread,
    sync::{
        AtomicBool, AtomicPtr, AtomicUsize, Global,
        Ordering::{Acquire, Relaxed, Release},
        fences_are_light,
    },
};

/// Hazards of a record: few under the models, which then need few guards to use them all.
const HAZARDS: usize = if cfg!(loom) { 1 } else { 8 };

const TAKEN: usize = 1;
const FIRST_MARK: usize = 3;

/// What one reading is announced by.
pub(crate) struct Hazard {
    pub(crate) word: AtomicPtr<()>,
    pub(crate) about: AtomicPtr<()>,
}

/// Whether a word is the mark of somebody who is about to read.
pub(crate) fn is_mark(word: *mut ()) -> bool {
    word.addr() & 1 == 1 && word.addr() != TAKEN
}

struct Record {
    hazards: CachePadded<[Hazard; HAZARDS]>,
    leased: AtomicBool,
    next: AtomicPtr<Record>,
}

/// A list of records, which only grows.
struct Records(AtomicPtr<Record>);

impl Records {
    const_unless_loom! {
        fn new() -> Self {
            Self(AtomicPtr::new(ptr::null_mut()))
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Record> {
        // Acquire [record]: pairs with the exchange in `push`.
        let mut next = self.0.load(Acquire);
        core::iter::from_fn(move || {
            // SAFETY: I1: null, or a record that lives as long as the list.
            let record = unsafe { next.as_ref() }?;
            // Relaxed: written before the record was pushed.
            next = record.next.load(Relaxed);
            Some(record)
        })
    }

    /// A record that is new, and leased to the caller if it is for a thread.
    fn push(&self, leased: bool) -> &Record {
        let made = Box::into_raw(Box::new(Record {
            hazards: CachePadded::new(array_of![Hazard::new(); HAZARDS]),
            leased: AtomicBool::new(leased),
            next: AtomicPtr::new(ptr::null_mut()),
        }));
        // SAFETY: I1: it lives as long as the list.
        let record = unsafe { &*made };
        // Relaxed: checked by the exchange.
        let mut first = self.0.load(Relaxed);
        loop {
            // Relaxed: published by the exchange.
            record.next.store(first, Relaxed);
            // Release [record]: the record is seen whole, and those behind it, since all who changed
            // this word did so by read-modify-writes.
            // Relaxed: only looks where to push.
            match self.0.compare_exchange_weak(first, made, Release, Relaxed) {
                Ok(_) => return record,
                Err(now) => first = now,
            }
        }
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        // Acquire [record]: pairs with the exchange in `push`. The program's domain is never dropped; that
        // of a model is, by the thread that ends last, which may not have seen each record.
        let mut next = self.0.load(Acquire);
        while !next.is_null() {
            // SAFETY: I1: it came out of a box, and nobody can reach it any more.
            let record = unsafe { Box::from_raw(next) };
            // Relaxed: exclusive access.
            next = record.next.load(Relaxed);
        }
    }
}

impl Hazard {
    const_unless_loom! {
        fn new() -> Self {
            let nothing = ptr::null_mut();
            Self { word: AtomicPtr::new(nothing), about: AtomicPtr::new(nothing) }
        }
    }

    /// Gives the hazard back: what was read on its account has been read.
    #[inline(always)]
    pub(crate) fn vacate(&self) {
        // Release [taken, unread]: the readings come before whatever follows from this word.
        self.word.store(ptr::null_mut(), Release);
    }
}

/// All hazards of the program; under the models, of an iteration.
pub(crate) struct Domain {
    threads: Records,
    shared: Records,
    next_mark: AtomicUsize,
}

global! {
    /// The one domain.
    pub(crate) fn domain() -> Domain = Domain::new();
}

per_thread! {
    /// The first hazard of this thread's record, from its first guard until `LEASE` is dropped, where light
    /// fences are light.
    static OWN: Cell<Option<NonNull<Hazard>>> = Cell::new(None);
}

per_thread! {
    /// This thread's record, and what gives it back when the thread exits.
    static LEASE: Lease = Lease(Cell::new(None));
}

impl Domain {
    const_unless_loom! {
        fn new() -> Self {
            Self {
                threads: Records::new(),
                shared: Records::new(),
                next_mark: AtomicUsize::new(FIRST_MARK),
            }
        }
    }

    /// The first hazard of this thread, if it is easily found and free. Light fences are light then.
    #[expect(clippy::unused_self, reason = "whose record it is")]
    #[inline(always)]
    pub(crate) fn own(&self) -> Option<&Hazard> {
        let own = OWN.try_with(Cell::get).ok().flatten()?;
        // SAFETY: I1: the record lives as long as the domain.
        let own = unsafe { own.as_ref() };
        // Relaxed: what is not null, this thread has written.
        own.word.load(Relaxed).is_null().then_some(own)
    }

    /// A hazard for a guard of this thread, which keeps it until it vacates it.
    pub(crate) fn hazard(&self) -> &Hazard {
        let record = LEASE.try_with(Lease::record).ok();
        let own = record.and_then(|record| {
            // SAFETY: I1: the record lives as long as the domain.
            let hazards = &unsafe { record.as_ref() }.hazards;
            // Relaxed: what is not null, this thread has written.
            hazards.iter().find(|hazard| hazard.word.load(Relaxed).is_null())
        });
        own.unwrap_or_else(|| self.take())
    }

    /// A shared hazard, which any thread may vacate.
    #[cold]
    pub(crate) fn take(&self) -> &Hazard {
        let taken = ptr::without_provenance_mut(TAKEN);
        let try_take = |hazard: &&Hazard| {
            // Relaxed: the exchange decides.
            if !hazard.word.load(Relaxed).is_null() {
                return false;
            }
            // Acquire [taken]: what the last owner read is read before this one's words say so.
            // Relaxed: nothing is taken.
            hazard.word.compare_exchange(ptr::null_mut(), taken, Acquire, Relaxed).is_ok()
        };
        let shared = self.shared.iter().flat_map(|record| record.hazards.iter()).find(try_take);
        shared.unwrap_or_else(|| {
            loop {
                // Others may be faster, but each record that is made serves somebody.
                if let Some(made) = self.shared.push(false).hazards.iter().find(try_take) {
                    break made;
                }
            }
        })
    }

    /// Every hazard that there is. One that is made while this is under way may be left out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Hazard> {
        let records = self.threads.iter().chain(self.shared.iter());
        records.flat_map(|record| record.hazards.iter())
    }

    /// An odd word that was never used before, for a mark or for a note. On a processor of 32 bits it comes again after 2^31.
    pub(crate) fn mark(&self) -> *mut () {
        // Relaxed: only that no two are alike matters.
        let mark = self.next_mark.fetch_add(2, Relaxed);
        ptr::without_provenance_mut(if mark == TAKEN { FIRST_MARK } else { mark })
    }

    /// A record for this thread: one that nobody leases any more, or a new one.
    fn lease(&self) -> NonNull<Record> {
        let free = self.threads.iter().find(|record| {
            // Relaxed: the exchange decides.
            if record.leased.load(Relaxed) {
                return false;
            }
            // Acquire [lease]: what the last owner read is read before this one's words say so.
            // Relaxed: nothing is leased.
            record.leased.compare_exchange(false, true, Acquire, Relaxed).is_ok()
        });
        NonNull::from(free.unwrap_or_else(|| self.threads.push(true)))
    }
}

/// A thread's hold on its record.
struct Lease(Cell<Option<(Global<Domain>, NonNull<Record>)>>);

impl Lease {
    /// The thread's record.
    fn record(&self) -> NonNull<Record> {
        let (domain, record) = self.0.take().unwrap_or_else(|| {
            let domain = domain();
            let record = domain.lease();
            if fences_are_light() {
                // SAFETY: I1: the record lives as long as the domain.
                let [first, ..] = &*unsafe { record.as_ref() }.hazards;
                let _ = OWN.try_with(|own| own.set(Some(NonNull::from(first))));
            }
            (domain, record)
        });
        self.0.set(Some((domain, record)));
        record
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = OWN.try_with(|own| own.set(None));
        let Some((_domain, record)) = self.0.take() else { return };
        // SAFETY: I1: the domain lives.
        let record = unsafe { record.as_ref() };
        // Relaxed: what is not null, this thread has written.
        if record.hazards.iter().all(|hazard| hazard.word.load(Relaxed).is_null()) {
            // Release [lease]: what this thread read comes before what the next owner's words say.
            record.leased.store(false, Release);
        }
    }
}
