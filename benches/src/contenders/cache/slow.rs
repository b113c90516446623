//! The slow calls: what one in a thousand exceeds while the cache has other things to do.

use super::Store;
use super::traces::Random;
use super::workloads::{contender, key};
use crate::case::Contender;
use crate::team::{self, BATCH, Job, Sample, float};
use std::{sync::Mutex, time::Instant};

/// What the cache has to do beside.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// Its table grows from nothing.
    Growth,
    /// Entries expire all the while.
    Expiry,
}

/// Which calls are timed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    Get,
    Set,
}

/// Keys that come and go where entries expire.
const KEYS: u64 = 50_000;

/// One thread sets a new key, or one that has expired or will, and gets one; either is timed by a
/// clock that costs some tens of nanoseconds. A sample's speed is the inverse of what one call in a
/// thousand exceeds.
pub(super) fn slow<S: Store>(trouble: Trouble, timed: Call) -> Contender {
    let mut kept = None;
    contender::<S>(move |budget| {
        let fresh;
        let store: &S = match trouble {
            Trouble::Growth => {
                fresh = S::new(1 << 24);
                &fresh
            }
            Trouble::Expiry => kept.get_or_insert_with(|| S::new(2 * 50_000)),
        };
        let times = Mutex::new(Vec::with_capacity(1 << 18));
        let job: Job<'_> = Box::new(|member| {
            let (mut count, mut random) = (0, Random(0x2545_f491));
            let mut times = times.lock().expect("one thread");
            while !member.is_over() {
                for number in count..count + BATCH {
                    let (set, get) = match trouble {
                        Trouble::Growth => (number, random.next() % (number + 1)),
                        Trouble::Expiry => (random.next() % KEYS, random.next() % KEYS),
                    };
                    let put = || match trouble {
                        Trouble::Growth => store.set(key(set), set),
                        Trouble::Expiry => store.set_for_a_moment(key(set), set),
                    };
                    let look = || {
                        core::hint::black_box(store.get(key(get)));
                    };
                    times.push(match timed {
                        Call::Set => {
                            look();
                            time(put)
                        }
                        Call::Get => {
                            put();
                            time(look)
                        }
                    });
                }
                count += BATCH;
            }
            count
        });
        let (sample, _) = team::run(budget, vec![job]);
        let mut times = times.into_inner().expect("one thread");
        let place = times.len() - times.len() / 1000 - 1;
        let (_, slow, _) = times.select_nth_unstable(place);
        Ok(Sample { speed: 1.0 / float(u64::from(*slow).max(1)), ..sample })
    })
}

fn time(call: impl FnOnce()) -> u32 {
    let start = Instant::now();
    call();
    u32::try_from(start.elapsed().as_nanos()).unwrap_or(u32::MAX)
}
