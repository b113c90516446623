//! The litmus tests whose outcomes the literature agrees on.
#![cfg(not(loom))]

use Ordering::{AcqRel, Acquire, Relaxed, Release};

use lockfree_core::sync::Ordering;
use testkit::litmus::{Access, fence, load, outcomes, store, swap};

fn can(threads: &[&[Access]], outcome: &[u64]) -> bool {
    outcomes(threads).contains(outcome)
}

#[test]
fn a_message_is_passed_by_release_and_acquire_alone() {
    let late = |by, to| {
        let (sender, receiver) = (
            [store("data", 1, Relaxed), store("flag", 1, by)],
            [load("flag", to), load("data", Relaxed)],
        );
        can(&[&sender, &receiver], &[1, 0])
    };
    assert!(!late(Release, Acquire));
    assert!(late(Relaxed, Acquire) && late(Release, Relaxed));
}

#[test]
fn fences_pass_a_message_too() {
    let late = |by, to| {
        let sender = [store("data", 1, Relaxed), fence(by), store("flag", 1, Relaxed)];
        let receiver = [load("flag", Relaxed), fence(to), load("data", Relaxed)];
        can(&[&sender, &receiver], &[1, 0])
    };
    assert!(!late(Release, Acquire) && !late(AcqRel, AcqRel));
    assert!(late(Acquire, Acquire) && late(Release, Release));
}

#[test]
fn a_load_is_delayed_past_a_store_unless_both_ends_forbid_it() {
    let delayed = |by, to| {
        let (one, other) =
            ([load("x", Relaxed), store("y", 1, by)], [load("y", to), store("x", 1, Relaxed)]);
        can(&[&one, &other], &[1, 1])
    };
    assert!(!delayed(Release, Acquire));
    assert!(delayed(Relaxed, Relaxed) && delayed(Relaxed, Acquire) && delayed(Release, Relaxed));
}

#[test]
fn a_store_is_delayed_past_a_load_whatever_they_are() {
    let one = [store("x", 1, Release), load("y", Acquire)];
    let other = [store("y", 1, Release), load("x", Acquire)];
    let expected = [[0, 0], [0, 1], [1, 0], [1, 1]].map(Vec::from);
    assert_eq!(outcomes(&[&one, &other]), expected.into());
}

#[test]
fn readers_agree_on_one_word_and_not_on_two() {
    let (one, other) = ([store("x", 1, Release)], [store("y", 1, Release)]);
    let (first, second) =
        ([load("x", Acquire), load("y", Acquire)], [load("y", Acquire), load("x", Acquire)]);
    assert!(can(&[&one, &other, &first, &second], &[1, 0, 1, 0]));

    let (one, other) = ([store("x", 1, Relaxed)], [store("x", 2, Relaxed)]);
    let reader = [load("x", Relaxed), load("x", Relaxed)];
    assert!(can(&[&one, &other, &reader, &reader], &[1, 2, 1, 2]));
    assert!(!can(&[&one, &other, &reader, &reader], &[1, 2, 2, 1]));
    assert!(!can(&[&one, &reader], &[1, 0]));
}

#[test]
fn exchanges_go_on_with_a_release_and_stores_do_not() {
    let late = |between: Access| {
        let sender = [store("data", 1, Relaxed), store("flag", 1, Release)];
        let receiver = [load("flag", Acquire), load("data", Relaxed)];
        outcomes(&[&sender, &[between], &receiver])
            .iter()
            .any(|read| read.ends_with(&[2, 0]) && read[0] == 1)
    };
    assert!(!late(swap("flag", 2, Relaxed)));
    let read = outcomes(&[
        &[store("data", 1, Relaxed), store("flag", 1, Release), store("flag", 2, Relaxed)],
        &[load("flag", Acquire), load("data", Relaxed)],
    ]);
    assert!(read.contains(&vec![2, 0]) && !read.contains(&vec![1, 0]));
}

#[test]
fn exchanges_take_turns() {
    let both = outcomes(&[&[swap("x", 1, Relaxed)], &[swap("x", 2, Relaxed)]]);
    assert_eq!(both, [vec![0, 1], vec![2, 0]].into());
}
