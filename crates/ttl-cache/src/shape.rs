//! What cells are like, and where they lie in their blocks.

use core::{alloc::Layout, ptr::NonNull};

use crate::block::Block;

/// What is at most in a block of many cells, and where it lies: at a multiple of this.
const SPAN: usize = if cfg!(loom) { 1 << 12 } else { 1 << 16 };
/// What an allocator writes before what it gives out: left free, so that blocks may lie side by side.
const GAP: usize = 64;
/// Memory for one entry.
pub(crate) type Cell = NonNull<u8>;

/// What cells of a heap are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    cell: Layout,
    span: usize,
}

impl Shape {
    /// For cells of this layout, or of smaller ones of the same alignment.
    pub(crate) const fn of(most: Layout) -> Self {
        // A large cell has a block to itself, in which it begins before the next multiple of the span.
        let small = most.size() <= SPAN / 8 && head(most) <= SPAN / 8;
        Self { cell: most.pad_to_align(), span: if small { SPAN } else { 2 * head(most) } }
    }

    /// The same places, for cells of this layout.
    pub(crate) const fn with_cell(self, cell: Layout) -> Self {
        Self { cell: cell.pad_to_align(), ..self }
    }

    /// The block in which a cell of this shape lies.
    pub(crate) fn block_of(self, cell: Cell) -> NonNull<Block> {
        let start = cell.as_ptr().map_addr(|address| address & !(self.span - 1));
        // SAFETY: blocks lie at multiples of the span, and not at 0.
        unsafe { NonNull::new_unchecked(start.cast()) }
    }

    /// Where a block's cell of this number is, from its start.
    pub(crate) const fn place(self, cell: usize) -> usize {
        head(self.cell) + cell * self.cell.size()
    }

    /// How many cells a block has at most.
    pub(crate) const fn most(self) -> usize {
        let room = SPAN.saturating_sub(GAP + head(self.cell));
        let fit = if self.span == SPAN { room / self.cell.size() } else { 1 };
        // Of cells that are aligned to half a span there is one at any rate.
        if fit > 1 { fit } else { 1 }
    }

    /// A block of so many cells.
    pub(crate) fn block(self, cells: usize) -> Layout {
        Layout::from_size_align(self.place(cells), self.span).expect("an entry fits into memory")
    }
}

/// Where the first cell of a block is.
const fn head(cell: Layout) -> usize {
    let least = size_of::<Block>().next_power_of_two();
    if cell.align() > least { cell.align() } else { least }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_leads_to_its_block() {
        for (size, align) in
            [(32, 8), (40, 8), (1, 1), (8192, 64), (8193, 8), (1 << 20, 4096), (1 << 15, 1 << 15)]
        {
            let cell = Layout::from_size_align(size.max(8), align.max(8)).unwrap();
            let shape = Shape::of(cell);
            assert!(shape.most() >= 1);
            let block = shape.block(shape.most());
            assert_eq!(block.align(), shape.span);
            // A block far from 0, at a multiple of its alignment.
            let start = 1 << (usize::BITS - 2);
            for number in [0, shape.most() - 1] {
                let address = start + shape.place(number);
                assert_eq!(address % cell.align(), 0);
                assert!(shape.place(number) + cell.size() <= block.size());
                let cell = Cell::new(core::ptr::without_provenance_mut(address)).unwrap();
                assert_eq!(shape.block_of(cell).addr().get(), start, "{size} {align}");
            }
        }
    }
}
