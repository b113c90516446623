//! Slots, registries and growing tables: sequential behaviour, destructors, real threads.
#![cfg(all(not(loom), feature = "std"))]

use core::{
    cell::{Cell, RefCell},
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, Barrier},
    thread,
};

use lockfree_core::{
    segments::{Place, Segments},
    slots::{self, CAPACITY, Lease, PerSlot, Registry, Slot},
};
use testkit::{drops::Drops, stress::scaled};

fn index() -> Option<usize> {
    slots::with(|slot| slot.map(Slot::index))
}

#[test]
fn a_thread_keeps_its_slot_and_nesting_lends_the_same() {
    let outer = index();
    assert!(outer.is_some_and(|index| index < slots::high_water()));
    assert!(slots::high_water() <= CAPACITY);
    assert_eq!(slots::with(|_| index()), outer);
    let other = thread::spawn(index).join().unwrap();
    assert_ne!(other, outer);
    assert_eq!(index(), outer);
}

#[test]
fn a_registry_gives_the_lowest_free_numbers_up_to_its_capacity() {
    let registry = Registry::<{ 128 / usize::BITS as usize }>::new(70);
    assert_eq!((registry.capacity(), registry.high_water()), (70, 0));
    let mut leases: Vec<_> = core::iter::from_fn(|| registry.lease()).collect();
    assert!(leases.iter().map(Lease::index).eq(0..70));
    assert!(registry.lease().is_none());

    drop(leases.remove(66));
    drop(leases.remove(3));
    assert_eq!(registry.lease().unwrap().index(), 3, "and it is free again at once");
    leases.clear();
    assert_eq!(registry.lease().unwrap().index(), 0);
    assert_eq!(registry.high_water(), 70);
}

#[test]
fn a_registry_of_nothing_refuses() {
    assert!(Registry::<0>::new(0).lease().is_none());
    assert!(Registry::<1>::new(0).lease().is_none());
}

#[test]
#[should_panic(expected = "a number needs a bit")]
fn a_registry_cannot_have_more_numbers_than_bits() {
    let _ = Registry::<1>::new(usize::BITS as usize + 1);
}

#[test]
fn leases_are_unique_while_threads_come_and_go_over_capacity() {
    const HOLDERS: usize = 5;
    let registry = Registry::<1>::new(HOLDERS - 1);
    let holders: [AtomicUsize; HOLDERS - 1] = Default::default();
    let refused = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..HOLDERS {
            scope.spawn(|| {
                for _ in 0..scaled(20_000) {
                    let Some(lease) = registry.lease() else {
                        refused.fetch_add(1, Relaxed);
                        continue;
                    };
                    assert_eq!(holders[lease.index()].fetch_add(1, Relaxed), 0);
                    holders[lease.index()].fetch_sub(1, Relaxed);
                }
            });
        }
    });
    assert!(registry.high_water() < HOLDERS);
    let all: Vec<_> = core::iter::from_fn(|| registry.lease()).collect();
    assert_eq!(all.len(), HOLDERS - 1, "nothing was lost; refused {refused:?} times");
}

/// Ten thousand threads in waves of a hundred, in a process of its own so that the table is known.
#[test]
fn waves_leave_a_table_as_large_as_the_largest_wave() {
    const WAVE: usize = 100;
    static TABLE: PerSlot<AtomicUsize> = PerSlot::new();
    if std::env::var_os("ATOMWORKS_WAVES").is_none() {
        return in_a_process("waves_leave_a_table_as_large_as_the_largest_wave", "ATOMWORKS_WAVES");
    }
    let waves = usize::try_from(scaled(100)).unwrap();
    for _ in 0..waves {
        let all_here = Arc::new(Barrier::new(WAVE));
        let wave: Vec<_> = (0..WAVE)
            .map(|_| {
                let all_here = Arc::clone(&all_here);
                thread::spawn(move || {
                    let index = slots::with(|slot| {
                        let slot = slot.expect("far below capacity");
                        let own = TABLE.get(slot);
                        own.store(own.load(Relaxed) + 1, Relaxed);
                        slot.index()
                    });
                    all_here.wait();
                    index
                })
            })
            .collect();
        let indices: BTreeSet<_> = wave.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(indices.into_iter().eq(0..WAVE), "unique and dense");
    }
    assert_eq!(slots::high_water(), WAVE);
    assert_eq!(TABLE.iter().count(), 127, "whole levels");
    assert_eq!(TABLE.iter().map(|cell| cell.load(Relaxed)).sum::<usize>(), waves * WAVE);
}

