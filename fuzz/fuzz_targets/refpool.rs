//! The pool beside a set of numbers that are out.
#![no_main]

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use refpool::{Handle, Pool, Ref};

#[derive(Arbitrary, Debug)]
enum Step {
    Acquire,
    Clone(u8),
    Drop(u8),
    Detach(u8),
    ClearIdle,
    Close,
}

/// Tells when it is dropped.
struct Thing {
    name: usize,
    alive: Arc<AtomicUsize>,
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Relaxed);
    }
}

fuzz_target!(|input: (u8, u8, bool, Vec<Step>)| {
    let (max, extras, on_demand, steps) = input;
    let (max, extras) = (usize::from(max % 8), usize::from(extras % 4));
    // A pool without room for a resource is refused.
    let extras = extras.max(usize::from(max == 0));
    let (alive, made) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let living = Arc::clone(&alive);
    let make = move || {
        living.fetch_add(1, Relaxed);
        Thing { name: made.fetch_add(1, Relaxed), alive: Arc::clone(&living) }
    };
    let builder = Pool::builder(max, make).extras(extras);
    let pool = if on_demand { builder.on_demand() } else { builder }.build();
    let mut held: Vec<Ref<'_, Thing>> = Vec::new();
    let mut closed = false;
    for step in steps {
        let names: BTreeSet<_> = held.iter().map(|handle| handle.name).collect();
        let pick = |at: u8| (!held.is_empty()).then(|| usize::from(at) % held.len());
        match step {
            Step::Acquire => {
                let acquired = pool.try_acquire();
                assert_eq!(acquired.is_ok(), !closed && names.len() < max + extras);
                if let Ok(handle) = acquired {
                    assert!(!names.contains(&handle.name), "it has a holder");
                    assert_eq!(Handle::count(&handle), 1);
                    held.push(handle);
                }
            }
            Step::Clone(at) => {
                if let Some(at) = pick(at) {
                    held.push(held[at].clone());
                }
            }
            Step::Drop(at) => {
                if let Some(at) = pick(at) {
                    drop(held.swap_remove(at));
                }
            }
            Step::Detach(at) => {
                if let Some(at) = pick(at) {
                    let name = held[at].name;
                    let holders = held.iter().filter(|handle| handle.name == name).count();
                    match Handle::detach(held.swap_remove(at)) {
                        Ok(thing) => assert_eq!((thing.name, holders), (name, 1)),
                        Err(handle) => {
                            assert!(holders > 1);
                            held.push(handle);
                        }
                    }
                }
            }
            Step::ClearIdle => {
                let idle = pool.stats().idle;
                assert_eq!(pool.clear_idle(), idle);
            }
            Step::Close => {
                assert_eq!(pool.close(), !closed);
                closed = true;
            }
        }
        let out: BTreeSet<_> = held.iter().map(|handle| handle.name).collect();
        let stats = pool.stats();
        assert_eq!(stats.in_use, out.len());
        assert_eq!(stats.in_use + stats.idle, alive.load(Relaxed));
    }
    drop(held);
    drop(pool);
    assert_eq!(alive.load(Relaxed), 0, "something was lost");
});
