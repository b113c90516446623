//! Parts of the cache on their own, for models that would be too large around a whole one.

use core::{alloc::Layout, ptr};
use std::sync::Arc;

use lockfree_core::sync::{AtomicPtr, Ordering::Relaxed, Ordering::Release, Witness};

use crate::{
    block::{self, Heap},
    entry::{Entry, Parts},
    garbage::{Garbage, Kind},
    pile::Pile,
    reclaim::Domain,
    shape::{Cell, Shape},
    state::NEVER,
    table::{Found, word_of},
    tables::{Put, Tables},
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

const ITEM: Shape = Shape::of(Layout::new::<Item>());

/// A number in a cell.
///
/// # Safety
/// The cell is the caller's.
unsafe fn place(cell: Cell, number: u32, birth: u64) -> *mut Item {
    let item = cell.cast::<Item>();
    // SAFETY: as promised by the caller.
    unsafe { item.write(Item::new(number, birth)) }
    item.as_ptr()
}

/// Numbers in cells that threads hand each other.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Cells(Arc<Heap>);

/// One of them.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct InCell(Cell);

// SAFETY: whoever has it is the cell's only owner.
unsafe impl Send for InCell {}

impl Cells {
    /// None yet.
    #[allow(clippy::new_without_default, reason = "for models")]
    pub fn new() -> Self {
        Self(Heap::new(ITEM))
    }

    /// Numbers from this on, in all the cells that one refill gives.
    pub fn fill(&self, from: u32) -> Vec<InCell> {
        let mut cells = Vec::new();
        // SAFETY: it is closed when it is dropped.
        unsafe { self.0.refill(1, &mut cells) };
        for (number, cell) in (from..).zip(&cells) {
            // SAFETY: the cells are ours.
            let _ = unsafe { place(*cell, number, 1) };
        }
        cells.into_iter().map(InCell).collect()
    }

    /// Tells whether there is still a block, or this.
    pub fn are_there(&self) -> impl Fn() -> bool + use<> {
        let heap = Arc::downgrade(&self.0);
        move || heap.strong_count() > 0
    }

    /// Frees blocks of which all cells have been given back.
    pub fn free_idle(&self) {
        // SAFETY: it is closed when it is dropped.
        unsafe { self.0.free_idle() }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        // SAFETY: nobody refills from now on.
        unsafe { self.0.close() }
    }
}

impl InCell {
    /// The number.
    pub fn read(&self) -> u32 {
        // SAFETY: it is in the cell as long as this is.
        unsafe { self.0.cast::<Item>().as_ref() }.read()
    }
}

impl Drop for InCell {
    fn drop(&mut self) {
        // SAFETY: the cell is ours, and has a number in it.
        unsafe { ptr::drop_in_place(self.0.cast::<Item>().as_ptr()) }
        // SAFETY: as above; nothing is needed of it.
        unsafe { block::give_back(self.0, ITEM) }
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
        let domain = Domain::new(Heap::new(ITEM));
        // SAFETY: the cell is ours.
        let item = domain.session(|session| unsafe { place(session.cell(), number, 1) });
        Self { domain, word: AtomicPtr::new(item) }
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
            // SAFETY: the cell is ours.
            let item = unsafe { place(session.cell(), number, session.birth()) };
            // Release [publish]: the number, to whoever loads it.
            let old = self.word.swap(item, Release);
            // SAFETY: this swap alone has got it: it is out of reach.
            session.retire(unsafe { Garbage::new(old, GARBAGE) });
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
        // SAFETY: it is in its cell, and nobody looks at it any more.
        if let Some(cell) = unsafe { free(self.word.load(Relaxed).cast()) } {
            // SAFETY: nothing is needed of it.
            unsafe { block::give_back(cell, ITEM) }
        }
    }
}

const GARBAGE: &Kind = &Kind { birth, free };

/// # Safety
/// It is in its cell.
unsafe fn birth(item: *mut ()) -> u64 {
    // SAFETY: as promised by the caller.
    unsafe { &*item.cast::<Item>() }.birth
}

/// # Safety
/// It is in its cell, and nobody looks at it any more.
unsafe fn free(item: *mut ()) -> Option<Cell> {
    // SAFETY: as promised by the caller.
    unsafe { ptr::drop_in_place(item.cast::<Item>()) }
    Cell::new(item.cast())
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
        let domain = Domain::new(Heap::new(Entry::<u32, ()>::shape(false)));
        let rows = Self { domain, tables: Tables::new() };
        rows.begin_move(numbers as usize);
        while rows.advance(1) {}
        (0..numbers).for_each(|number| rows.put(number));
        rows
    }

    /// One more, which moves the table if that is full then.
    pub fn put(&self, number: u32) {
        self.domain.session(|session| {
            let parts =
                Parts { key: number, value: Some(()), hash: number, expires: NEVER, extra: None };
            // SAFETY: the cell is ours.
            let entry = unsafe { Entry::place(session.cell(), parts) };
            let word = word_of(entry.as_ptr(), number, 0);
            let put = self.tables.put(session, number, word, |other| other.key == number, |_| ());
            if matches!(put, Put::New { crowded: true }) {
                self.tables.begin_move(session, 2);
                self.tables.advance(session, 1);
            }
        });
    }

    /// Whether it is there.
    pub fn has(&self, number: u32) -> bool {
        self.domain.session(|session| {
            let found = self.tables.find(session, number, |entry| entry.key == number);
            found.is_some_and(|found| found.entry.value().is_some())
        })
    }

    /// Takes the number out and frees its entry, which others may be looking at: for a twin that must
    /// fail.
    pub fn evict_and_free(&self, number: u32) {
        self.domain.session(|session| {
            let found = self.tables.find(session, number, |entry| entry.key == number);
            if let Some(found) = found.filter(Found::kill) {
                // SAFETY: what the twin breaks.
                unsafe { Entry::release(found.entry.pointer()) }
            }
        });
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
            // SAFETY: the table's reference is given up.
            unsafe { Entry::release(entry) }
        }
    }
}
