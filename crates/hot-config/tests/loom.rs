//! Models of the cell: what is read is whole and not freed, and what is replaced is freed.
//!
//! Most are of the cell alone: a whole configuration passes full fences for the sake of those who wait,
//! which order what an edge is to order. A record has one hazard here, so a thread's second guard has a
//! shared one.
#![cfg(loom)]

#[path = "models/watched.rs"]
mod watched;

use std::sync::Arc;

use hot_config::{HotConfig, parts};
use testkit::{
    drops::Drops,
    model::{Model, must_fail, thread},
};
use watched::Watched;

type Cell = parts::Cell<Watched>;

fn cell(value: u32) -> Arc<Cell> {
    of(Watched::new(value))
}

/// A cell that this thread has read: its first guard is found in another way.
fn of<V>(value: V) -> Arc<parts::Cell<V>> {
    let cell = Arc::new(parts::Cell::new(value));
    drop(cell.load());
    cell
}

/// Runs `body` on another thread.
fn with<C: Send + Sync + 'static, R: 'static>(
    cell: &Arc<C>,
    body: impl FnOnce(&C) -> R + 'static,
) -> thread::JoinHandle<R> {
    let cell = Arc::clone(cell);
    thread::spawn(move || body(&cell))
}

#[test]
fn current_shows_a_whole_value() {
    Model::new("current_shows_a_whole_value", 990).check(|| {
        let cell = cell(1);
        let writer = with(&cell, |cell| cell.replace(Watched::new(2)));
        assert!(cell.load().read() <= 2);
        writer.join().unwrap();
        assert_eq!(cell.load().read(), 2);
    });
}

#[test]
fn protect_keeps_what_is_read() {
    Model::new("protect_keeps_what_is_read", 3200).check(|| {
        let cell = cell(1);
        let writer = with(&cell, |cell| cell.replace(Watched::new(2)));
        let guard = cell.load();
        let seen = guard.read();
        assert_eq!(guard.read(), seen);
        drop(guard);
        assert!(cell.load().read() >= seen);
        writer.join().unwrap();
    });
}

/// The same of a whole configuration, by a guard and a handle.
#[test]
fn a_configuration_keeps_what_is_read() {
    Model::new("a_configuration_keeps_what_is_read", 6600).check(|| {
        let config = HotConfig::with_history(Watched::new(1), 0);
        let mut reader = config.reader();
        let updater = config.clone();
        let writer = thread::spawn(move || drop(updater.update(Watched::new(2))));
        let seen = config.load().read();
        assert!(reader.load().read() >= seen);
        writer.join().unwrap();
    });
}

/// A thread that has seen a value by a guard does not see an older one by a handle.
#[test]
fn a_handle_is_not_behind_a_guard() {
    Model::new("a_handle_is_not_behind_a_guard", 6600).check(|| {
        let config = HotConfig::with_history(1, 0);
        let mut reader = config.reader();
        let updater = config.clone();
        let writer = thread::spawn(move || _ = updater.update(2));
        let seen = *config.load();
        assert!(*reader.load() >= seen);
        writer.join().unwrap();
        assert_eq!(*reader.load(), 2);
    });
}

/// Whoever is last, the guard or the update, frees the value: when both are done it is gone.
#[test]
fn last_look_frees_what_is_left() {
    Model::new("last_look_frees_what_is_left", 260).check(|| {
        let drops = Drops::new();
        let cell = of(drops.counted(1));
        let guard = cell.load();
        let next = drops.counted(2);
        let writer = with(&cell, |cell| cell.replace(next));
        assert_eq!(guard.value, 1);
        drop(guard);
        writer.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "what is replaced is forgotten");
    });
}

/// The same of a handle's end.
#[test]
fn last_look_of_a_handle() {
    Model::new("last_look_of_a_handle", 250).check(|| {
        let drops = Drops::new();
        let cell = of(drops.counted(1));
        let handle = cell.attach();
        let next = drops.counted(2);
        let writer = with(&cell, |cell| cell.replace(next));
        drop(handle);
        writer.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "what is replaced is forgotten");
    });
}

/// One takes the list while the other has it and sees a hazard that is no more: the first to put it back
/// is told.
#[test]
fn note_tells_of_the_cleared_hazard() {
    Model::new("note_tells_of_the_cleared_hazard", 240).preemptions(3).check(|| {
        let drops = Drops::new();
        let cell = of(drops.counted(1));
        let handle = cell.attach();
        drop(cell.exchange(drops.counted(2)));
        let other = with(&cell, parts::Cell::reclaim);
        drop(handle);
        other.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "what is replaced is forgotten");
    });
}

