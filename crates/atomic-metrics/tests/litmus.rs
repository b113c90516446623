//! What loom cannot show: a load that the processor delays past a later store. See `testkit::litmus`.
#![cfg(not(loom))]

use Ordering::{Acquire, Relaxed, Release};

use lockfree_core::sync::Ordering;
use testkit::litmus::{load, outcomes, store, swap};

/// Whether a cut that reads the idle bank and then asks for it can read what a fold writes there once it is asked.
fn is_read_after_it_was_asked_for(asked: Ordering, seen: Ordering) -> bool {
    let cut = [load("idle bank", Relaxed), swap("asked", 1, asked)];
    let fold = [load("asked", seen), store("idle bank", 1, Relaxed)];
    outcomes(&[&cut, &fold]).contains(&vec![1, 0, 1])
}

#[test]
fn phase_keeps_the_readings_of_the_idle_bank_before_the_writes() {
    assert!(!is_read_after_it_was_asked_for(Release, Acquire));
    assert!(is_read_after_it_was_asked_for(Relaxed, Acquire), "the release is needed");
    assert!(is_read_after_it_was_asked_for(Release, Relaxed), "the acquire is needed");
}
