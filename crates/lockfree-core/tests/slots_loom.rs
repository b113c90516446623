//! Models of slots, registries and growing tables.
#![cfg(all(loom, feature = "std"))]

use core::num::NonZeroU32;
use std::sync::Arc;

use lockfree_core::{
    segments::{Place, Segments},
    slots::{self, CAPACITY, PerSlot, Registry},
    sync::{
        AtomicUsize,
        Ordering::{Acquire, Release},
        UnsafeCell,
    },
};
use testkit::model::{Model, must_fail, thread};

/// Plain data that a protocol is to protect: what it does not order is a causality violation.
struct Plain(UnsafeCell<usize>);

// SAFETY: this is what the models are to show; loom reports any breach.
unsafe impl Sync for Plain {}

impl Default for Plain {
    fn default() -> Self {
        Self(UnsafeCell::new(0))
    }
}

impl Plain {
    fn increment(&self) {
        // SAFETY: as above.
        self.0.with_mut(|value| unsafe { *value += 1 });
    }

    fn read(&self) -> usize {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

/// A registry of `N` numbers, and plain data for the holder of each.
struct Protected<const N: usize> {
    registry: Registry<1>,
    data: [Plain; N],
}

impl<const N: usize> Protected<N> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            registry: Registry::new(N),
            data: core::array::from_fn(|_| Plain::default()),
        })
    }

    fn hold(&self) {
        let lease = self.registry.lease().expect("there is a number for each thread");
        self.data[lease.index()].increment();
    }

    fn hold_too_long(&self) {
        let index = self.registry.lease().expect("there is a number for each thread").index();
        self.data[index].increment();
    }

    fn total(&self) -> usize {
        self.data.iter().map(Plain::read).sum()
    }
}

#[test]
fn hand_over_shows_what_the_last_holder_wrote() {
    Model::new("hand_over_shows_what_the_last_holder_wrote", 105).check(|| {
        let shared = Protected::<2>::new();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.hold()
        });
        shared.hold();
        other.join().unwrap();
        assert_eq!(shared.total(), 2);
        assert!(shared.registry.high_water() <= 2);
    });
}

#[test]
fn twin_hand_over_of_a_number_used_after_its_release() {
    must_fail("twin_hand_over_of_a_number_used_after_its_release", "Causality violation", || {
        let shared = Protected::<2>::new();
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.hold_too_long()
        });
        shared.hold_too_long();
        other.join().unwrap();
    });
}

/// Leases begin while others end: each finds a number, and no two hold the same.
#[test]
fn leases_are_unique_and_found_within_capacity() {
    Model::new("leases_are_unique_and_found_within_capacity", 1050).check(|| {
        let shared = Protected::<3>::new();
        let others: [_; 2] = core::array::from_fn(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.hold())
        });
        shared.hold();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.total(), 3);
        let all: Vec<_> = core::iter::from_fn(|| shared.registry.lease()).collect();
        assert_eq!(all.len(), 3, "every number came back");
    });
}

/// A refusal takes nothing from those who come later.
#[test]
fn a_refused_lease_gives_its_reservation_back() {
    Model::new("a_refused_lease_gives_its_reservation_back", 18).check(|| {
        let registry = Arc::new(Registry::<1>::new(1));
        let other = thread::spawn({
            let registry = Arc::clone(&registry);
            move || registry.lease().is_some()
        });
        let mine = registry.lease().is_some();
        let theirs = other.join().unwrap();
        assert!(mine || theirs, "one of them was first");
        assert_eq!(registry.lease().expect("both are gone").index(), 0);
        assert_eq!(registry.high_water(), 1);
    });
}

/// A thread's cells pass to the next thread of its slot, by way of thread-local destructors.
#[test]
fn slots_hand_over_at_thread_exit() {
    Model::new("slots_hand_over_at_thread_exit", 160).check(|| {
        let table = Arc::new(PerSlot::<Plain>::new());
        let touch = |table: &PerSlot<Plain>| {
            slots::with(|slot| table.get(slot.expect("within capacity")).increment());
        };
        let others: [_; 2] = core::array::from_fn(|_| {
            let table = Arc::clone(&table);
            thread::spawn(move || touch(&table))
        });
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(table.iter().map(Plain::read).sum::<usize>(), 2);
        assert!(slots::high_water() <= 2);
    });
}

