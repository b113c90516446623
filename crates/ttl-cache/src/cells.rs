//! Where cells for new entries come from, and where those of freed ones go: first the purse of the thread
//! (`reclaim`), which costs nothing; then what others had no room for, many cells at once; then the
//! blocks, cell by cell.

use core::mem;

use lockfree_core::sync::Ordering::Relaxed;

use crate::{block, reclaim::Domain, shape::Cell};

/// How many cells a thread keeps at hand of what it frees.
const CELLS: usize = if cfg!(loom) { 1 } else { 1024 };

/// Cells that are nobody's.
pub(crate) struct Spare(Vec<Cell>);

// SAFETY: `block`, B1: whoever has them is the one who may use them, on any thread.
unsafe impl Send for Spare {}

impl<T: Default> Domain<T> {
    /// Free cells, at least one: spare ones, or those of a block; `birth` is as the heap wants it.
    pub(crate) fn cells(&self, birth: u64) -> Vec<Cell> {
        let mut spare = self.spare.take();
        if let Some(Spare(cells)) = spare.next() {
            spare.for_each(|others| self.spare.lay(others));
            return cells;
        }
        let mut cells = Vec::new();
        // SAFETY: a heap is closed with its domain.
        if unsafe { self.heap.refill(birth, &mut cells) } {
            // Relaxed: a read-modify-write hands on what the batches before have shown. So who is stopped
            // now keeps no block of a later session.
            self.era.fetch_add(1, Relaxed);
        }
        cells
    }

    /// Leaves cells to who needs some next.
    pub(crate) fn leave(&self, cells: Vec<Cell>) {
        if !cells.is_empty() {
            self.spare.lay(Spare(cells));
        }
    }

    pub(crate) fn spare_cells(&self) -> impl Iterator<Item = Cell> + use<T> {
        self.spare.take().flat_map(|Spare(cells)| cells)
    }

    pub(crate) fn give_back(&self, cells: impl IntoIterator<Item = Cell>) {
        for cell in cells {
            // SAFETY: it came out of the heap, and was given up by who had it.
            unsafe { block::give_back(cell, self.heap.shape()) }
        }
    }
}

/// Cells of what was freed, which go where they are of use, also if a user's drop panics meanwhile.
pub(crate) struct Freed<'d, T: Default> {
    pub(crate) domain: &'d Domain<T>,
    pub(crate) keeps: bool,
    pub(crate) cells: Vec<Cell>,
}

impl<T: Default> Drop for Freed<'_, T> {
    fn drop(&mut self) {
        let mut cells = mem::take(&mut self.cells);
        if !self.keeps {
            return self.domain.give_back(cells);
        }
        if !cells.is_empty() {
            self.domain.session(|session| {
                session.purse(|purse| {
                    let room = CELLS.saturating_sub(purse.cells.len()).min(cells.len());
                    purse.cells.extend(cells.drain(cells.len() - room..));
                })
            });
        }
        self.domain.leave(cells);
    }
}
