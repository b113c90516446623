//! The table: buckets of one cache line, seven slots and a link, read without a lock.
//!
//! # State
//!
//! ```text
//! tables.root ──> table ──next──> table that it moves into, while it does
//!                   |
//!                   buckets: [ slot slot slot slot slot slot slot | link ] ──> further buckets
//! ```
//!
//! A slot's word (`state`) is *unmade*, *empty*, *dead* or the address of an entry with its tag and
//! stamp. The link is unmade, empty, or the address of the next bucket of the chain. A hash's bucket
//! is chosen by its low bits; its slots are searched in the order of the chain.
//!
//! # Invariants
//!
//! * I1: in a chain, a slot goes from unmade to its first content once, from empty to an entry, from
//!   an entry to another one *of an equal key* or to dead, and from dead nowhere.
//! * I2: who puts in an entry for a key that he has not found puts it into the first empty slot. So
//!   two who do compete for one slot, and a chain never has two entries of equal keys: what stands
//!   before that slot can never become an entry of the key.
//! * I3: a frozen word does not change. Its entry may be looked at by one who, after he has loaded it,
//!   has found its group not yet moved (`moving`, M2), and by nobody else.
//! * I4: a link goes from empty to a bucket once. Buckets of a chain are freed with their table.
//! * I5: `next` is set once, before the first word of its table is frozen.
//!
//! # Progress and linearization
//!
//! * `likely`: looks at each slot of a bucket once, and then at the era. Linearizes at the load of the slot
//!   that it is about.
//! * `seat`: reads a chain; on a frozen word it helps to move the group and reads the next table: at
//!   most one group, since a table does not move before it was moved into. Linearizes at its last
//!   load.
//! * `put`: lock-free: an exchange fails only if another thread changed the slot. Linearizes at the
//!   exchange. `replace` and `kill` are one exchange.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | publish | the exchanges that put in an entry, a bucket or a table | the loads in `Session::load` and `likely` | the entry, the bucket, the table as they were made | `publish_shows_a_whole_entry`, `publish_shows_a_whole_bucket`, `publish_shows_a_whole_table` |

use core::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

use lockfree_core::{
    CachePadded,
    sync::{
        AtomicPtr, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        Witness,
    },
};

use crate::{
    entry::Entry,
    garbage::Kind,
    kept::Kept,
    pages,
    session::Session,
    shape::Cell,
    state::{self, Content, DEAD, EMPTY, SLOTS},
};

/// Buckets of the smallest table.
pub(crate) const LEAST: usize = if cfg!(loom) { 1 } else { 8 };

#[repr(align(64))]
pub(crate) struct Bucket<K, V> {
    pub(crate) slots: [AtomicPtr<Entry<K, V>>; SLOTS],
    pub(crate) link: AtomicPtr<Bucket<K, V>>,
}

impl<K, V> Bucket<K, V> {
    /// With this in each slot and in the link: unmade or empty.
    pub(crate) fn filled(word: usize) -> Self {
        Self {
            slots: core::array::from_fn(|_| AtomicPtr::new(ptr::without_provenance_mut(word))),
            link: AtomicPtr::new(ptr::without_provenance_mut(word)),
        }
    }

    /// The chain that begins here, of buckets that are linked by now.
    pub(crate) fn chain<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
    ) -> impl Iterator<Item = &'s Self> {
        core::iter::successors(Some(self), move |bucket| {
            let link = session.load(&bucket.link);
            // SAFETY: I4: the table is good in this session, and its buckets with it.
            unsafe { Self::linked(link) }
        })
    }

    /// Frees the chain that a link leads to.
    ///
    /// # Safety
    /// Nobody looks at it any more.
    pub(crate) unsafe fn free_chain(mut link: *mut Self) {
        while state::content(link.addr()) == Content::Taken {
            // SAFETY: I4: a link came out of a box.
            let bucket = unsafe { Box::from_raw(link.map_addr(|word| word & !state::FROZEN)) };
            // Relaxed: exclusive access; whoever gave it to us ordered the rest.
            link = bucket.link.load(Relaxed);
        }
    }

    /// # Safety
    /// The link was loaded from a table that is good for `'a`.
    pub(crate) unsafe fn linked<'a>(link: *mut Self) -> Option<&'a Self> {
        if state::content(link.addr()) != Content::Taken {
            return None;
        }
        let bucket = link.map_addr(|word| word & !state::FROZEN);
        // SAFETY: I4.
        Some(unsafe { &*bucket })
    }
}

