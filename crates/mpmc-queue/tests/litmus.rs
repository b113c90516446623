//! What loom cannot show: a load that the processor delays past a later store. See `testkit::litmus`.
#![cfg(not(loom))]

use Ordering::{Acquire, Relaxed, Release};

use lockfree_core::sync::Ordering;
use testkit::litmus::{load, outcomes, swap};

const REFUSED: u64 = 1;
const FINAL: u64 = 1;

/// Whether a finisher, whose exchange of the request fails since that is answered, can have found the answer
/// of somebody who passed the slot that this finisher makes final only then.
fn is_refused_behind_its_claim(made_final: Ordering, found: Ordering) -> bool {
    let finisher = [load("request", Relaxed), swap("slot", FINAL, made_final)];
    let passer = [load("slot", found), swap("request", REFUSED, Release)];
    outcomes(&[&finisher, &passer]).contains(&vec![REFUSED, 0, FINAL, 0])
}

#[test]
fn final_comes_after_the_answer_also_for_a_failed_exchange() {
    assert!(!is_refused_behind_its_claim(Release, Acquire));
    assert!(is_refused_behind_its_claim(Relaxed, Acquire), "the release is needed");
    assert!(is_refused_behind_its_claim(Release, Relaxed), "the acquire is needed");
}
