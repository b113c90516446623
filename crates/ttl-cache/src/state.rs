//! The word of a table's slot, and what an entry knows of its use, as pure functions.
//!
//! ```text
//! bit   63        56 55        48 47                       3   2      1      0
//!      |  hash tag  |   stamp    |  address of the entry    | dead | empty | frozen |
//! ```
//!
//! A word of 0 is *unmade*: its table has not been filled yet. Where an address has no 16 bits to
//! spare (pointers of 32 bits; Android, which tags them) there is neither tag nor stamp, and
//! whoever asks looks at the entry.
//!
//! The *stamp* is coarse: the 268 ms in which the entry is due for removal, modulo 255 of them, so
//! that a sweep passes over most words without touching their entries.

/// No more changes: the slot's group is moving to the next table.
pub(crate) const FROZEN: usize = 1;
/// Nothing was ever put here.
pub(crate) const EMPTY: usize = 2;
/// What was here is gone; never used again.
pub(crate) const DEAD: usize = 4;

/// Whether addresses leave their high 16 bits to us.
const ROOMY: bool = usize::BITS == 64 && !cfg!(target_os = "android");
const TAG: u32 = if ROOMY { 56 } else { 0 };
const STAMP: u32 = if ROOMY { 48 } else { 0 };
const ADDRESS: usize = if ROOMY { (1 << STAMP) - 8 } else { !7 };

/// What is in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Unmade,
    Empty,
    Dead,
    Taken,
}

#[inline]
pub(crate) const fn content(word: usize) -> Content {
    match word & !FROZEN {
        0 => Content::Unmade,
        EMPTY => Content::Empty,
        DEAD => Content::Dead,
        _ => Content::Taken,
    }
}

#[inline]
pub(crate) const fn is_frozen(word: usize) -> bool {
    word & FROZEN != 0
}

/// The address in a word.
#[inline]
pub(crate) const fn address(word: usize) -> usize {
    word & ADDRESS
}

/// The word's tag for entries of this hash: not 0, which other words have. The lowest bits of a hash choose
/// the bucket.
#[inline]
pub(crate) const fn tag(hash: u32) -> usize {
    let high = (hash >> 24) as usize;
    if ROOMY { (if high == 0 { 1 } else { high }) << TAG } else { 0 }
}

/// Whether the word has this tag; where there are none, always.
#[inline]
pub(crate) const fn has_tag(word: usize, tag: usize) -> bool {
    !ROOMY || (word ^ tag) >> TAG == 0
}

/// The word less this tag: it has no tag left if it had that one. The same again gives the word.
#[inline]
pub(crate) const fn untagged(word: usize, tag: usize) -> usize {
    word ^ tag
}

/// Whether a word that is [`untagged`] is that of an entry of the tag, and not frozen.
#[inline]
pub(crate) const fn is_found(untagged: usize) -> bool {
    has_tag(untagged, 0) && untagged & (FROZEN | EMPTY | DEAD) == 0 && address(untagged) != 0
}

/// The word of an entry, or none if its address does not fit.
pub(crate) const fn pack(address: usize, tag: usize, stamp: u8) -> Option<usize> {
    if address & !ADDRESS != 0 {
        return None;
    }
    Some(address | tag | if ROOMY { (stamp as usize) << STAMP } else { 0 })
}

/// The same word with another stamp.
pub(crate) const fn restamped(word: usize, stamp: u8) -> usize {
    if ROOMY { word & !(0xff << STAMP) | (stamp as usize) << STAMP } else { word }
}

/// The stamp of what is due at this nanosecond; 0 for what never is.
pub(crate) const fn stamp(due: u64) -> u8 {
    if due >= NEVER { 0 } else { (slice(due) % 255) as u8 + 1 }
}

/// Which 268 ms a nanosecond lies in.
pub(crate) const fn slice(nanos: u64) -> u64 {
    nanos >> 28
}

/// The end of time, 292 years after the clock's start.
pub(crate) const NEVER: u64 = u64::MAX >> 1;

/// The stamps of a range of slices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DueStamps([u64; 4]);

impl DueStamps {
    /// Those of the slices `from..=to`.
    pub(crate) fn between(from: u64, to: u64) -> Self {
        let mut bits = [0; 4];
        for slice in from..=to.min(from.saturating_add(254)) {
            let stamp = slice % 255 + 1;
            bits[(stamp / 64) as usize] |= 1 << (stamp % 64);
        }
        Self(bits)
    }