pub(crate) struct Table<K, V> {
    pub(crate) buckets: Box<[Bucket<K, V>]>,
    birth: u64,
    /// Slots that are not empty; a hint.
    pub(crate) used: CachePadded<AtomicUsize>,
    pub(crate) next: AtomicPtr<Table<K, V>>,
    /// Groups that somebody has begun to move into this table, and groups that were found moved.
    pub(crate) begun: AtomicUsize,
    pub(crate) moved: AtomicUsize,
    witness: Witness,
    owns: PhantomData<Entry<K, V>>,
}

impl<K, V> Table<K, V> {
    /// A table of empty slots.
    pub(crate) fn empty(buckets: usize, birth: u64) -> Self {
        Self::of((0..buckets).map(|_| Bucket::filled(EMPTY)).collect(), birth)
    }

    /// A table that is to be moved into.
    pub(crate) fn unmade(buckets: usize, birth: u64) -> Self {
        #[cfg(loom)]
        return Self::of((0..buckets).map(|_| Bucket::filled(0)).collect(), birth);
        // Fresh pages of the system are zero: nobody pays for a large table at once.
        #[cfg(not(loom))]
        {
            let zeroed = Box::<[Bucket<K, V>]>::new_zeroed_slice(buckets);
            // SAFETY: null pointers are unmade words.
            Self::of(unsafe { zeroed.assume_init() }, birth)
        }
    }

    fn of(buckets: Box<[Bucket<K, V>]>, birth: u64) -> Self {
        let witness = Witness::new(1);
        witness.write(0..1);
        Self {
            buckets,
            birth,
            used: CachePadded::new(AtomicUsize::new(0)),
            next: AtomicPtr::new(ptr::null_mut()),
            begun: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
            witness,
            owns: PhantomData,
        }
    }

    /// A table that came out of a box, as garbage. Its entries are not its own.
    pub(crate) const GARBAGE: &'static Kind = &Kind { birth: Self::birth, free: Self::free };

    /// # Safety
    /// It is a table.
    unsafe fn birth(table: *mut ()) -> u64 {
        // SAFETY: as promised by the caller.
        unsafe { &*table.cast::<Self>() }.birth
    }

    /// # Safety
    /// It came out of a box, and nobody looks at it any more.
    unsafe fn free(table: *mut ()) -> Option<Cell> {
        // SAFETY: as promised by the caller.
        drop(unsafe { Box::from_raw(table.cast::<Self>()) });
        None
    }

    #[inline]
    pub(crate) fn bucket(&self, hash: u32) -> &Bucket<K, V> {
        &self.buckets[hash as usize & (self.buckets.len() - 1)]
    }

    /// The entry that `matches`, where one look at the tags tells: mostly, if there is one.
    #[inline]
    pub(crate) fn likely<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
    ) -> Option<Found<'s, K, V>> {
        self.witness.read(0..1);
        let tag = state::tag(hash);
        let (slot, untagged) = self.bucket(hash).likely(tag);
        if !state::is_found(untagged.addr()) || !session.is_current() {
            return None;
        }
        // SAFETY: it was loaded in this session, which is current, is taken and not frozen.
        let found =
            unsafe { Found::new(slot, untagged.map_addr(|word| state::untagged(word, tag))) };
        matches(&found.entry).then_some(found)
    }

    /// Where the entry is that `matches`, or where it would go: searches the hash's chain.
    pub(crate) fn seat<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
    ) -> Seat<'s, K, V> {
        self.witness.read(0..1);
        let (tag, mut bucket) = (state::tag(hash), self.bucket(hash));
        loop {
            for slot in &bucket.slots {
                let word = session.load(slot);
                if state::is_frozen(word.addr()) {
                    return Seat::Moving;
                }
                match state::content(word.addr()) {
                    Content::Taken if state::has_tag(word.addr(), tag) => {
                        // SAFETY: it was loaded in this session and is not frozen.
                        let found = unsafe { Found::new(slot, word) };
                        if matches(&found.entry) {
                            return Seat::Found(found);
                        }
                    }
                    Content::Taken | Content::Dead => {}
                    Content::Empty => return Seat::Vacant(slot),
                    Content::Unmade => unreachable!("a group is moved before it is looked at"),
                }
            }
            let link = session.load(&bucket.link);
            if state::is_frozen(link.addr()) {
                return Seat::Moving;
            }
            // SAFETY: the table is good in this session.
            match unsafe { Bucket::linked(link) } {
                Some(next) => bucket = next,
                None => return Seat::Full(&bucket.link),
            }
        }
    }
}

