//! Packed words and clocks against the plain values that they stand for.
#![cfg(not(loom))]

use core::time::Duration;

use lockfree_core::{
    TaggedIndex, TaggedPtr,
    clock::{Clock, CoarseClock, ManualClock},
};
use proptest::prelude::*;

fn holds_like_a_pair<const BITS: u32>(index: u32, tag: u64, next: u32) {
    let index = index & TaggedIndex::<BITS>::MAX_INDEX;
    let next = next & TaggedIndex::<BITS>::MAX_INDEX;
    let tag = tag & TaggedIndex::<BITS>::MAX_TAG;
    let word = TaggedIndex::<BITS>::new(index, tag);
    assert_eq!((word.index(), word.tag()), (index, tag));
    assert_eq!(TaggedIndex::<BITS>::from_bits(word.to_bits()), word);

    let sealed = tag == TaggedIndex::<BITS>::MAX_TAG;
    assert_eq!(word.is_sealed(), sealed);
    let advanced = word.advance(next).map(|word| (word.index(), word.tag()));
    assert_eq!(advanced, (!sealed).then_some((next, tag.wrapping_add(1))));
    let wrapped = word.advance_wrapping(next);
    assert_eq!((wrapped.index(), wrapped.tag()), (next, if sealed { 0 } else { tag + 1 }));
}

/// Numbers of each size, the last ones among them.
fn wide() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(u64::MAX), (0..64_u32).prop_map(|bits| u64::MAX >> bits)]
}

proptest! {
    #[test]
    fn a_tagged_index_is_an_index_and_a_tag(index in any::<u32>(), tag in wide(), next in any::<u32>()) {
        holds_like_a_pair::<24>(index, tag, next);
        holds_like_a_pair::<16>(index, tag, next);
        holds_like_a_pair::<32>(index, tag, next);
        holds_like_a_pair::<1>(index, tag, next);
    }

    #[test]
    fn a_tagged_pointer_is_a_pointer_and_a_tag(place in 0..64_usize, tag in any::<usize>()) {
        let mut values = [0_u32; 64];
        let ptr = &raw mut values[place];
        let tag = tag & TaggedPtr::<u32>::MAX_TAG;
        let word = TaggedPtr::new(ptr, tag).unwrap();
        prop_assert_eq!((word.ptr(), word.tag()), (ptr, tag));
        prop_assert_eq!(word.with_tag(0).unwrap(), TaggedPtr::new(ptr, 0).unwrap());
    }

    #[test]
    fn clocks_never_go_back(steps in prop::collection::vec((any::<bool>(), any::<bool>(), wide()), 0..50)) {
        let clock = CoarseClock::with_source(ManualClock::new());
        let (mut time, mut published) = (0_u64, 0_u64);
        for (set, tick, nanos) in steps {
            let asked = Duration::from_nanos(nanos);
            if set {
                prop_assert_eq!(clock.source().set(asked).is_ok(), nanos >= time);
                time = time.max(nanos);
            } else {
                time = time.saturating_add(nanos);
                prop_assert_eq!(clock.source().advance(asked), Duration::from_nanos(time));
            }
            if tick {
                clock.tick();
                published = time;
            }
            prop_assert_eq!(clock.source().now_nanos(), time);
            prop_assert_eq!(clock.now_nanos(), published);
        }
    }
}

#[cfg(feature = "double-width")]
proptest! {
    #[test]
    fn a_pair_is_its_halves(wide in any::<(u64, u64)>(), narrow in any::<(u32, u32)>()) {
        use lockfree_core::sync::double_word::Pair;

        let wide = Pair { low: wide.0, high: wide.1 };
        prop_assert_eq!(Pair::<u64>::from_bits(wide.to_bits()), wide);
        let narrow = Pair { low: narrow.0, high: narrow.1 };
        prop_assert_eq!(Pair::<u32>::from_bits(narrow.to_bits()), narrow);
    }
}
