//! Blocks: the memory of entries, many cells to a block, which goes back to the allocator whole.
//!
//! Cells come out of a block and go back to it one by one, each on any thread; a heap has the blocks
//! of one cache. After the free lists of mimalloc (Leijen, Zorn and de Moura, 2019), without owners:
//! what a thread keeps at hand is kept elsewhere (`reclaim`).
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | a block's `free` | its free cells, and whether it is *listed* (`state`) |
//! | a block's `below` | the next one in a list of blocks |
//! | a heap's `open` | the last block that was listed; `CLOSED` after the cache |
//!
//! # Invariants
//!
//! * B1: a cell is free in its block's list, or it is one thread's, or it is an entry. So while
//!   somebody has a cell, its block is there.
//! * B2: a listed block is in the heap's list or in one thread's hands: his who has listed it, until
//!   he lays it down, or his who has taken the list. He alone takes its cells, frees it or says that it
//!   is listed no more.
//! * B3: he frees it if all its cells are free. Who gave the last one back has listed the block, and
//!   then it is in his hands; or he has not, and touches it no more.
//! * B4: a block was born in an era in which none of its cells could be reached yet.
//! * B5: a block keeps its heap.
//!
//! # Progress and linearization
//!
//! `give_back` is lock-free, and linearizes at its exchange. `refill` takes what there is, all at once:
//! who comes in between makes a block of his own. It takes one access a cell, and one a block if
//! somebody was listed meanwhile.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | give-back | the exchange in `give_back` | the swap in `refill`, the load in `is_idle` | that the cell's last use is over, and its link | `give_back_ends_the_last_use` |
//! | open | the exchange in `lay` | the swaps in `take` and `close` | the links of the list, and a new block's head | `open_shows_the_listed_blocks` |

use core::ptr::{self, NonNull};
use std::{alloc, sync::Arc};

use lockfree_core::sync::{
    AtomicPtr, AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
    Witness,
};

use crate::{
    pages,
    shape::{Cell, Shape},
    state::{self, LISTED, PLACE},
};

/// Cells of the smallest block.
const LEAST: usize = if cfg!(loom) { 2 } else { 32 };
/// The first block of a list that is at its end.
const CLOSED: usize = 1;

/// The head of a block.
pub(crate) struct Block {
    free: AtomicU64,
    below: AtomicPtr<Block>,
    cells: u32,
    birth: u64,
    heap: Arc<Heap>,
    witness: Witness,
}

/// What is in a free cell.
struct Free {
    below: u32,
    witness: Witness,
}

/// The blocks of one cache.
pub(crate) struct Heap {
    shape: Shape,
    open: AtomicPtr<Block>,
    /// How many cells there are.
    cells: AtomicUsize,
}

// SAFETY: B1, B2: blocks go from thread to thread.
unsafe impl Send for Heap {}
// SAFETY: as above.
unsafe impl Sync for Heap {}