impl<K, V> Bucket<K, V> {
    /// The first slot with this tag, if there is one, and what is in it less the tag.
    #[inline]
    fn likely(&self, tag: usize) -> (&AtomicPtr<Entry<K, V>>, *mut Entry<K, V>) {
        let none = (&self.slots[0], ptr::without_provenance_mut(usize::MAX));
        // No branch: which slot it is nobody could foretell.
        self.slots.iter().rev().fold(none, |likely, slot| {
            // Acquire [publish]: pairs with what made it reachable; `Session::is_current` comes after it.
            let untagged = slot.load(Acquire).map_addr(|word| state::untagged(word, tag));
            if state::has_tag(untagged.addr(), 0) { (slot, untagged) } else { likely }
        })
    }
}

/// The entry that a word points to.
///
/// # Safety
/// The word was loaded in a session that lasts for `'a`, and is not frozen, or I3 allows it.
#[inline]
pub(crate) unsafe fn entry_of<'a, K, V>(word: *mut Entry<K, V>) -> Kept<'a, K, V> {
    // SAFETY: I1: it points to an entry.
    let entry = unsafe { NonNull::new_unchecked(word.map_addr(state::address)) };
    // SAFETY: I3: the session keeps it.
    unsafe { Kept::new(entry) }
}

impl<K, V> Drop for Table<K, V> {
    /// Frees the chains. The entries are not the table's.
    fn drop(&mut self) {
        self.witness.write(0..1);
        for first in &self.buckets {
            // Relaxed: exclusive access; whoever gave it to us ordered the rest.
            let link = first.link.load(Relaxed);
            // SAFETY: a table is dropped when nobody looks at it any more.
            unsafe { Bucket::free_chain(link) }
        }
        let (start, length) = (NonNull::from_mut(&mut *self.buckets), size_of_val(&*self.buckets));
        // SAFETY: nothing but words, which nobody looks at any more.
        unsafe { pages::discard(start.cast(), length) }
    }
}

/// Where a search ended.
pub(crate) enum Seat<'s, K, V> {
    Found(Found<'s, K, V>),
    /// An empty slot.
    Vacant(&'s AtomicPtr<Entry<K, V>>),
    /// The end of a chain without one.
    Full(&'s AtomicPtr<Bucket<K, V>>),
    /// The group moves: look in the next table.
    Moving,
}

/// An entry in its slot.
pub(crate) struct Found<'s, K, V> {
    slot: &'s AtomicPtr<Entry<K, V>>,
    word: *mut Entry<K, V>,
    pub(crate) entry: Kept<'s, K, V>,
}

impl<'s, K, V> Found<'s, K, V> {
    /// # Safety
    /// `word` was loaded from `slot` in a session that lasts for `'s`, is taken and not frozen.
    pub(crate) unsafe fn new(slot: &'s AtomicPtr<Entry<K, V>>, word: *mut Entry<K, V>) -> Self {
        // SAFETY: as promised by the caller.
        Self { slot, word, entry: unsafe { entry_of(word) } }
    }

    /// Puts another entry of an equal key in its place. True: the old one is out of reach, and the
    /// caller's.
    pub(crate) fn replace(&self, word: *mut Entry<K, V>) -> bool {
        // Release [publish]: the entry, to whoever loads it.
        // Relaxed: the caller looks again.
        self.slot.compare_exchange(self.word, word, Release, Relaxed).is_ok()
    }

    /// Takes it out. True: it is out of reach, and the caller's.
    pub(crate) fn kill(&self) -> bool {
        let dead = ptr::without_provenance_mut(DEAD);
        // Relaxed: it publishes nothing; who frees the entry has an order of his own (`reclaim`).
        self.slot.compare_exchange(self.word, dead, Relaxed, Relaxed).is_ok()
    }

    /// Gives it another stamp.
    pub(crate) fn restamp(&self, stamp: u8) {
        let word = self.word.map_addr(|word| state::restamped(word, stamp));
        // Relaxed: the same entry; a read-modify-write hands on what was published.
        let _ = self.slot.compare_exchange(self.word, word, Relaxed, Relaxed);
    }
}

/// The word of an entry with these.
///
/// # Panics
/// The entry lies where the word has no room for its address.
pub(crate) fn word_of<K, V>(entry: *mut Entry<K, V>, hash: u32, stamp: u8) -> *mut Entry<K, V> {
    entry.map_addr(|address| {
        state::pack(address, state::tag(hash), stamp)
            .expect("an allocation above 2^48: the system gives addresses of more than 48 bits")
    })
}
