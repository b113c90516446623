//! Models of the counters, and the reference program's design, which fails where they hold.
#![cfg(loom)]

#[path = "fixtures/reference.rs"]
mod reference;

use core::time::Duration;
use std::sync::Arc;

use event_buckets::{EventCounter, SharedEventCounter};
use lockfree_core::{clock::ManualClock, slots};
use reference::Reference;
use testkit::model::{Model, must_fail, thread};

const NANOSECOND: Duration = Duration::from_nanos(1);

/// A counter over buckets of a nanosecond, and its clock.
fn sharded(buckets: usize) -> Arc<EventCounter<ManualClock>> {
    Arc::new(EventCounter::with_clock(NANOSECOND, buckets, ManualClock::new()))
}

fn shared(buckets: usize) -> Arc<SharedEventCounter<ManualClock>> {
    Arc::new(SharedEventCounter::with_clock(NANOSECOND, buckets, ManualClock::new()))
}

/// What is the same in the model of ours and of the reference program.
trait Counts: Send + Sync + 'static {
    fn of(buckets: usize) -> Self;
    fn add(&self, tick: u64, n: u64);
    /// All events of the history, at a tick.
    fn count(&self, tick: u64) -> u64;
}

impl Counts for Reference {
    fn of(buckets: usize) -> Self {
        Self::new(buckets)
    }
    fn add(&self, tick: u64, n: u64) {
        self.add_at(tick, n);
    }
    fn count(&self, _: u64) -> u64 {
        self.count()
    }
}

impl Counts for EventCounter<ManualClock> {
    fn of(buckets: usize) -> Self {
        Self::with_clock(NANOSECOND, buckets, ManualClock::new())
    }
    fn add(&self, tick: u64, n: u64) {
        self.add_at(tick, n);
    }
    fn count(&self, tick: u64) -> u64 {
        self.clock().set(Duration::from_nanos(tick)).unwrap();
        self.count(Duration::MAX)
    }
}

impl Counts for SharedEventCounter<ManualClock> {
    fn of(buckets: usize) -> Self {
        Self::with_clock(NANOSECOND, buckets, ManualClock::new())
    }
    fn add(&self, tick: u64, n: u64) {
        self.add_at(tick, n);
    }
    fn count(&self, tick: u64) -> u64 {
        self.clock().set(Duration::from_nanos(tick)).unwrap();
        self.count(Duration::MAX)
    }
}

/// Two threads count in the second bucket, which one of them begins.
fn at_the_border<C: Counts>() {
    let counter = Arc::new(C::of(3));
    let other = thread::spawn({
        let counter = Arc::clone(&counter);
        move || counter.add(1, 1)
    });
    counter.add(1, 1);
    other.join().unwrap();
    assert_eq!(counter.count(1), 2, "an event of the new bucket is lost");
}

/// The same with an event in the first bucket, which stays in the history of two.
fn history_at_the_border<C: Counts>() {
    let counter = Arc::new(C::of(2));
    counter.add(0, 4);
    let other = thread::spawn({
        let counter = Arc::clone(&counter);
        move || counter.add(1, 0)
    });
    counter.add(1, 0);
    other.join().unwrap();
    assert_eq!(counter.count(1), 4, "the history is wiped");
}

#[test]
fn events_at_the_border_of_a_bucket_are_counted() {
    Model::new("events_at_the_border_of_a_bucket_are_counted", 80)
        .check(at_the_border::<EventCounter<ManualClock>>);
}

#[test]
fn shared_events_at_the_border_of_a_bucket_are_counted() {
    Model::new("shared_events_at_the_border_of_a_bucket_are_counted", 26)
        .check(at_the_border::<SharedEventCounter<ManualClock>>);
}

#[test]
fn twin_reference_program_loses_events_at_the_border() {
    must_fail(
        "twin_reference_program_loses_events_at_the_border",
        "an event of the new bucket is lost",
        at_the_border::<Reference>,
    );
}

#[test]
fn a_bucket_begins_once() {
    Model::new("a_bucket_begins_once", 12)
        .check(history_at_the_border::<EventCounter<ManualClock>>);
}

#[test]
fn a_shared_bucket_begins_once() {
    Model::new("a_shared_bucket_begins_once", 26)
        .check(history_at_the_border::<SharedEventCounter<ManualClock>>);
}

#[test]
fn twin_reference_program_rotates_twice() {
    must_fail(
        "twin_reference_program_rotates_twice",
        "the history is wiped",
        history_at_the_border::<Reference>,
    );
}

/// Two threads drive one place through three laps: each event is in a bucket or evicted, and in the
/// bucket of its tick unless it is tallied as late.
#[test]
fn total_is_buckets_and_evicted_under_forced_rotation() {
    Model::new("total_is_buckets_and_evicted_under_forced_rotation", 220).check(|| {
        let counter = shared(1);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add_at(0, 1);
                counter.add_at(4, 2);
            }
        });
        counter.add_at(2, 4);
        counter.add_at(4, 8);
        other.join().unwrap();
        counter.clock().set(4 * NANOSECOND).unwrap();
        let snapshot = counter.snapshot();
        assert_eq!(snapshot.counts[0] + snapshot.evicted, 15);
        // Whoever is overtaken at the border lands in the old bucket, and is late.
        let late = counter.late();
        assert!(snapshot.counts[0] + late >= 10 && snapshot.counts[0] <= 10 + late, "{snapshot:?}");
    });
}

