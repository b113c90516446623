//! Reads and writes on a full cache; hit ratios and memory, which are taken once.

use super::traces::{KEYS, Random, Trace, requests, zipf};
use super::{ENTRIES, Store};
use crate::case::Contender;
use crate::heap::held_by;
use crate::team::{self, BATCH, Job, Sample, float};
use core::hint::black_box;
use std::thread;

/// The key of a number: no two alike, in no order.
pub(super) fn key(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What a right value of a key is, whoever has set it.
fn value_of(key: u64, salt: u64) -> u64 {
    key.rotate_left(32) ^ (salt & 0xff)
}

fn is_of(value: u64, key: u64) -> bool {
    (value ^ key.rotate_left(32)) <= 0xff
}

pub(super) fn contender<S: Store>(
    round: impl FnMut(core::time::Duration) -> Result<Sample, String> + 'static,
) -> Contender {
    Contender::new(S::NAME, S::PACKAGE, S::ROLE, check::<S>, round)
}

/// Two threads set and get; a key is there with a value of its own or not at all, and what one thread
/// has set it gets.
fn check<S: Store>() -> Result<(), String> {
    let store = S::new(20_000);
    let work = |base: u64| {
        for number in base..base + 5_000 {
            store.set(key(number), value_of(key(number), 1));
            store.set(key(number), value_of(key(number), 2));
        }
        let of = |number| store.get(key(number)) == Some(value_of(key(number), 2));
        (base..base + 5_000).filter(|number| of(*number)).count()
    };
    let found = thread::scope(|scope| {
        let other = scope.spawn(|| work(5_000));
        work(0) + other.join().expect("no contender panics")
    });
    if found < 9_900 {
        return Err(format!("of 10,000 values {found} are there"));
    }
    if store.get(key(1 << 40)).is_some() {
        return Err("a value that nobody has set".to_owned());
    }
    // Who cannot let a single entry expire is not asked to.
    store.set_for_a_moment(key(1), 7);
    if store.get(key(1)) != Some(7) {
        return Err("a value is not there that was set for a moment".to_owned());
    }
    thread::sleep(core::time::Duration::from_millis(50));
    match store.get(key(1)) {
        Some(7) if S::EXPIRES_BY_ENTRY => Err("it is served after its time".to_owned()),
        _ => Ok(()),
    }
}

/// Each of `threads` asks for keys by Zipf's law and sets `writes` percent of them.
pub(super) fn mixed<S: Store>(threads: usize, writes: u64) -> Contender {
    const LENGTH: usize = 1 << 18;
    let mut made = None;
    contender::<S>(move |budget| {
        let (store, traces) = made.get_or_insert_with(|| {
            let store = S::new(2 * ENTRIES);
            for number in 0..ENTRIES as u64 {
                store.set(key(number), value_of(key(number), 0));
            }
            let traces = (0..threads as u64).map(|thread| trace(thread, writes, LENGTH));
            (store, traces.collect::<Vec<_>>())
        });
        let job = |trace: &'_ [(u64, bool)]| -> Job<'_> {
            let store = &*store;
            let trace: Vec<(u64, bool)> = trace.to_vec();
            Box::new(move |member| {
                let (mut operations, mut at, mut wrong) = (0, 0, 0_u64);
                while !member.is_over() {
                    for _ in 0..BATCH {
                        let (key, writes) = trace[at];
                        at = (at + 1) & (LENGTH - 1);
                        if writes {
                            store.set(key, value_of(key, operations));
                        } else {
                            wrong +=
                                u64::from(!store.get(key).is_some_and(|value| is_of(value, key)));
                        }
                    }
                    operations += BATCH;
                }
                assert_eq!(black_box(wrong), 0, "values that are not there or not their key's");
                operations
            })
        };
        Ok(team::run(budget, traces.iter().map(|trace| job(trace)).collect()).0)
    })
}

fn trace(thread: u64, writes: u64, length: usize) -> Vec<(u64, bool)> {
    let mut random = Random(0x5eed_0001 + 77_777 * thread);
    let asked = zipf(ENTRIES, length, 0x0123_4567 + 77_777 * thread);
    asked.into_iter().map(|number| (key(number), random.next() % 100 < writes)).collect()
}

/// Asks for what the trace says, and sets what is not there; a tenth of the keys fit.
pub(super) fn hit_ratio<S: Store>(trace: Trace) -> Contender {
    once::<S>(move || {
        let store = S::new(KEYS / 10);
        let requests = requests(trace);
        let mut hits = 0_u64;
        for &number in &requests {
            match store.get(key(number)) {
                Some(_) => hits += 1,
                None => store.set(key(number), value_of(key(number), 0)),
            }
        }
        float(hits) / float(requests.len() as u64)
    })
}

/// What is allocated for 100,000 entries, by entry.
pub(super) fn memory<S: Store>() -> Contender {
    once::<S>(|| {
        drop(S::new(1));
        let (store, bytes) = held_by(|| {
            let store = S::new(ENTRIES);
            (0..ENTRIES as u64).for_each(|number| store.set(key(number), number));
            store
        });
        let kept = (0..ENTRIES as u64).filter(|number| store.get(key(*number)).is_some()).count();
        float(kept as u64) / float(bytes.unsigned_abs().max(1))
    })
}

/// A figure that is the same each time: it is taken in the first round.
fn once<S: Store>(measure: impl Fn() -> f64 + 'static) -> Contender {
    let mut figure = None;
    contender::<S>(move |_| {
        let speed = *figure.get_or_insert_with(&measure);
        Ok(Sample { speed, distance: None })
    })
}