    /// Whether the word's entry may be due.
    pub(crate) const fn covers(&self, word: usize) -> bool {
        let stamp = (word >> STAMP) & 0xff;
        !ROOMY || self.0[stamp / 64] & 1 << (stamp % 64) != 0
    }
}

/// The unit in which an entry counts references to itself; below it are its visits, in unary.
pub(crate) const REFERENCE: u32 = 4;
/// The bits of the visits.
pub(crate) const VISITS: u32 = 3;

/// The bits of so many visits, of which two are told apart.
pub(crate) const fn visits(count: u32) -> u32 {
    match count {
        0 => 0,
        1 => 1,
        _ => 3,
    }
}

/// The bits to set for one visit more; none at two.
#[inline]
pub(crate) const fn one_visit_more(uses: u32) -> u32 {
    match uses & VISITS {
        0 => 1,
        1 => 2,
        _ => 0,
    }
}

/// The bit to clear for one visit less.
pub(crate) const fn one_visit_less(uses: u32) -> u32 {
    match uses & VISITS {
        0 => 0,
        1 => 1,
        _ => 2,
    }
}

/// Both tables of a move have a power of two of buckets; a *group* is what moves together: the old
/// buckets and the new ones whose numbers agree modulo the smaller table.
pub(crate) const fn groups(old: usize, new: usize) -> usize {
    if old < new { old } else { new }
}

/// Slots of a bucket: what leaves room for the link in a line. Few under the models.
pub(crate) const SLOTS: usize = if cfg!(loom) { 2 } else { 7 };

/// How many slots of a table of so many buckets may be used before it moves: four and a half of seven,
/// so that few buckets overflow.
pub(crate) const fn limit(buckets: usize) -> usize {
    buckets * SLOTS * 9 / 14
}

/// The buckets for so many entries: half full at most, and no fewer than `least`.
pub(crate) const fn buckets_for(live: usize, least: usize) -> usize {
    let needed = (live * 2).div_ceil(SLOTS).next_power_of_two();
    if needed < least { least } else { needed }
}

/// The word of a block: its free cells are a list through themselves.
///
/// ```text
/// bit    63     62        32 31              0
///      | listed | how many  | where the first |
/// ```
///
/// A cell's place is its distance from the block's start, in units of 8 bytes; 0 is none.
pub(crate) const PLACE: usize = 8;
/// Set while the block is among those that have free cells, or in the hands of who puts it there.
pub(crate) const LISTED: u64 = 1 << 63;

/// Where the first free cell is; 0 if there is none.
#[expect(clippy::cast_possible_truncation, reason = "the low half")]
pub(crate) const fn first_free(word: u64) -> u32 {
    word as u32
}

/// How many cells are free.
pub(crate) const fn free_cells(word: u64) -> u32 {
    ((word & !LISTED) >> 32) as u32
}

/// With one more, at this place, before the others; and listed.
pub(crate) const fn with_free(word: u64, place: u32) -> u64 {
    LISTED | (free_cells(word) as u64 + 1) << 32 | place as u64
}

