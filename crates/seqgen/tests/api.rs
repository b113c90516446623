//! Sequential behaviour.
#![cfg(all(not(loom), feature = "std"))]

use core::panic::AssertUnwindSafe;
use std::{panic::catch_unwind, sync::Arc, thread};

use seqgen::{BuildError, Exhausted, Lease, OutOfRange, Sequence, SequenceSet};

fn all(sequence: &Sequence) -> Vec<u64> {
    core::iter::from_fn(|| sequence.next().ok()).take(100).collect()
}

#[test]
fn the_first_id_is_a_step_after_the_start() {
    let ids = Sequence::new(5, 20, 4).unwrap();
    assert_eq!(ids.current(), 5);
    assert_eq!(all(&ids), [9, 13, 17]);
    assert_eq!((ids.current(), ids.remaining(), ids.next()), (17, 0, Err(Exhausted)));
    assert_eq!((ids.min(), ids.max(), ids.step()), (4, 20, 4));
    assert!(!ids.is_descending() && !ids.cycles());
}

#[test]
fn ten_ids_and_then_ten_errors() {
    let ids = Sequence::new(999_990, 1_000_000, 1).unwrap();
    let calls: Vec<_> = (0..20).map(|_| ids.next()).collect();
    assert!(calls[..10].iter().copied().eq((999_991..=1_000_000).map(Ok)));
    assert!(calls[10..].iter().all(|call| *call == Err(Exhausted)));
    assert_eq!(ids.current(), 1_000_000);
}

#[test]
fn the_last_number_is_an_id_like_others() {
    let ids = Sequence::new(u64::MAX - 2, u64::MAX, 1).unwrap();
    assert_eq!((ids.remaining(), all(&ids)), (2, vec![u64::MAX - 1, u64::MAX]));
    assert_eq!((ids.next(), ids.next(), ids.current()), (Err(Exhausted), Err(Exhausted), u64::MAX));
    let ids = Sequence::new(u64::MAX, u64::MAX, 1).unwrap();
    assert_eq!((ids.next(), ids.current()), (Err(Exhausted), u64::MAX));
    let ids = Sequence::new(0, u64::MAX, 1 << 63).unwrap();
    assert_eq!(all(&ids), [1 << 63]);
    let ids = Sequence::new(0, u64::MAX, u64::MAX).unwrap();
    assert_eq!((all(&ids), ids.remaining(), ids.current()), (vec![u64::MAX], 0, u64::MAX));
}

#[test]
fn a_step_larger_than_the_range_leaves_no_id() {
    let ids = Sequence::new(0, 10, 11).unwrap();
    assert_eq!((ids.next(), ids.current(), ids.remaining()), (Err(Exhausted), 0, 0));
    assert_eq!((ids.reset(10), ids.next(), ids.current()), (Ok(()), Err(Exhausted), 10));
    assert_eq!(ids.reset(11), Err(OutOfRange { asked: 11 }));
    let ids = Sequence::builder().min(3).max(10).step(1000).build().unwrap();
    assert_eq!(all(&ids), [3]);
}

#[test]
fn limits_that_make_no_sequence_are_refused() {
    let refused = |built: Result<Sequence, BuildError>| built.unwrap_err();
    assert_eq!(refused(Sequence::new(0, 10, 0)), BuildError::ZeroStep);
    let error = refused(Sequence::new(11, 10, 1));
    assert_eq!(error, BuildError::StartOutOfRange { start: 11, min: 0, max: 10 });
    assert_eq!(error.to_string(), "a sequence from 0 to 10 cannot begin at 11");
    let builder = Sequence::builder();
    assert_eq!(refused(builder.step(0).build()), BuildError::ZeroStep);
    let error = BuildError::EmptyRange { min: 7, max: 6 };
    assert_eq!(refused(builder.min(7).max(6).build()), error);
    let error = BuildError::RangeTooWide { min: 0, max: u64::MAX, step: 1 };
    assert_eq!(refused(builder.min(0).max(u64::MAX).build()), error);
    let error = BuildError::StartOutOfRange { start: 0, min: 1, max: 9 };
    assert_eq!(refused(builder.max(9).start_with(0).build()), error);
}

#[test]
fn a_builder_has_the_defaults_of_its_docs() {
    let ids = Sequence::builder().build().unwrap();
    assert_eq!((ids.next(), ids.min(), ids.max()), (Ok(1), 1, u64::MAX));
    let ids = Sequence::builder().step(10).build().unwrap();
    assert_eq!((ids.next(), ids.next(), ids.max()), (Ok(1), Ok(11), u64::MAX - 9));
    let ids = Sequence::builder().min(0).step(-1).build().unwrap();
    assert_eq!((ids.next(), ids.next()), (Ok(u64::MAX - 1), Ok(u64::MAX - 2)));
    let ids = Sequence::builder().step(i64::MIN).build().unwrap();
    assert_eq!(all(&ids), [1 << 63]);
    let ids = Sequence::builder().min(u64::MAX).build().unwrap();
    assert_eq!(all(&ids), [u64::MAX]);
}

