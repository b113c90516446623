//! The words of a shard, as pure functions.

/// How many records a thread logs before it folds them into the rest. Two in the models, which must see it.
pub(crate) const BLOCK: usize = if cfg!(loom) { 2 } else { 128 };

/// Where the record after so many lies in the log.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a place is below the length of a block")]
pub(crate) const fn place(records: u64) -> usize {
    records as usize % BLOCK
}

/// How many records there were when so many blocks had been folded.
pub(crate) const fn folded(folds: u64) -> u64 {
    folds * BLOCK as u64
}

/// How many of so many records lie in the log of the block after so many folds; of another block, all or none.
#[expect(clippy::cast_possible_truncation, reason = "at most a block")]
pub(crate) fn logged(records: u64, folds: u64) -> usize {
    records.saturating_sub(folded(folds)).min(BLOCK as u64) as usize
}

/// The bank in which folds of this phase go.
pub(crate) const fn bank(phase: u64) -> usize {
    (phase & 1) as usize
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, bank, folded, logged, place};

    #[test]
    fn blocks_follow_each_other() {
        let block = BLOCK as u64;
        assert_eq!((place(0), place(block - 1), place(block)), (0, BLOCK - 1, 0));
        for folds in 0..3 {
            let first = folded(folds);
            assert_eq!((place(first), first), (0, folds * block));
            assert_eq!((logged(first, folds), logged(first + 1, folds)), (0, 1));
            // What does not belong together does no harm.
            assert_eq!((logged(0, folds), logged(first + 5 * block, folds)), (0, BLOCK));
        }
    }

    #[test]
    fn banks_alternate() {
        assert_eq!((bank(6), bank(7)), (0, 1));
    }
}