/// An event in its own bucket and the fold of that bucket are never both seen.
#[test]
fn fold_counts_nothing_twice() {
    Model::new("fold_counts_nothing_twice", 33).check(|| {
        let counter = shared(1);
        counter.add_at(0, 10);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add_at(2, 1)
        });
        let total = counter.total();
        assert!(total <= 11, "{total}");
        other.join().unwrap();
        assert_eq!(counter.total(), 11);
    });
}

/// 2^32 laps later the lap of a place looks the same again.
#[test]
fn era_hides_words_that_are_too_old_to_tell() {
    const LATER: u64 = 1 << 33;
    Model::new("era_hides_words_that_are_too_old_to_tell", 6190).check(|| {
        let counter = shared(1);
        counter.add_at(0, 4);
        counter.clock().set(Duration::from_nanos(LATER)).unwrap();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add_at(LATER, 1)
        });
        let count = counter.count(NANOSECOND);
        assert!(count <= 1, "{count}");
        counter.add_at(LATER, 2);
        other.join().unwrap();
        // Of two that sweep at once, after just this gap, one may evict what the other has added.
        assert!(counter.count(NANOSECOND) <= 3);
        assert_eq!(counter.total(), 7);
    });
}

/// A reader sees a shard's ring, and marks that fit its total.
#[test]
fn next_shows_the_marks() {
    Model::new("next_shows_the_marks", 370).check(|| {
        let counter = sharded(3);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add_at(1, 10);
                counter.add_at(2, 20);
            }
        });
        counter.clock().set(3 * NANOSECOND).unwrap();
        let snapshot = counter.snapshot();
        assert!([0, 10, 30].contains(&snapshot.total), "{snapshot:?}");
        // What came beside the look counts in the bucket that it saw.
        assert!([0, 10, 30].contains(&snapshot.counts[0]), "{snapshot:?}");
        assert!([0, 20].contains(&snapshot.counts[1]), "{snapshot:?}");
        assert_eq!(snapshot.evicted, 0);
        other.join().unwrap();
        assert_eq!(counter.history(), [10, 20, 0]);
    });
}

/// A reader that is late by a whole ring leaves out what it no longer finds.
#[test]
fn overwritten_marks_are_left_out() {
    Model::new("overwritten_marks_are_left_out", 1770).check(|| {
        let counter = sharded(1);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || (0..3).for_each(|tick| counter.add_at(tick, 1))
        });
        let snapshot = counter.snapshot();
        assert!(snapshot.counts[0] <= 3 && snapshot.total <= 3, "{snapshot:?}");
        other.join().unwrap();
        assert_eq!((counter.count(NANOSECOND), counter.total()), (1, 3));
    });
}

/// Events are never taken for older than the history because their bucket is not seen yet.
#[test]
fn total_shows_that_its_buckets_have_begun() {
    Model::new("total_shows_that_its_buckets_have_begun", 60).check(|| {
        let counter = sharded(1);
        counter.clock().set(NANOSECOND).unwrap();
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || counter.add_at(1, 10)
        });
        let snapshot = counter.snapshot();
        assert!([0, 10].contains(&snapshot.total) && snapshot.evicted == 0, "{snapshot:?}");
        other.join().unwrap();
    });
}

/// Totals never go back and count what happened before, whatever begins meanwhile.
#[test]
fn totals_never_go_back() {
    Model::new("totals_never_go_back", 340).check(|| {
        let counter = sharded(1);
        counter.add_at(0, 1);
        let other = thread::spawn({
            let counter = Arc::clone(&counter);
            move || {
                counter.add_at(0, 2);
                counter.add_at(5, 4);
            }
        });
        let totals = [counter.total(), counter.total()];
        assert!(1 <= totals[0] && totals[0] <= totals[1] && totals[1] <= 7, "{totals:?}");
        other.join().unwrap();
        assert_eq!(counter.total(), 7);
    });
}

/// The next owner of a slot goes on from the last one's total and marks.
#[test]
fn shards_pass_to_the_next_thread_of_a_slot() {
    Model::new("shards_pass_to_the_next_thread_of_a_slot", 160).check(|| {
        let counter = sharded(2);
        let threads = [1, 2].map(|n| {
            let counter = Arc::clone(&counter);
            thread::spawn(move || counter.add_at(n, n))
        });
        for thread in threads {
            thread.join().unwrap();
        }
        counter.clock().set(2 * NANOSECOND).unwrap();
        assert_eq!((counter.count(Duration::MAX), counter.total()), (3, 3));
    });
}

/// Counts on this thread, and beside it on ever more, the last of which has no slot.
fn count_deeper(counter: &Arc<EventCounter<ManualClock>>, depth: usize) {
    let has_slot = slots::with(|slot| slot.is_some());
    assert_eq!(has_slot, depth < slots::CAPACITY);
    let deeper = has_slot.then(|| {
        let counter = Arc::clone(counter);
        thread::spawn(move || count_deeper(&counter, depth + 1))
    });
    counter.increment_at(1);
    if let Some(deeper) = deeper {
        deeper.join().unwrap();
    }
}

#[test]
fn threads_without_a_slot_are_counted() {
    Model::new("threads_without_a_slot_are_counted", 17).preemptions(1).check(|| {
        let counter = sharded(2);
        counter.clock().set(NANOSECOND).unwrap();
        count_deeper(&counter, 0);
        let all = slots::CAPACITY as u64 + 1;
        assert_eq!((counter.count(NANOSECOND), counter.total()), (all, all));
    });
}
