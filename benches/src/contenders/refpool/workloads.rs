//! The workloads.

use super::Pool;
use crate::case::Contender;
use crate::team::{self, BATCH, Job, Patience};
use core::hint::black_box;
use lockfree_core::sync::{AtomicBool, Ordering::Relaxed};
use std::thread;

/// Acquires, touches and releases.
#[inline]
pub fn cycle<P: Pool>(pool: &P) {
    let mut handle = pool.acquire();
    let bytes = P::bytes(&mut handle);
    bytes[0] = bytes[0].wrapping_add(1);
    black_box(bytes.as_ptr());
    pool.release(handle.into());
}

/// Each of `threads` cycles through one pool. It is made once, so that no round pays for fresh
/// memory.
pub(super) fn cycles<P: Pool>(threads: usize, resources: usize) -> Contender {
    let mut pool = None;
    Contender::new(P::NAME, P::PACKAGE, P::ROLE, check::<P>, move |budget| {
        let pool = &*pool.get_or_insert_with(|| P::with(resources));
        let worker = || -> Job<'_> {
            Box::new(move |member| {
                let mut operations = 0;
                while !member.is_over() {
                    let pool = black_box(pool);
                    for _ in 0..BATCH {
                        cycle(pool);
                    }
                    operations += BATCH;
                }
                operations
            })
        };
        Ok(team::run(budget, (0..threads).map(|_| worker()).collect()).0)
    })
}

/// Handles on their way from one thread to the other.
const UNDER_WAY: usize = 32;

/// One thread acquires and touches, another releases; the handles go through a ring that all
/// contenders share in. What is counted is released.
pub(super) fn hand_over<P: Pool>() -> Contender {
    let mut pool = None;
    Contender::new(P::NAME, P::PACKAGE, P::ROLE, check::<P>, move |budget| {
        let pool = &*pool.get_or_insert_with(|| P::with(2 * UNDER_WAY));
        let (mut producer, mut consumer) = ring_spsc::ring::<P::Parcel<'_>>(UNDER_WAY);
        let ended = &AtomicBool::new(false);
        let acquiring: Job<'_> = Box::new(move |member| {
            'rounds: while !member.is_over() {
                for _ in 0..BATCH {
                    let mut handle = pool.acquire();
                    let bytes = P::bytes(&mut handle);
                    bytes[0] = bytes[0].wrapping_add(1);
                    let (mut parcel, mut patience) = (handle.into(), Patience::default());
                    while let Err(full) = producer.push(parcel) {
                        parcel = full.0;
                        patience.wait();
                        // Relaxed: it ends the round, and nothing follows from it.
                        if ended.load(Relaxed) {
                            pool.release(parcel);
                            break 'rounds;
                        }
                    }
                }
            }
            0
        });
        let releasing: Job<'_> = Box::new(move |member| {
            let mut operations = 0;
            while !member.is_over() {
                for _ in 0..BATCH {
                    let Some(parcel) = consumer.pop() else { break };
                    pool.release(parcel);
                    operations += 1;
                }
            }
            // Relaxed: as above.
            ended.store(true, Relaxed);
            consumer.pop_iter().for_each(|parcel| pool.release(parcel));
            operations
        });
        Ok(team::run(budget, vec![acquiring, releasing]).0)
    })
}

/// Four threads mark what they have got: nobody may find another's mark.
fn check<P: Pool>() -> Result<(), String> {
    const EACH: u64 = 20_000;
    let pool = P::with(2);
    let clean = &|own: u8| {
        (0..EACH).all(|_| {
            let mut handle = pool.acquire();
            let bytes = black_box(P::bytes(&mut handle));
            bytes.fill(own);
            let clean = black_box(&*bytes).iter().all(|byte| *byte == own);
            pool.release(handle.into());
            clean
        })
    };
    let all = thread::scope(|scope| {
        let workers: Vec<_> = (1..=4).map(|own| scope.spawn(move || clean(own))).collect();
        workers.into_iter().all(|worker| worker.join().expect("no worker panics"))
    });
    if all { Ok(()) } else { Err("two threads had one resource".to_owned()) }
}