impl Heap {
    pub(crate) fn new(shape: Shape) -> Arc<Self> {
        let open = AtomicPtr::new(ptr::null_mut());
        Arc::new(Self { shape, open, cells: AtomicUsize::new(0) })
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// Puts free cells into `hands`: those of a listed block, or of a new one of this birth. True if of
    /// a new one.
    ///
    /// # Safety
    /// The heap was not closed.
    pub(crate) unsafe fn refill(self: &Arc<Self>, birth: u64, hands: &mut Vec<Cell>) -> bool {
        let block = self.take();
        if block.is_null() {
            self.make(birth, hands);
            return true;
        }
        // SAFETY: B2: the list is ours.
        let head = unsafe { &*block };
        // Relaxed: `take` has shown it.
        self.put_back(head.below.load(Relaxed));
        // Acquire [give-back]: pairs with the exchanges in `give_back`: all that changes the word is
        // read-modify-writes. From here on the block is not listed (B2).
        let mut place = state::first_free(head.free.swap(0, Acquire));
        while place != 0 {
            // SAFETY: B1: a free cell's place in its block.
            let cell = unsafe { block.cast::<u8>().add(place as usize * PLACE) };
            // SAFETY: a cell is not null.
            let cell = unsafe { NonNull::new_unchecked(cell) };
            // SAFETY: B1: it was given back, and is ours now.
            let free = unsafe { cell.cast::<Free>().read() };
            free.witness.write(0..1);
            place = free.below;
            hands.push(cell);
        }
        false
    }

    /// Frees the listed blocks of which all cells are free.
    ///
    /// # Safety
    /// The heap was not closed.
    pub(crate) unsafe fn free_idle(&self) {
        let (mut next, mut kept, mut last) = (self.take(), ptr::null_mut(), None);
        while !next.is_null() {
            // SAFETY: B2: the list is ours.
            let (block, head) = (next, unsafe { &*next });
            // Relaxed: `take` has shown it.
            next = head.below.load(Relaxed);
            if head.is_idle() {
                // SAFETY: B3.
                unsafe { free(block) }
            } else {
                // Relaxed: published when it is laid down.
                head.below.store(kept, Relaxed);
                kept = block;
                last.get_or_insert(block);
            }
        }
        if let Some(last) = last {
            // SAFETY: B2: the list is in our hands.
            unsafe { Self::lay(self, kept, last) }
        }
    }

    /// From now on a block is freed by who gives its last cell back.
    ///
    /// # Safety
    /// Nobody else uses the heap, but to give cells back.
    pub(crate) unsafe fn close(&self) {
        // Acquire [open]: pairs with the exchanges in `lay`.
        let mut next = self.open.swap(ptr::without_provenance_mut(CLOSED), Acquire);
        while !next.is_null() {
            let block = next;
            // Relaxed: the swap has shown it.
            // SAFETY: B2: the list is ours.
            next = unsafe { &*block }.below.load(Relaxed);
            // SAFETY: B2.
            unsafe { unlist(block) }
        }
    }

    /// All that are listed, for one who has not closed the heap.
    fn take(&self) -> *mut Block {
        // Relaxed: whether it is worth an exchange.
        if self.open.load(Relaxed).is_null() {
            return ptr::null_mut();
        }
        // Acquire [open]: pairs with the exchanges in `lay`.
        self.open.swap(ptr::null_mut(), Acquire)
    }

    /// Lays down the rest of a list that was taken.
    fn put_back(&self, rest: *mut Block) {
        if rest.is_null() {
            return;
        }
        let none = ptr::null_mut();
        // Relaxed: who takes it sees what the listers have published: all that changes the word is
        // read-modify-writes.
        // Relaxed: somebody was listed meanwhile.
        if self.open.compare_exchange(none, rest, Relaxed, Relaxed).is_ok() {
            return;
        }
        let mut last = rest;
        loop {
            // Relaxed: `take` has shown it.
            // SAFETY: B2: the list is in our hands.
            let next = unsafe { &*last }.below.load(Relaxed);
            if next.is_null() {
                break;
            }
            last = next;
        }
        // SAFETY: as above.
        unsafe { Self::lay(self, rest, last) }
    }

    /// Lays down a list of blocks.
    ///
    /// Takes no references: before it returns, others may free the blocks, and the heap with the last.
    ///
    /// # Safety
    /// The list is in the caller's hands, and the heap is there.
    unsafe fn lay(heap: *const Self, first: *mut Block, last: *mut Block) {
        // SAFETY: as promised by the caller.
        let open = unsafe { &(*heap).open };
        // Relaxed: the exchange checks it.
        let mut top = open.load(Relaxed);
        loop {
            if top.addr() == CLOSED {
                // SAFETY: B2: a heap that is closed gets one block at a time.
                return unsafe { unlist(first) };
            }
            // Relaxed: published by the exchange.
            // SAFETY: as promised by the caller.
            unsafe { &*last }.below.store(top, Relaxed);
            // Release [open]: the list, to who takes it.
            // Relaxed: as the load above.
            match open.compare_exchange_weak(top, first, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }

    /// Makes a block; its cells go into `hands`.
    #[cold]
    fn make(self: &Arc<Self>, birth: u64, hands: &mut Vec<Cell>) {
        // Relaxed: a figure. Small caches have small blocks.
        let cells = (self.cells.load(Relaxed) / 8).max(LEAST).min(self.shape.most());
        // Relaxed: as above.
        self.cells.fetch_add(cells, Relaxed);
        let layout = self.shape.block(cells);
        // SAFETY: a block has a head.
        let start = unsafe { alloc::alloc(layout) };
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
        let witness = Witness::new(1);
        witness.write(0..1);
        let head_of = Block {
            free: AtomicU64::new(0),
            below: AtomicPtr::new(ptr::null_mut()),
            #[expect(clippy::cast_possible_truncation, reason = "a span has fewer")]
            cells: cells as u32,
            birth,
            heap: Arc::clone(self),
            witness,
        };
        // SAFETY: it begins with room for a head.
        unsafe { start.cast::<Block>().write(head_of) }
        // SAFETY: the layout has room for so many.
        hands.extend((0..cells).rev().map(|cell| unsafe { start.add(self.shape.place(cell)) }));
    }
}

impl Block {
    /// The era of its birth.
    ///
    /// # Safety
    /// Somebody has a cell of it.
    pub(crate) unsafe fn birth(block: NonNull<Self>) -> u64 {
        // SAFETY: B1.
        let head = unsafe { block.as_ref() };
        // Models: whoever frees the block must have seen that this is over.
        head.witness.read(0..1);
        head.birth
    }

    fn is_idle(&self) -> bool {
        // Acquire [give-back]: pairs with the exchanges in `give_back`.
        state::free_cells(self.free.load(Acquire)) == self.cells
    }
}

/// Gives a cell back to its block.
///
/// # Safety
/// The cell came out of a heap of this shape and is the caller's; nothing in it is needed any more.
pub(crate) unsafe fn give_back(cell: Cell, shape: Shape) {
    let block = shape.block_of(cell);
    let place = (cell.addr().get() - block.addr().get()) / PLACE;
    let place = u32::try_from(place).expect("a cell lies near the head of its block");
    let witness = Witness::new(1);
    witness.write(0..1);
    let link = cell.cast::<Free>();
    // SAFETY: the cell is ours and has room for a link.
    unsafe { link.write(Free { below: 0, witness }) }
    // SAFETY: B1: the cell is still ours.
    let head = unsafe { block.as_ref() };
    // Models: whoever frees the block must have seen that this is over.
    head.witness.read(0..1);
    // Relaxed: the exchange checks it.
    let mut word = head.free.load(Relaxed);
    loop {
        // SAFETY: the cell is still ours.
        unsafe { (*link.as_ptr()).below = state::first_free(word) };
        // Release [give-back]: the cell's last use and its link, to who takes the list or frees the block.
        // Relaxed: as the load above.
        match head.free.compare_exchange_weak(word, state::with_free(word, place), Release, Relaxed)
        {
            Ok(_) => break,
            Err(now) => word = now,
        }
    }
    if word & LISTED == 0 {
        let heap = Arc::as_ptr(&head.heap);
        // SAFETY: B2: the block is in our hands, and B5: the heap is there.
        unsafe { Heap::lay(heap, block.as_ptr(), block.as_ptr()) }
    }
}

/// Ends the listing of a block of a closed heap, or frees it.
///
/// # Safety
/// The block is in the caller's hands.
unsafe fn unlist(block: *mut Block) {
    // SAFETY: B2.
    let head = unsafe { &*block };
    while !head.is_idle() {
        // Relaxed: the exchange checks it.
        let word = head.free.load(Relaxed);
        let left = word & !LISTED;
        // Relaxed: who lists it next, or frees it, has an order of his own.
        // Relaxed: it is looked at again.
        if state::free_cells(word) < head.cells
            && head.free.compare_exchange_weak(word, left, Relaxed, Relaxed).is_ok()
        {
            return;
        }
    }
    // SAFETY: B3.
    unsafe { free(block) }
}

/// # Safety
/// The block is in the caller's hands, and all its cells are free.
unsafe fn free(block: *mut Block) {
    // SAFETY: B3: nobody else knows it.
    let head = unsafe { block.read() };
    head.witness.write(0..1);
    let (cells, heap) = (head.cells as usize, &head.heap);
    // Relaxed: a figure.
    heap.cells.fetch_sub(cells, Relaxed);
    let layout = heap.shape.block(cells);
    // SAFETY: a block is not null.
    let start = unsafe { NonNull::new_unchecked(block.cast::<u8>()) };
    // SAFETY: B3.
    unsafe { pages::discard(start, layout.size()) }
    // SAFETY: it came from there by this layout.
    unsafe { alloc::dealloc(start.as_ptr(), layout) }
}