/// A guard and a handle on one value end while an update retires it: the last of three frees it.
#[test]
fn of_three_the_last_frees() {
    Model::new("of_three_the_last_frees", 290).check(|| {
        let drops = Drops::new();
        let cell = of(drops.counted(1));
        let (guard, handle) = (cell.load(), cell.attach());
        drop(cell.exchange(drops.counted(2)));
        let other = with(&cell, parts::Cell::reclaim);
        drop(guard);
        drop(handle);
        other.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (1, 1), "what is replaced is forgotten");
    });
}

/// The same, between two updates: what they leave in the list must not look as if nobody had been there
/// meanwhile.
#[test]
fn notes_are_not_hidden_by_others() {
    let model = Model::new("notes_are_not_hidden_by_others", 8400);
    let deep = std::env::var_os("ATOMWORKS_DEEP").is_some();
    model.preemptions(if deep { 3 } else { 2 }).check(|| {
        let drops = Drops::new();
        let cell = of(drops.counted(1));
        let handle = cell.attach();
        drop(cell.exchange(drops.counted(2)));
        let (third, fourth) = (drops.counted(3), drops.counted(4));
        let updates = with(&cell, |cell| {
            cell.replace(third);
            drop(handle);
            cell.replace(fourth);
        });
        cell.reclaim();
        updates.join().unwrap();
        assert_eq!((drops.dropped(), drops.alive()), (3, 1), "what is replaced is forgotten");
    });
}

/// The end of a guard frees a value that it has never seen, since it takes the list.
#[test]
fn retired_nodes_are_taken_whole() {
    Model::new("retired_nodes_are_taken_whole", 1050).check(|| {
        let cell = cell(1);
        let guard = cell.load();
        let writer = with(&cell, |cell| {
            cell.replace(Watched::new(2));
            cell.replace(Watched::new(3));
        });
        guard.read();
        drop(guard);
        writer.join().unwrap();
    });
}

/// Two guards, one after the other, with one hazard: the writer may see only the second.
#[test]
fn unread_is_seen_before_the_free() {
    Model::new("unread_is_seen_before_the_free", 3200).check(|| {
        let cell = cell(1);
        let writer = with(&cell, |cell| cell.replace(Watched::new(2)));
        for _ in 0..2 {
            cell.load().read();
        }
        writer.join().unwrap();
    });
}

/// Two guards of one thread at a time, and an update in between: each keeps its own value.
#[test]
fn nested_guards_keep_their_values() {
    Model::new("nested_guards_keep_their_values", 6050).check(|| {
        let cell = cell(1);
        let first = cell.load();
        let writer = with(&cell, |cell| cell.replace(Watched::new(2)));
        let second = cell.load();
        assert_eq!(first.read(), 1);
        drop(first);
        assert!(second.read() >= 1);
        drop(second);
        writer.join().unwrap();
    });
}

/// A reader that lost its race is helped by an update, or not.
#[test]
fn help_hands_a_whole_value_over() {
    Model::new("help_hands_a_whole_value_over", 3400).check(|| {
        let cell = cell(1);
        let writer = with(&cell, |cell| {
            cell.replace(Watched::new(2));
            cell.replace(Watched::new(3));
        });
        assert!((1..=3).contains(&cell.load_by_announcing().read()));
        writer.join().unwrap();
        assert_eq!(cell.load().read(), 3);
    });
}

/// The same within a load, at the depth at which it happens there.
#[test]
fn a_load_that_loses_its_race_is_whole() {
    let model = Model::new("a_load_that_loses_its_race_is_whole", 3450);
    let deep = std::env::var_os("ATOMWORKS_DEEP").is_some();
    model.preemptions(if deep { 3 } else { 2 }).check(|| {
        let cell = cell(1);
        let writer = with(&cell, |cell| {
            cell.replace(Watched::new(2));
            cell.replace(Watched::new(3));
        });
        assert!(cell.load().read() <= 3);
        writer.join().unwrap();
    });
}

/// Three threads: one announces, one replaces the value, and a third helps with what it finds.
fn third_hands_over(name: &'static str, floor: usize, replace: fn(&Cell)) {
    Model::new(name, floor).preemptions(1).check(move || {
        let cell = cell(1);
        let mut handle = cell.attach();
        cell.replace(Watched::new(2));
        let reader = thread::spawn(move || {
            handle.renew_by_announcing();
            assert!(handle.read() >= 2);
        });
        let third = with(&cell, Cell::help);
        replace(&cell);
        reader.join().unwrap();
        third.join().unwrap();
    });
}