#[test]
fn steps_down_end_at_the_least_id() {
    let ids = Sequence::builder().min(0).max(10).step(-4).build().unwrap();
    assert!(ids.is_descending());
    assert_eq!((ids.current(), ids.remaining()), (14, 3));
    assert_eq!((all(&ids), ids.current()), (vec![10, 6, 2], 2));
    assert_eq!((ids.reset(14), all(&ids)), (Ok(()), vec![10, 6, 2]));
    assert_eq!((ids.restart_with(1), all(&ids)), (Ok(()), vec![1]));
    assert_eq!(
        (ids.reset(15), ids.restart_with(11)),
        (Err(OutOfRange { asked: 15 }), Err(OutOfRange { asked: 11 }))
    );
}

#[test]
fn a_cycle_begins_anew_at_its_beginning_and_not_at_its_start() {
    let ids = Sequence::builder().min(2).max(6).step(2).start_with(4).cycle(true).build().unwrap();
    assert!(ids.cycles());
    assert_eq!(all(&ids)[..7], [4, 6, 2, 4, 6, 2, 4]);
    let ids = Sequence::builder().min(2).max(6).step(-2).cycle(true).build().unwrap();
    assert!(ids.next_batch(2).unwrap().eq([6, 4]));
    assert_eq!(ids.next_batch(9).unwrap().collect::<Vec<_>>(), [2]);
    assert_eq!(ids.next_batch(9).unwrap().collect::<Vec<_>>(), [6, 4, 2]);
}

#[test]
fn before_the_first_id_the_current_one_is_a_step_back() {
    let ids = Sequence::builder().min(100).step(10).build().unwrap();
    assert_eq!((ids.current(), ids.next(), ids.current()), (90, Ok(100), 100));
    let ids = Sequence::builder().min(0).step(10).build().unwrap();
    assert_eq!((ids.current(), ids.next(), ids.current()), (0, Ok(0), 0));
    let ids = Sequence::builder().min(1 << 63).max(u64::MAX - 4).step(-10).build().unwrap();
    let first = u64::MAX - 4;
    assert_eq!((ids.current(), ids.next(), ids.current()), (u64::MAX, Ok(first), first));
}

#[test]
fn a_batch_is_a_range_of_its_own() {
    let ids = Sequence::new(0, 1000, 10).unwrap();
    let mut batch = ids.next_batch(5).unwrap();
    assert_eq!((batch.len(), batch.front(), batch.back()), (5, Some(10), Some(50)));
    assert_eq!((batch.nth(1), batch.next_back(), batch.len()), (Some(20), Some(50), 2));
    assert_eq!(batch.clone().rev().collect::<Vec<_>>(), [40, 30]);
    assert_eq!(
        (batch.nth(7), batch.next(), batch.next_back(), batch.back()),
        (None, None, None, None)
    );
    let none = ids.next_batch(0).unwrap();
    assert_eq!((none.len(), none.front(), ids.current()), (0, None, 50));
}

#[test]
fn a_batch_ends_with_the_range() {
    for n in [10, 1024, 1025, u64::MAX] {
        let ids = Sequence::new(0, 5, 1).unwrap();
        assert_eq!(ids.next_batch(3).unwrap().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(ids.next_batch(n).unwrap().collect::<Vec<_>>(), [4, 5]);
        assert_eq!((ids.next_batch(n), ids.current()), (Err(Exhausted), 5));
        assert_eq!((ids.next_batch(0).map(|none| none.len()), ids.next()), (Ok(0), Err(Exhausted)));
    }
}

/// Up to the last `u64`, the last 2^40 ids are a batch of their own.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_batch_of_everything_ends_twice() {
    let ids = Sequence::new(0, u64::MAX, 1).unwrap();
    let brink = u64::MAX - (1 << 40) + 1;
    let mut most = ids.next_batch(u64::MAX).unwrap();
    assert_eq!((most.front(), most.back()), (Some(1), Some(brink)));
    assert_eq!(
        (most.nth_back(5), most.nth(5), most.clone().last()),
        (Some(brink - 5), Some(6), Some(brink - 6))
    );
    let mut rest = ids.next_batch(u64::MAX).unwrap();
    assert_eq!((rest.front(), rest.back()), (Some(brink + 1), Some(u64::MAX)));
    assert_eq!((rest.nth(1 << 39), ids.next()), (Some(brink + 1 + (1 << 39)), Err(Exhausted)));
}

