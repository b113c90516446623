//! Sequences with a thread stopped anywhere, and their steps.
#![cfg(stepped)]

use std::sync::Arc;

use lockfree_core::clock::ManualClock;
use seqgen::{Exhausted, Sequence, SequenceSet, Snowflake};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const ROUNDS: u64 = 1000;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

/// What every operation does to the sequence, once.
#[expect(clippy::needless_pass_by_value, reason = "the harness gives it away")]
fn all_operations(sequence: Arc<Sequence>) {
    let _ = (sequence.next(), sequence.next_batch(3), sequence.next_batch(5000));
    let mut lease = sequence.lease(2);
    let _ = (lease.next(), lease.next(), lease.next());
    let _ = (sequence.current(), sequence.remaining());
    sequence.reset(sequence.max() - 10).unwrap();
    let _ = (lease.next(), lease.into_unused());
    for _ in 0..12 {
        let _ = sequence.next();
    }
    sequence.restart_with(sequence.max()).unwrap();
    let _ = (sequence.next(), sequence.next());
}

#[test]
fn a_thread_stopped_in_a_sequence_blocks_nobody() {
    let build: [(_, fn() -> _); 3] = [
        ("Sequence", || Sequence::new(0, 100_000, 1)),
        ("Sequence up to the last number", || Sequence::new(0, u64::MAX, 1)),
        ("Sequence that cycles", || Sequence::builder().max(100).cycle(true).build()),
    ];
    for (name, build) in build {
        let build = move || build().unwrap();
        let accesses = stop_anywhere(name, shared(build), all_operations, |sequence| {
            for round in 0..ROUNDS {
                sequence.reset(round % 50).unwrap();
                let mut lease = sequence.lease(4);
                assert!(lease.next().is_ok() && sequence.next().is_ok());
                assert!(sequence.next_batch(20).is_ok());
            }
            sequence.reset(sequence.max()).unwrap();
            assert_eq!(sequence.next().is_ok(), sequence.cycles());
        });
        assert!(accesses >= 40, "{accesses}");
    }
}

#[test]
fn a_thread_stopped_in_a_set_blocks_nobody() {
    let accesses = stop_anywhere(
        "SequenceSet",
        shared(SequenceSet::new),
        |set| {
            set.insert("mine", Sequence::new(0, 9, 1).unwrap()).unwrap();
            set.get_or_insert_with("ours", || Sequence::new(0, u64::MAX, 1).unwrap());
            assert!(!set.is_empty() && set.get("mine").is_some());
            assert!(set.len() >= 2 && set.iter().count() >= 2);
        },
        |set| {
            for round in 0..ROUNDS {
                let make = || Sequence::new(0, u64::MAX, 1).unwrap();
                set.get_or_insert_with("ours", make).next().unwrap();
                set.insert(&round.to_string(), make()).unwrap();
            }
            assert!(set.len() >= 1001);
        },
    );
    assert!(accesses >= 5);
}

#[test]
fn a_thread_stopped_in_a_snowflake_blocks_nobody() {
    let accesses = stop_anywhere(
        "Snowflake",
        shared(|| Snowflake::with_clock(ManualClock::new()).build().unwrap()),
        |ids| {
            let _ = (ids.next(), ids.wait_next(), ids.wait_next_for(core::time::Duration::ZERO));
        },
        |ids| {
            for _ in 0..ROUNDS {
                ids.next().unwrap();
            }
        },
    );
    assert_eq!(accesses, 9);
}

#[cfg(feature = "durable")]
#[test]
fn a_thread_stopped_within_a_block_of_a_durable_sequence_blocks_nobody() {
    use seqgen::DurableSequence;
    let path = std::env::temp_dir().join(format!("seqgen-progress-{}", std::process::id()));
    let accesses = stop_anywhere(
        "DurableSequence within a block",
        shared(|| {
            // The stopped threads of earlier rounds have the file open, under another inode.
            let _ = std::fs::remove_file(&path);
            let ids = DurableSequence::create(&path, Sequence::builder(), 1 << 20).unwrap();
            ids.next().unwrap();
            ids
        }),
        |ids| {
            let _ = (ids.next(), ids.next_batch(3), ids.current(), ids.remaining());
        },
        |ids| (0..ROUNDS).for_each(|_| _ = ids.next().unwrap()),
    );
    std::fs::remove_file(&path).unwrap();
    assert!(accesses >= 6);
}

/// The most steps of an operation, which others disturb.
fn most(operation: impl Fn(), disturbance: impl Fn() + Sync) -> usize {
    use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    disturbance();
                }
            });
        }
        let most = (0..ROUNDS).map(|_| steps(&operation).1).max();
        ended.store(true, Relaxed);
        most.unwrap()
    })
}

#[test]
fn wait_free_operations_keep_their_bounds() {
    let ids = Sequence::new(0, u64::MAX / 2, 1).unwrap();
    let next = || _ = ids.next().unwrap();
    assert_steps("Sequence::next", most(next, next), 2);
    assert_steps("Sequence::next_batch", most(|| _ = ids.next_batch(1024), next), 2);
    assert_steps("Sequence::current", most(|| _ = ids.current(), next), 2);
    assert_steps("Sequence::remaining", most(|| _ = ids.remaining(), next), 2);
    assert_steps("Sequence::reset", most(|| ids.reset(0).unwrap(), next), 3);
    assert_steps("Sequence::restart_with", most(|| ids.restart_with(1).unwrap(), next), 3);

    let wide = Sequence::new(0, u64::MAX, 1).unwrap();
    assert_steps("Sequence::reset past the brink", steps(|| wide.reset(u64::MAX)).1, 4);

    let mut lease = ids.lease(64);
    lease.next().unwrap();
    assert_steps("Lease::next within a block", steps(|| lease.next()).1, 1);
    let most_of_a_lease = (0..ROUNDS).map(|_| steps(|| lease.next()).1).max();
    assert_steps("Lease::next", most_of_a_lease.unwrap(), 4);

    let set = SequenceSet::new();
    set.insert("one", Sequence::new(0, 9, 1).unwrap()).unwrap();
    assert_steps("SequenceSet::get", steps(|| set.get("one")).1, 1);
    assert_steps("SequenceSet::len", steps(|| set.len()).1, 256);
}

/// The call that comes upon the end takes 3 accesses, and those after it 2.
#[test]
fn an_exhausted_sequence_keeps_its_bounds() {
    let ids = Sequence::new(0, 1, 1).unwrap();
    ids.next().unwrap();
    let (first, accesses) = steps(|| ids.next());
    assert_eq!(first, Err(Exhausted));
    assert_steps("Sequence::next upon the end", accesses, 3);
    let fails = || assert_eq!(ids.next(), Err(Exhausted));
    assert_steps("Sequence::next behind the end", most(fails, fails), 2);
}