/// Whoever replaces it frees what he may.
#[test]
fn what_a_third_hands_over_stays() {
    third_hands_over("what_a_third_hands_over_stays", 1800, |cell| cell.replace(Watched::new(3)));
}

/// Whoever replaces it does not come to help himself.
#[test]
fn what_a_third_hands_over_is_whole() {
    let replace = |cell: &Cell| core::mem::forget(cell.exchange(Watched::new(3)));
    third_hands_over("what_a_third_hands_over_is_whole", 1050, replace);
}

/// A hazard announces for one cell and then for another: an update of the first that sees the second time
/// sees that the first is over.
#[test]
fn about_shows_that_the_last_mark_is_gone() {
    Model::new("about_shows_that_the_last_mark_is_gone", 2800).check(|| {
        let (first, second) = (cell(1), cell(10));
        let writer = with(&first, |first| first.replace(Watched::new(2)));
        assert!(first.load_by_announcing().read() < 10);
        assert_eq!(second.load_by_announcing().read(), 10);
        writer.join().unwrap();
    });
}

/// The reverse: an update of the one that comes first must not take the second mark for its own.
#[test]
fn mark_tells_whom_it_is_for() {
    Model::new("mark_tells_whom_it_is_for", 2800).check(|| {
        let (first, second) = (cell(1), cell(10));
        let writer = with(&first, |first| first.replace(Watched::new(2)));
        drop(first.load_by_announcing());
        assert_eq!(second.load_by_announcing().read(), 10);
        writer.join().unwrap();
    });
}

/// A record that a thread makes is seen whole by one that scans.
#[test]
fn record_is_seen_whole() {
    Model::new("record_is_seen_whole", 2900).check(|| {
        let cell = cell(1);
        let reader = with(&cell, |cell| cell.load().read());
        cell.replace(Watched::new(2));
        assert!(reader.join().unwrap() <= 2);
    });
}

/// A thread ends, the next one takes its record over; an update sees the second's words only.
#[test]
fn lease_hands_the_record_over() {
    Model::new("lease_hands_the_record_over", 2700).preemptions(1).check(|| {
        let cell = cell(1);
        let first = with(&cell, |cell| cell.load().read());
        let second = with(&cell, |cell| cell.load().read());
        cell.replace(Watched::new(2));
        first.join().unwrap();
        second.join().unwrap();
    });
}

/// The same with a shared hazard: a handle on an old value ends, another takes its hazard for the new
/// one, and who looks sees that only.
#[test]
fn taken_hazard_hands_its_readings_over() {
    Model::new("taken_hazard_hands_its_readings_over", 21100).check(|| {
        let cell = cell(1);
        let first = cell.attach();
        drop(cell.exchange(Watched::new(2)));
        let theirs = Arc::clone(&cell);
        let second = thread::spawn(move || theirs.attach());
        let other = with(&cell, parts::Cell::reclaim);
        assert_eq!(first.read(), 1);
        drop(first);
        drop(second.join().unwrap());
        other.join().unwrap();
    });
}

/// The cell without the fences: reader and writer miss each other, and what is read is written to.
#[test]
fn twin_without_fences() {
    use lockfree_core::sync::{
        AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
        UnsafeCell,
    };

    struct Cell {
        current: AtomicUsize,
        hazard: AtomicUsize,
        value: UnsafeCell<u32>,
    }
    // SAFETY: none: this is what must fail.
    unsafe impl Sync for Cell {}
    // SAFETY: it owns its value.
    unsafe impl Send for Cell {}

    must_fail("twin_without_fences", "ausality violation", || {
        let cell = Arc::new(Cell {
            current: AtomicUsize::new(1),
            hazard: AtomicUsize::new(0),
            value: UnsafeCell::new(1),
        });
        let reader = thread::spawn({
            let cell = Arc::clone(&cell);
            move || {
                let seen = cell.current.load(Relaxed);
                cell.hazard.store(seen, Release);
                if cell.current.load(Acquire) == 1 && seen == 1 {
                    // SAFETY: none: this is what must fail.
                    assert_eq!(cell.value.with(|value| unsafe { *value }), 1);
                }
                cell.hazard.store(0, Release);
            }
        });
        let old = cell.current.swap(2, AcqRel);
        if cell.hazard.load(Acquire) != old {
            // SAFETY: none: this is what must fail.
            cell.value.with_mut(|value| unsafe { *value = 0 });
        }
        reader.join().unwrap();
    });
}