/// A visit beside a thread that comes and goes: a cell has one owner at a time, and what the last one
/// left is seen.
#[test]
fn hand_over_to_a_visit_and_from_it() {
    Model::new("hand_over_to_a_visit_and_from_it", 200).check(|| {
        let table = Arc::new(PerSlot::<Plain>::new());
        slots::with(|slot| table.get(slot.expect("within capacity")).increment());
        let other = thread::spawn({
            let table = Arc::clone(&table);
            move || slots::with(|slot| table.get(slot.expect("within capacity")).increment())
        });
        let mut visits = 0;
        slots::visit_idle(&table, |cell| {
            cell.increment();
            visits += 1;
        });
        other.join().unwrap();
        slots::visit_idle(&table, |cell| {
            cell.increment();
            visits += 1;
        });
        assert_eq!(table.iter().map(Plain::read).sum::<usize>(), 2 + visits);
        assert!(visits >= 1);
    });
}

/// What is known to be there may be had without a look.
#[test]
fn segment_cells_that_another_was_told_of_are_there() {
    Model::new("segment_cells_that_another_was_told_of_are_there", 2).check(|| {
        let table = Arc::new((Segments::<Plain, 2>::new(), AtomicUsize::new(0)));
        let other = thread::spawn({
            let table = Arc::clone(&table);
            move || {
                table.0.get_or_grow(place(2)).increment();
                table.1.store(1, Release);
            }
        });
        if table.1.load(Acquire) == 1 {
            // SAFETY: it was told that the level is there.
            assert_eq!(unsafe { table.0.get_unchecked(place(2)) }.read(), 1);
        }
        other.join().unwrap();
    });
}

/// A thread beside this one and so on, until one finds no slot.
fn use_deeper(depth: usize) {
    let has_slot = slots::with(|slot| slot.is_some());
    assert_eq!(has_slot, depth < CAPACITY);
    if has_slot {
        thread::spawn(move || use_deeper(depth + 1)).join().unwrap();
    }
    assert_eq!(slots::with(|slot| slot.is_some()), has_slot, "for good");
}

#[test]
fn threads_over_capacity_have_no_slot() {
    Model::new("threads_over_capacity_have_no_slot", 60).check(|| {
        use_deeper(0);
        assert_eq!(slots::high_water(), CAPACITY);
    });
}

fn place<const LEVELS: usize>(number: u32) -> Place<LEVELS> {
    NonZeroU32::new(number).and_then(Place::of).unwrap()
}

#[test]
fn segment_cells_are_seen_initialized() {
    Model::new("segment_cells_are_seen_initialized", 6).check(|| {
        let table = Arc::new(Segments::<Plain, 2>::new());
        let other = thread::spawn({
            let table = Arc::clone(&table);
            move || table.get_or_grow(place(2)).increment()
        });
        // The neighbour of the cell that is written.
        assert_eq!(table.get(place(3)).map_or(0, Plain::read), 0);
        other.join().unwrap();
        assert_eq!(table.iter().map(Plain::read).sum::<usize>(), 1);
    });
}

#[test]
fn segment_iterator_sees_cells_initialized() {
    Model::new("segment_iterator_sees_cells_initialized", 12).check(|| {
        let table = Arc::new(Segments::<Plain, 2>::new());
        let other = thread::spawn({
            let table = Arc::clone(&table);
            move || _ = table.get_or_grow(place(2))
        });
        assert_eq!(table.iter().map(Plain::read).sum::<usize>(), 0);
        other.join().unwrap();
        assert_eq!(table.iter().count(), 2);
    });
}

#[test]
fn segment_race_has_one_winner() {
    Model::new("segment_race_has_one_winner", 18).check(|| {
        let table = Arc::new(Segments::<Plain, 2>::new());
        let other = thread::spawn({
            let table = Arc::clone(&table);
            move || table.get_or_grow(place(2)).increment()
        });
        table.get_or_grow(place(3)).increment();
        other.join().unwrap();
        assert_eq!(table.iter().map(Plain::read).sum::<usize>(), 2);
        assert_eq!(table.iter().count(), 2);
    });
}