/// More threads at once than there are slots: the rest gets none, and later ones do.
#[test]
fn threads_over_capacity_get_no_slot() {
    let registry = Registry::<1>::new(8);
    let all_here = Barrier::new(12);
    let leased = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let lease = registry.lease();
                leased.fetch_add(usize::from(lease.is_some()), Relaxed);
                all_here.wait();
            });
        }
    });
    assert_eq!(leased.into_inner(), 8);
    assert_eq!(registry.lease().unwrap().index(), 0);
}

thread_local! {
    static LATE: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

struct AtExit(Box<dyn FnMut()>);

impl Drop for AtExit {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn at_exit(action: impl FnMut() + 'static) {
    LATE.with(|late| *late.borrow_mut() = Some(AtExit(Box::new(action))));
}

/// What a thread sees in its thread-local destructor, registered before or after its slot's.
fn seen_in_destructor(before: bool, uses: bool) -> (Option<usize>, Option<usize>) {
    let (report, seen) = std::sync::mpsc::channel();
    let own = thread::spawn(move || {
        let late = move || report.send(index()).unwrap();
        if before {
            at_exit(late);
            uses.then(index).flatten()
        } else {
            let own = uses.then(index).flatten();
            at_exit(late);
            own
        }
    });
    (own.join().unwrap(), seen.recv().unwrap())
}

#[test]
fn destructors_in_both_orders_see_the_slot_or_none_and_leak_nothing() {
    const NAME: &str = "destructors_in_both_orders_see_the_slot_or_none_and_leak_nothing";
    if std::env::var_os("ATOMWORKS_DESTRUCTORS").is_none() {
        return in_a_process(NAME, "ATOMWORKS_DESTRUCTORS");
    }
    for _ in 0..CAPACITY + 10 {
        for before in [true, false] {
            // The slot's destructor has run or not, as the platform orders them: never another slot.
            let (own, late) = seen_in_destructor(before, true);
            assert!(own == Some(0) && (late.is_none() || late == own), "{own:?}, {late:?}");
        }
        // The first use happens in the destructor.
        let (_, late) = seen_in_destructor(true, false);
        assert_eq!(late, Some(0));
    }
    assert_eq!(slots::high_water(), 1, "every lease came back");
}

/// Runs one test of this binary alone, with `variable` set.
fn in_a_process(test: &str, variable: &str) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

fn place<const LEVELS: usize>(number: u32) -> Place<LEVELS> {
    NonZeroU32::new(number).and_then(Place::of).unwrap()
}

#[test]
fn cells_of_ended_threads_are_visited_and_those_of_live_ones_are_not() {
    if std::env::var_os("VISITS").is_none() {
        let test = "cells_of_ended_threads_are_visited_and_those_of_live_ones_are_not";
        return in_a_process(test, "VISITS");
    }
    let table = PerSlot::<AtomicUsize>::new();
    let visited = || {
        let mut seen = Vec::new();
        slots::visit_idle(&table, |cell| seen.extend([cell.swap(0, Relaxed)]));
        seen.retain(|value| *value > 0);
        seen.sort_unstable();
        seen
    };
    let leave = |value| slots::with(|slot| table.get(slot.unwrap()).store(value, Relaxed));
    assert!(visited().is_empty(), "no cell was made");
    leave(1);
    let together = Barrier::new(3);
    thread::scope(|scope| {
        let threads = [2, 3, 4].map(|value| {
            let (leave, together) = (&leave, &together);
            scope.spawn(move || {
                leave(value);
                together.wait();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert_eq!(visited(), [2, 3, 4]);
    assert!(visited().is_empty());

    // While one is visited, a new thread gets another slot.
    let mut taken = Vec::new();
    slots::visit_idle(&table, |_| {
        taken.push(thread::scope(|scope| scope.spawn(index).join().unwrap()));
    });
    assert!(!taken.is_empty() && taken.iter().all(Option::is_some));
    let panics = || slots::visit_idle(&table, |_| panic!("in a visit"));
    assert!(std::panic::catch_unwind(core::panic::AssertUnwindSafe(panics)).is_err());
    assert_eq!(thread::spawn(index).join().unwrap(), Some(1), "all were given back");
}

#[test]
fn segments_grow_by_doubling_and_keep_their_cells() {
    let table = Segments::<AtomicUsize, 5>::new();
    assert_eq!((table.iter().count(), format!("{table:?}")), (0, "[]".to_owned()));
    let first = table.get_or_grow(place(1));
    table.get_or_grow(place(6)).store(6, Relaxed);
    assert_eq!(table.iter().count(), 1 + 4);
    for n in [2, 3, 31] {
        table.get_or_grow(place(n)).store(n as usize, Relaxed);
    }
    assert_eq!(table.iter().count(), 1 + 2 + 4 + 16);
    assert!(table.get(place(8)).is_none());
    assert!(core::ptr::eq(first, table.get(place(1)).unwrap()));
    let nonzero: Vec<_> = table.iter().map(|cell| cell.load(Relaxed)).filter(|&v| v > 0).collect();
    assert_eq!(nonzero, [2, 3, 6, 31], "in the order of their numbers");
}

#[test]
fn a_place_is_a_number_that_its_table_has() {
    for number in (1..=7).filter_map(NonZeroU32::new) {
        assert_eq!(Place::<3>::of(number).unwrap().number(), number);
    }
    assert!(NonZeroU32::new(8).and_then(Place::<3>::of).is_none());
    assert!(Place::<0>::of(NonZeroU32::MIN).is_none());
    assert_eq!(Place::<32>::of(NonZeroU32::MAX).unwrap().number(), NonZeroU32::MAX);
    assert_eq!(format!("{:?}", place::<3>(5)), "Place(5)");
    assert_eq!(size_of::<Option<Place<3>>>(), 8);
}

thread_local! {
    static DROPS: Drops = Drops::new();
    static BUILDS_LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
}

struct Tracked(#[expect(dead_code, reason = "its drop is counted")] testkit::drops::Counted);

impl Default for Tracked {
    fn default() -> Self {
        let left = BUILDS_LEFT.get();
        BUILDS_LEFT.set(left.checked_sub(1).expect("a default that panics"));
        Self(DROPS.with(|drops| drops.counted(())))
    }
}

#[test]
fn a_place_is_a_level_and_an_offset() {
    for number in 1..32 {
        let place = place::<5>(number);
        let level = u32::try_from(place.level()).unwrap();
        let offset = u32::try_from(place.offset()).unwrap();
        assert_eq!(Place::at(level, offset), Some(place));
        assert_eq!(Place::<5>::at(level, 1 << level), None);
    }
    assert_eq!(Place::<5>::at(5, 0), None);
    let table = Segments::<AtomicUsize, 5>::new();
    table.get_or_grow(place(9)).store(9, Relaxed);
    // SAFETY: the level was made above.
    assert_eq!(unsafe { table.get_unchecked(place(9)) }.load(Relaxed), 9);
}

#[test]
fn segments_drop_each_cell_once() {
    let table = Segments::<Tracked, 4>::new();
    table.get_or_grow(place(3));
    table.get_or_grow(place(9));
    assert_eq!(DROPS.with(Drops::alive), 2 + 8);
    drop(table);
    assert_eq!(DROPS.with(|drops| (drops.alive(), drops.dropped())), (0, 10));
}

#[test]
fn segments_survive_a_default_that_panics() {
    let table = Segments::<Tracked, 4>::new();
    BUILDS_LEFT.set(2);
    let grow = core::panic::AssertUnwindSafe(|| _ = table.get_or_grow(place(4)));
    assert!(std::panic::catch_unwind(grow).is_err());
    assert_eq!(DROPS.with(|drops| (drops.alive(), drops.dropped())), (0, 2));
    assert!(table.get(place(4)).is_none());
    BUILDS_LEFT.set(4);
    table.get_or_grow(place(4));
    assert_eq!(table.iter().count(), 4);
}

#[test]
fn segments_of_nothing_work() {
    let table = Segments::<(), 3>::new();
    table.get_or_grow(place(5));
    assert_eq!(table.iter().count(), 4);
}

#[test]
fn segments_race_to_one_cell() {
    for _ in 0..scaled(300) {
        let table = Segments::<AtomicUsize, 4>::new();
        let barrier = Barrier::new(3);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    barrier.wait();
                    table.get_or_grow(place(5)).fetch_add(1, Relaxed);
                });
            }
        });
        assert_eq!(table.iter().map(|cell| cell.load(Relaxed)).sum::<usize>(), 3);
    }
}

#[test]
fn what_is_shared_may_be_and_what_is_not_may_not() {
    fn is<T: Send + Sync>() {}
    is::<PerSlot<AtomicUsize>>();
    is::<Segments<AtomicUsize, 3>>();
    is::<Registry<1>>();
}
