//! The word that names a node, as pure functions.
//!
//! ```text
//!  63                 32       27                   0
//! ┌─────────────────────┬────────┬────────────────────┐
//! │ how often the node  │ level, │ which node of that │
//! │ was linked          │ from 1 │ level, from 0      │
//! └─────────────────────┴────────┴────────────────────┘
//! ```
//!
//! A tag belongs to the node, not to the list. Whoever holds a node that is in no list holds its last
//! word, and links it under the next one: so each word enters one list once, ever.

use core::{num::NonZeroU32, ops::Range};

use lockfree_core::{AtomicTaggedIndex, TaggedIndex, segments::Place};

use crate::rules::Rules;

/// Bits that say where a node is. The other 32 count how often it was linked.
const INDEX_BITS: u32 = 32;

/// Bits of its offset in its level; five are left for the level.
const OFFSET_BITS: u32 = 27;

/// Levels of the arena. Few under the models, which hold few values.
pub(crate) const LEVELS: usize = if cfg!(loom) { 4 } else { 1 + OFFSET_BITS as usize };

/// How many nodes there can be.
pub(crate) const MOST_NODES: u32 = (1 << LEVELS) - 1;

/// Where a node is, and how often it was linked by then.
pub(crate) type Link = TaggedIndex<INDEX_BITS>;

/// A [`Link`] that threads share.
pub(crate) type AtomicLink = AtomicTaggedIndex<INDEX_BITS>;

/// No node.
pub(crate) const NONE: Link = Link::new(0, 0);

/// The greatest tag: links that a node is good for.
pub(crate) const LAST_TAG: u64 = Link::MAX_TAG;

/// The word of the node of this number, from 1, which was never linked; none beyond [`MOST_NODES`].
pub(crate) fn fresh(number: u32) -> Option<Link> {
    let place = Place::<LEVELS>::of(NonZeroU32::new(number)?)?;
    let (level, offset) = (u32::try_from(place.level()), u32::try_from(place.offset()));
    Some(Link::new((level.ok()? + 1) << OFFSET_BITS | offset.ok()?, 0))
}

/// The word under which a node is linked next; none once its tags are used up.
#[inline]
pub(crate) fn relinked<R: Rules>(link: Link) -> Option<Link> {
    if !R::TAGGED {
        return Some(link);
    }
    if link.tag() >= R::LAST_TAG { None } else { link.advance(link.index()) }
}

/// Where the node is; none for [`NONE`].
#[inline]
pub(crate) const fn place(link: Link) -> Option<Place<LEVELS>> {
    match (link.index() >> OFFSET_BITS).checked_sub(1) {
        Some(level) => Place::at(level, link.index() & ((1 << OFFSET_BITS) - 1)),
        None => None,
    }
}

/// The numbers to give out next, `issued` having been: at most `most`, and of one level, so that
/// nobody makes a level for numbers that he does not need. None if all are given out.
pub(crate) fn next_numbers(issued: u32, most: u32) -> Option<Range<u32>> {
    let first = issued + 1;
    if first > MOST_NODES {
        return None;
    }
    let past_level = 2 << first.ilog2();
    Some(first..past_level.min(first.saturating_add(most.max(1))))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{LAST_TAG, MOST_NODES, NONE, fresh, next_numbers, place, relinked};
    use crate::rules::{Rules, Sound};

    struct Few;

    // SAFETY: tags advance.
    unsafe impl Rules for Few {
        const LAST_TAG: u64 = 3;
    }

    #[test]
    fn a_node_is_linked_under_each_tag_once() {
        let first = fresh(5).expect("it is a node");
        let words = core::iter::successors(Some(first), |&link| relinked::<Few>(link));
        let index = first.index();
        assert!(words.map(|link| (link.index(), link.tag())).eq((0..=3).map(|tag| (index, tag))));
    }

    #[test]
    fn the_last_tag_of_the_word_is_the_last_of_the_node() {
        let link = super::Link::new(fresh(MOST_NODES).expect("it is a node").index(), LAST_TAG - 1);
        let last = relinked::<Sound>(link).expect("one tag is left");
        assert_eq!((last.index(), last.tag()), (link.index(), LAST_TAG));
        assert_eq!(relinked::<Sound>(last), None);
    }

    #[test]
    fn no_node_has_no_place_and_every_node_has_its_own() {
        assert_eq!((place(NONE), fresh(0), fresh(MOST_NODES + 1)), (None, None, None));
        for number in [1, 2, 3, 1 << 20, MOST_NODES - 1, MOST_NODES] {
            let place = fresh(number).and_then(place).expect("it is a node");
            assert_eq!(place.number().get(), number);
        }
    }

    #[test]
    fn numbers_are_given_out_level_by_level() {
        assert_eq!(next_numbers(0, 16), Some(1..2));
        assert_eq!(next_numbers(1, 16), Some(2..4));
        assert_eq!(next_numbers(2, 16), Some(3..4));
        assert_eq!(next_numbers(63, 16), Some(64..80));
        assert_eq!(next_numbers(63, 0), Some(64..65));
        assert_eq!(next_numbers(MOST_NODES - 1, 16), Some(MOST_NODES..MOST_NODES + 1));
        assert_eq!(next_numbers(MOST_NODES, 16), None);
    }
}
