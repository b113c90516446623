//! Parts of the cache on their own, for models that would be too large around a whole one.

use lockfree_core::sync::{AtomicPtr, Ordering::Relaxed, Ordering::Release, Witness};

use crate::{
    entry::{Entry, Parts},
    pile::Pile,
    reclaim::{Domain, Garbage},
    state::NEVER,
    table::word_of,
    tables::Tables,
};

/// A number whose reads and whose end the models see.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Item {
    number: u32,
    birth: u64,
    witness: Witness,
}

impl Item {
    fn new(number: u32, birth: u64) -> Self {
        let witness = Witness::new(1);
        witness.write(0..1);
        Self { number, birth, witness }
    }

    fn read(&self) -> u32 {
        self.witness.read(0..1);
        self.number
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        self.witness.write(0..1);
    }
}

/// A pile of numbers.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Numbers(Pile<Item>);

impl Numbers {
    /// None yet.
    #[allow(clippy::new_without_default, reason = "for models")]
    pub fn new() -> Self {
        Self(Pile::new())
    }

    /// One more.
    pub fn lay(&self, number: u32) {
        self.0.lay(Item::new(number, 0));
    }

    /// All.
    pub fn take(&self) -> Vec<u32> {
        self.0.take().map(|item| item.read()).collect()
    }
}

/// A word with a number behind it, reclaimed as entries are.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Shelf {
    domain: Domain<()>,
    word: AtomicPtr<Item>,
}

impl Shelf {
    /// With this number.
    pub fn new(number: u32) -> Self {
        let item = Box::into_raw(Box::new(Item::new(number, 1)));
        Self { domain: Domain::new(), word: AtomicPtr::new(item) }
    }

    /// The number.
    pub fn read(&self) -> u32 {
        self.domain.session(|session| {
            // SAFETY: the word is never null, and the session keeps what it held.
            unsafe { &*session.load(&self.word) }.read()
        })
    }

    /// The number, by a load that looks at no era.
    ///
    /// # Safety
    /// None: for a twin that must fail.
    pub unsafe fn read_unguarded(&self, load: impl FnOnce(&AtomicPtr<Item>) -> *mut Item) -> u32 {
        // SAFETY: what a twin breaks.
        self.domain.session(|_| unsafe { &*load(&self.word) }.read())
    }

    /// Another number, which is written once it can be read: for a twin that must fail.
    pub fn replace_and_write(&self, number: u32) {
        self.replace(number);
        // Relaxed: only the twin's one writer writes it.
        // SAFETY: the word is never null; only the twin's one writer replaces what it holds.
        unsafe { &*self.word.load(Relaxed) }.witness.write(0..1);
    }

    /// Another number.
    pub fn replace(&self, number: u32) {
        self.domain.session(|session| {
            let item = Box::into_raw(Box::new(Item::new(number, session.birth())));
            // Release [publish]: the number, to whoever loads it.
            let old = self.word.swap(item, Release);
            // SAFETY: it came out of a box, and this swap alone has got it.
            let birth = unsafe { &*old }.birth;
            // SAFETY: as above: it is out of reach.
            session.retire(unsafe { Garbage::new(old, birth, free) });
        });
    }

    /// Frees what can be freed.
    pub fn collect(&self) {
        self.domain.collect_all();
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        // SAFETY: it came out of a box.
        drop(unsafe { Box::from_raw(self.word.load(Relaxed)) });
    }
}

/// # Safety
/// It came out of a box, and nobody looks at it any more.
unsafe fn free(item: *mut ()) {
    // SAFETY: as promised by the caller.
    drop(unsafe { Box::from_raw(item.cast::<Item>()) });
}

/// The table on its own, of numbers that are their own hashes.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Rows {
    domain: Domain<()>,
    tables: Tables<u32, ()>,
}

// SAFETY: as a cache of numbers: threads share the entries, and drop them on any thread.
unsafe impl Send for Rows {}
// SAFETY: as above.
unsafe impl Sync for Rows {}

impl Rows {
    /// A table for so many, all of which are in it.
    pub fn new(numbers: u32) -> Self {
        let rows = Self { domain: Domain::new(), tables: Tables::new() };
        rows.begin_move(numbers as usize);
        while rows.advance(1) {}
        (0..numbers).for_each(|number| rows.put(number));
        rows
    }

    fn put(&self, number: u32) {
        self.domain.session(|session| {
            let parts = Parts {
                key: number,
                value: Some(()),
                hash: number,
                weight: 1,
                birth: session.birth(),
                expires: NEVER,
                now: 0,
            };
            let word = word_of(Box::into_raw(Box::new(Entry::new(parts))), number, 0);
            let _ = self.tables.put(session, number, word, |other| other.key == number, |_| ());
        });
    }

    /// Whether it is there.
    pub fn has(&self, number: u32) -> bool {
        self.domain.session(|session| {
            let found = self.tables.find(session, number, |entry| entry.key == number);
            found.is_some_and(|found| found.entry.value().is_some())
        })
    }

    /// Begins to move, into a table for so many.
    pub fn begin_move(&self, numbers: usize) {
        self.domain.session(|session| self.tables.begin_move(session, numbers));
    }

    /// Begins to move; whoever was to move the groups has stopped before he did.
    pub fn begin_move_and_stop(&self, numbers: usize) {
        self.domain.session(|session| {
            self.tables.begin_move(session, numbers);
            let root = self.tables.root(session);
            // SAFETY: it has just begun to move, and nobody has moved it on.
            let next = unsafe { &*session.load(&root.next) };
            // Relaxed: which thread begins where.
            next.begun.fetch_add(root.buckets.len(), Relaxed);
        });
    }

    /// Moves so many groups on; false if none moves.
    pub fn advance(&self, count: usize) -> bool {
        self.domain.session(|session| self.tables.advance(session, count))
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        while self.advance(1) {}
        for entry in self.tables.drain() {
            // SAFETY: it came out of a box; the table's reference is given up.
            unsafe { Entry::<u32, ()>::release_garbage(entry.cast()) }
        }
    }
}