#[test]
fn resets_jump_to_both_ends_and_back() {
    let ids = Sequence::new(0, u64::MAX, 1).unwrap();
    for start in [u64::MAX - 2, 0, u64::MAX, u64::MAX - 1, 7, 1 << 63] {
        ids.reset(start).unwrap();
        assert_eq!(ids.current(), start);
        for id in (start..=u64::MAX).skip(1).take(3) {
            assert_eq!(ids.next(), Ok(id));
        }
        assert_eq!(ids.next().is_err(), start > u64::MAX - 4);
    }
}

#[test]
fn a_reset_makes_ids_of_an_exhausted_sequence() {
    let ids = Sequence::new(0, 3, 1).unwrap();
    for _ in 0..3 {
        assert_eq!((all(&ids), ids.next_batch(7)), (vec![1, 2, 3], Err(Exhausted)));
        ids.reset(0).unwrap();
    }
    assert_eq!((ids.reset(4), ids.current()), (Err(OutOfRange { asked: 4 }), 0));
    ids.reset(3).unwrap();
    assert_eq!((ids.next(), ids.current()), (Err(Exhausted), 3));
}

#[test]
fn a_lease_gives_a_block_and_then_another() {
    let ids = Sequence::new(0, 10, 1).unwrap();
    let mut lease = ids.lease(4);
    assert_eq!((lease.next(), lease.next(), ids.next()), (Ok(1), Ok(2), Ok(5)));
    assert_eq!((lease.next(), lease.next(), lease.next()), (Ok(3), Ok(4), Ok(6)));
    assert_eq!(lease.into_unused().collect::<Vec<_>>(), [7, 8, 9]);
    let mut last = Lease::new(&ids, 0);
    assert_eq!((last.block(), last.next(), last.next()), (1, Ok(10), Err(Exhausted)));
}

#[test]
fn a_lease_keeps_nothing_over_a_reset() {
    let ids = Arc::new(Sequence::new(0, 100, 1).unwrap());
    let mut lease = Lease::new(Arc::clone(&ids), 10);
    assert_eq!(lease.next(), Ok(1));
    ids.reset(50).unwrap();
    assert_eq!((lease.next(), ids.next()), (Ok(51), Ok(61)));
    ids.reset(100).unwrap();
    assert_eq!((lease.next(), lease.into_unused().len()), (Err(Exhausted), 0));
}

#[test]
fn a_set_has_a_sequence_for_each_name() {
    static SET: SequenceSet = SequenceSet::new();
    assert!(SET.is_empty() && SET.get("a").is_none());
    for n in 0..1000 {
        SET.insert(&n.to_string(), Sequence::new(n, 2000, 1).unwrap()).unwrap();
    }
    assert_eq!(
        (SET.len(), SET.get("7").unwrap().next(), SET.get("8").unwrap().next()),
        (1000, Ok(8), Ok(9))
    );
    let taken = SET.insert("7", Sequence::new(77, 99, 1).unwrap()).unwrap_err();
    assert_eq!(
        (taken.to_string().as_str(), taken.into_inner().next()),
        ("a sequence has this name already", Ok(78))
    );
    assert_eq!(SET.get("7").unwrap().next(), Ok(9));
    let names: std::collections::HashSet<_> = SET.iter().map(|(name, _)| name.to_owned()).collect();
    assert!(names.len() == 1000 && !SET.is_empty());
    #[cfg(target_pointer_width = "64")]
    assert!(align_of::<Sequence>() >= 64 && size_of::<Sequence>() == 2 * align_of::<Sequence>());
}

#[test]
fn a_panic_while_one_is_made_leaves_the_set_as_it_was() {
    let set = SequenceSet::default();
    let panic = catch_unwind(AssertUnwindSafe(|| set.get_or_insert_with("a", || panic!("no"))));
    assert!(panic.is_err() && set.is_empty());
    assert_eq!(set.get_or_insert_with("a", || Sequence::new(0, 9, 1).unwrap()).next(), Ok(1));
    assert_eq!(set.get_or_insert_with("a", || unreachable!()).next(), Ok(2));
    assert!(format!("{set:?}").contains("current: 2"));
}

#[test]
fn sequences_can_be_statics() {
    static IDS: Sequence = match Sequence::new(0, 1_000_000, 1) {
        Ok(ids) => ids,
        Err(_) => panic!("these limits are sound"),
    };
    thread::scope(|scope| {
        scope.spawn(|| IDS.next());
    });
    assert_eq!(IDS.next(), Ok(2));
    assert!(format!("{IDS:?}").contains("remaining: 999998"));
}

/// What the crate's docs say, on 64-bit processors with cache lines in pairs.
#[cfg(target_arch = "x86_64")]
#[test]
fn sizes_are_those_of_the_docs() {
    assert_eq!((size_of::<Sequence>(), size_of::<SequenceSet>()), (256, 2048));
    assert_eq!(size_of::<Lease<&Sequence>>(), 48);
    #[cfg(feature = "durable")]
    assert_eq!(size_of::<seqgen::DurableSequence>(), 512);
}
