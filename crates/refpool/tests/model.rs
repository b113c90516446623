//! A pool against what it is on one thread: a heap of resources and reference-counted holders.
#![cfg(all(not(loom), feature = "std"))]

use core::cell::Cell;
use std::rc::Rc;

use proptest::{collection::vec, prelude::*};
use refpool::{Handle, Owned, Pool, RefCount, TryAcquireError};
use testkit::drops::{Counted, Drops};

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    Clone(usize),
    Write(usize, u32),
    Drop(usize),
    Detach(usize),
    ClearIdle,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Acquire),
        3 => any::<usize>().prop_map(Step::Clone),
        3 => (any::<usize>(), 1..9_u32).prop_map(|(which, value)| Step::Write(which, value)),
        6 => any::<usize>().prop_map(Step::Drop),
        1 => any::<usize>().prop_map(Step::Detach),
        1 => Just(Step::ClearIdle),
        1 => Just(Step::Close),
    ]
}

/// What is out: its value, and whether it is an extra one.
type Held = Rc<(Cell<u32>, bool)>;

#[derive(Default)]
struct Twin {
    held: Vec<Held>,
    idle: usize,
    acquired: u64,
    created: u64,
    extra: u64,
    detached: usize,
    high_water: usize,
    closed: bool,
}

impl Twin {
    /// Resources that are out, each once.
    fn in_use(&self) -> (usize, usize) {
        let mut all: Vec<_> = self.held.iter().map(|held| (Rc::as_ptr(held), held.1)).collect();
        all.sort_unstable();
        all.dedup();
        let extra = all.iter().filter(|(_, extra)| *extra).count();
        (all.len() - extra, extra)
    }

    fn acquire(&mut self, max: usize, extras: Option<usize>) -> Option<TryAcquireError> {
        if self.closed {
            return Some(TryAcquireError::Closed);
        }
        let (kept, extra) = self.in_use();
        let is_extra = kept == max;
        if is_extra && extras.is_some_and(|most| extra == most) {
            return Some(TryAcquireError::Empty);
        }
        let is_new = is_extra || self.idle == 0;
        self.idle -= usize::from(!is_new);
        self.created += u64::from(is_new);
        self.extra += u64::from(is_extra);
        self.acquired += 1;
        self.held.push(Rc::new((Cell::new(0), is_extra)));
        self.high_water = self.high_water.max(kept + extra + 1);
        None
    }

    fn release(&mut self, which: usize) {
        let held = self.held.swap_remove(which);
        let is_last = Rc::strong_count(&held) == 1;
        self.idle += usize::from(is_last && !held.1 && !self.closed);
    }
}

/// A pool that starts from 0, and from 0 after each use.
fn pool(max: usize, extras: Option<usize>, eager: bool, drops: &Drops) -> Pool<Counted<u32>> {
    let drops = drops.clone();
    let builder = Pool::builder(max, move || drops.counted(0)).reset(|counted| counted.value = 0);
    let builder = if eager { builder } else { builder.on_demand() };
    match extras {
        Some(most) => builder.extras(most).build(),
        None => builder.build(),
    }
}

proptest! {
    #[test]
    fn a_pool_does_as_its_twin(
        max in 1..4_usize,
        extras in proptest::option::of(0..3_usize),
        eager in any::<bool>(),
        steps in vec(step(), 0..120),
    ) {
        let drops = Drops::new();
        let pool = pool(max, extras, eager, &drops);
        let made = if eager { max } else { 0 };
        let mut twin = Twin { idle: made, created: made as u64, ..Twin::default() };
        let mut handles: Vec<Owned<Counted<u32>>> = Vec::new();
        let mut detached = Vec::new();
        for step in steps {
            let pick = |which: usize| (!handles.is_empty()).then(|| which % handles.len().max(1));
            match step {
                Step::Acquire => {
                    let expected = twin.acquire(max, extras);
                    match pool.try_acquire() {
                        Ok(handle) => {
                            prop_assert_eq!(expected, None);
                            handles.push(Handle::into_owned(handle));
                        }
                        Err(error) => prop_assert_eq!(expected, Some(error)),
                    }
                }
                Step::Clone(which) => if let Some(which) = pick(which) {
                    handles.push(handles[which].clone());
                    twin.held.push(Rc::clone(&twin.held[which]));
                },
                Step::Write(which, value) => if let Some(which) = pick(which) {
                    let unique = Rc::strong_count(&twin.held[which]) == 1;
                    match Handle::get_mut(&mut handles[which]) {
                        Some(counted) => {
                            prop_assert!(unique);
                            counted.value = value;
                            twin.held[which].0.set(value);
                        }
                        None => prop_assert!(!unique),
                    }
                },
                Step::Drop(which) => if let Some(which) = pick(which) {
                    drop(handles.swap_remove(which));
                    twin.release(which);
                },
                Step::Detach(which) => if let Some(which) = pick(which) {
                    match Handle::detach(handles.swap_remove(which)) {
                        Ok(counted) => {
                            let held = twin.held.swap_remove(which);
                            prop_assert_eq!(Rc::strong_count(&held), 1);
                            prop_assert_eq!(counted.value, held.0.get());
                            twin.detached += 1;
                            detached.push(counted);
                        }
                        Err(handle) => {
                            prop_assert!(Rc::strong_count(&twin.held[which]) > 1);
                            handles.push(handle);
                            let held = twin.held.swap_remove(which);
                            twin.held.push(held);
                        }
                    }
                },
                Step::ClearIdle => {
                    prop_assert_eq!(pool.clear_idle(), twin.idle);
                    twin.idle = 0;
                }
                Step::Close => {
                    prop_assert_eq!(pool.close(), !twin.closed);
                    (twin.closed, twin.idle) = (true, 0);
                }
            }
            for (handle, held) in handles.iter().zip(&twin.held) {
                prop_assert_eq!(handle.value, held.0.get());
                prop_assert_eq!(Handle::count(handle), Rc::strong_count(held));
                prop_assert_eq!(Handle::is_extra(handle), held.1);
            }
            let ((kept, extra), stats) = (twin.in_use(), pool.stats());
            prop_assert_eq!((stats.in_use, stats.idle), (kept + extra, twin.idle));
            prop_assert_eq!((stats.created, stats.extra), (twin.created, twin.extra));
            prop_assert_eq!((stats.acquired, stats.high_water), (twin.acquired, twin.high_water));
            prop_assert_eq!(drops.alive(), kept + extra + twin.idle + twin.detached);
        }
        drop((handles, detached, pool));
        prop_assert_eq!(drops.alive(), 0);
    }

    #[test]
    fn a_count_is_that_of_an_arc(steps in vec(0..3_u8, 0..60)) {
        let (count, whole) = (RefCount::new(), std::sync::Arc::new(()));
        let (weak, mut twins) = (std::sync::Arc::downgrade(&whole), vec![whole]);
        for step in steps {
            match step {
                0 => {
                    let upgraded = weak.upgrade();
                    prop_assert_eq!(count.try_retain(), upgraded.is_some());
                    twins.extend(upgraded);
                }
                1 if !twins.is_empty() => {
                    count.retain();
                    twins.push(twins[0].clone());
                }
                _ => if let Some(twin) = twins.pop() {
                    drop(twin);
                    prop_assert_eq!(count.release(), twins.is_empty());
                }
            }
            prop_assert_eq!(count.count(), weak.strong_count());
        }
    }
}