/// The cursor after this one in a table of `mask + 1` groups: counted up from the highest bit of the
/// mask; none after the last.
pub(crate) const fn next_cursor(cursor: u32, mask: u32) -> Option<u32> {
    let next = (cursor | !mask).reverse_bits().wrapping_add(1).reverse_bits();
    if next == 0 { None } else { Some(next) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An address with bits all over.
    const SOMEWHERE: usize = (usize::MAX / 7) & ADDRESS;

    #[test]
    fn a_word_is_what_it_was_packed_of() {
        for hash in [0, 1, 0x7fff_ffff, u32::MAX] {
            for stamp in [0, 1, 255] {
                let word = pack(SOMEWHERE, tag(hash), stamp).unwrap();
                assert_eq!(address(word), SOMEWHERE);
                assert!(has_tag(word, tag(hash)));
                assert_eq!(ROOMY, !has_tag(word, tag(hash ^ 1 << 25)));
                assert_eq!(content(word), Content::Taken);
                assert_eq!(content(word | FROZEN), Content::Taken);
                assert_eq!(address(word | FROZEN), address(word));
                assert!(!is_frozen(word) && is_frozen(word | FROZEN));
                assert_eq!(restamped(word, 9), pack(address(word), tag(hash), 9).unwrap());
            }
        }
    }

    #[test]
    fn only_an_entry_of_the_tag_is_found() {
        for hash in [0, 1 << 24, 0x7fff_ffff, u32::MAX] {
            let tag = tag(hash);
            let word = pack(SOMEWHERE, tag, 9).unwrap();
            assert_eq!(untagged(untagged(word, tag), tag), word);
            assert!(is_found(untagged(word, tag)));
            assert_eq!(ROOMY, !is_found(untagged(word ^ super::tag(2 << 24), tag)));
            for other in [word | FROZEN, 0, EMPTY, DEAD, FROZEN, EMPTY | FROZEN, DEAD | FROZEN] {
                assert!(!is_found(untagged(other, tag)));
            }
        }
    }

    #[test]
    fn an_address_that_does_not_fit_is_refused() {
        assert_eq!(pack(0x1001, 0, 0), None);
        if ROOMY {
            assert_eq!(pack(1 << 48, 0, 0), None);
        }
    }

    #[test]
    fn what_is_no_entry_is_told_apart() {
        for (word, expected) in
            [(0, Content::Unmade), (EMPTY, Content::Empty), (DEAD, Content::Dead)]
        {
            assert_eq!(content(word), expected);
            assert_eq!(content(word | FROZEN), expected);
        }
    }

    #[test]
    fn a_sweep_covers_the_stamps_of_its_slices() {
        let at = |slice: u64| pack(0x1000, 0, stamp(slice << 28)).unwrap();
        for from in [0, 3, 250, 255, 1 << 30] {
            let due = DueStamps::between(from, from + 2);
            for slice in from..=from + 2 {
                assert!(due.covers(at(slice)));
            }
            if ROOMY {
                assert!(!due.covers(at(from + 3)) && !due.covers(at(from + 254)));
                assert!(!due.covers(pack(0x1000, 0, stamp(NEVER)).unwrap()));
            }
            assert!(DueStamps::between(from, from + 10_000).covers(at(from + 9_999)));
        }
    }

    #[test]
    fn visits_are_counted_to_two_and_back() {
        let mut uses = 5 * REFERENCE;
        for visits in [1, 2, 2] {
            uses |= one_visit_more(uses);
            assert_eq!((uses & VISITS).count_ones(), visits);
        }
        for visits in [1, 0, 0] {
            uses &= !one_visit_less(uses);
            assert_eq!((uses & VISITS).count_ones(), visits);
        }
        assert_eq!(uses, 5 * REFERENCE);
        for count in 0..5 {
            assert_eq!(visits(count).count_ones(), count.min(2));
            assert_eq!(one_visit_more(visits(count)) | visits(count), visits(count + 1));
        }
    }

    #[test]
    fn a_block_knows_its_free_cells() {
        let one = with_free(0, 8);
        let two = with_free(one & !LISTED, 12);
        assert_eq!((free_cells(0), first_free(0)), (0, 0));
        assert_eq!((free_cells(one), first_free(one), one & LISTED), (1, 8, LISTED));
        assert_eq!((free_cells(two), first_free(two), two & LISTED), (2, 12, LISTED));
    }

    #[test]
    fn a_cursor_meets_each_group_though_the_table_changes() {
        for (before, after) in [(4, 16), (16, 4), (8, 8), (1, 8), (8, 1)] {
            for change in 0..before {
                // What hashes modulo 16 were met.
                let (mut met, mut cursor, mut steps) = ([false; 16], Some(0_u32), 0);
                while let Some(at) = cursor {
                    let mask = if steps < change { before - 1 } else { after - 1 };
                    for hash in (0..16).filter(|hash| hash & mask == at & mask) {
                        met[hash as usize] = true;
                    }
                    cursor = next_cursor(at, mask);
                    steps += 1;
                }
                assert!(met.iter().all(|met| *met), "{before} to {after} at {change}: {met:?}");
            }
        }
    }

    #[test]
    fn a_new_table_has_room_for_as_many_again() {
        for live in [0, 1, 7, 100, 100_000] {
            let buckets = buckets_for(live, 8);
            assert!(buckets >= 8 && limit(buckets) >= live + live / 4);
            assert!(buckets == 8 || limit(buckets) <= live * 4);
        }
    }
}
