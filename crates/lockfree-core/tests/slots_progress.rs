//! Slots and registries with a thread stopped anywhere, and their steps.
#![cfg(all(stepped, feature = "std"))]

use core::num::NonZeroU32;
use std::sync::Arc;

use lockfree_core::{
    segments::{Place, Segments},
    slots::{self, PerSlot, Registry, Slot},
    sync::{AtomicUsize, Ordering::Relaxed},
};
use testkit::progress::{assert_steps, pause_anywhere, steps, stop_anywhere};

/// How many times the companions do their work while the victim is stopped.
const ROUNDS: usize = 200;

fn shared<T>(value: impl Fn() -> T) -> impl Fn() -> (Arc<T>, Arc<T>) {
    move || {
        let value = Arc::new(value());
        (Arc::clone(&value), value)
    }
}

#[test]
fn a_thread_stopped_in_lease_or_release_blocks_nobody() {
    let accesses = stop_anywhere(
        "lease and release",
        shared(|| Registry::<1>::new(3)),
        |registry| drop(registry.lease()),
        |registry| {
            for _ in 0..ROUNDS {
                let first = registry.lease().expect("the stopped thread has one at most");
                let second = registry.lease().expect("the stopped thread has one at most");
                assert_ne!(first.index(), second.index());
            }
            assert!(registry.high_water() <= 3);
        },
    );
    assert!(accesses >= 5);
}

#[test]
fn a_thread_stopped_in_a_refused_lease_blocks_nobody() {
    stop_anywhere(
        "refused lease",
        shared(|| Registry::<1>::new(1)),
        |registry| {
            let _only = registry.lease();
            assert!(registry.lease().is_none());
        },
        |registry| (0..ROUNDS).for_each(|_| drop(registry.lease())),
    );
}

#[test]
fn a_thread_stopped_in_its_first_use_of_slots_blocks_nobody() {
    fn touch(table: &PerSlot<AtomicUsize>) {
        slots::with(|slot| {
            table.get(slot.expect("far below capacity")).fetch_add(1, Relaxed);
        });
    }
    let stopped = stop_anywhere(
        "first use",
        shared(PerSlot::new),
        |table| touch(&table),
        |table| {
            std::thread::spawn(move || touch(&table)).join().unwrap();
        },
    );
    assert!(stopped >= 5);
}

#[test]
fn a_thread_stopped_in_a_visit_blocks_nobody() {
    let used = || {
        let registry = Registry::<1>::new(4);
        drop([(); 3].map(|()| registry.lease()));
        registry
    };
    let stopped = stop_anywhere(
        "visit_idle",
        shared(used),
        |registry| {
            registry.visit_idle(|_| {});
            assert!(registry.high_water() <= 4);
        },
        |registry| {
            for _ in 0..ROUNDS {
                let leases = [(); 3].map(|()| registry.lease());
                assert!(leases.iter().all(Option::is_some), "the stopped thread has one at most");
                drop(leases);
                registry.visit_idle(|_| {});
            }
        },
    );
    assert!(stopped >= 10);
}

#[test]
fn a_thread_stopped_in_grow_blocks_nobody() {
    let place = |number| NonZeroU32::new(number).and_then(Place::of).unwrap();
    stop_anywhere(
        "grow",
        shared(Segments::<AtomicUsize, 4>::new),
        move |table| {
            table.get_or_grow(place(5)).fetch_add(1, Relaxed);
            assert!(table.iter().count() == 4 && table.get(place(5)).is_some());
        },
        move |table| {
            table.get_or_grow(place(6)).fetch_add(1, Relaxed);
            assert!(table.iter().count() == 4);
        },
    );
}

/// A visit looks at the slots of all threads that are there, so the stopped ones go on in the end.
#[test]
fn a_thread_stopped_in_a_visit_of_a_table_blocks_nobody() {
    let stops = pause_anywhere(
        "slots::visit_idle, slots::high_water",
        shared(PerSlot::<AtomicUsize>::new),
        |table| {
            assert!(slots::high_water() <= slots::CAPACITY);
            slots::visit_idle(&table, |_| {});
            let _ = table.iter().count();
        },
        |table| {
            slots::with(|slot| table.get(slot.unwrap()).fetch_add(1, Relaxed));
        },
    );
    assert!(stops > 0);
}

#[test]
fn a_slot_costs_nothing_and_its_cell_one_step() {
    let table = PerSlot::<AtomicUsize>::new();
    let touch = || slots::with(|slot| table.get(slot.unwrap()).fetch_add(1, Relaxed));
    touch();
    let (index, taken) = steps(|| slots::with(|slot| slot.map(Slot::index)));
    assert!(index.is_some());
    assert_eq!(taken, 0);
    let (_, taken) = steps(touch);
    assert_steps("PerSlot::get, cell exists", taken - 1, 1);
}

#[test]
fn a_release_takes_two_steps_and_a_first_lease_four() {
    let registry = Registry::<1>::new(2);
    let (lease, taken) = steps(|| registry.lease());
    assert_steps("Registry::lease, undisturbed", taken, 4);
    let ((), taken) = steps(|| drop(lease));
    assert_steps("Lease::drop", taken, 2);
}
