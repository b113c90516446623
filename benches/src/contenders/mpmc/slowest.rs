//! The slowest calls among threads that outnumber the cores.

use super::workloads::{Balance, between, contender};
use super::{Hand, Item, Queue};
use crate::case::Contender;
use crate::team::{BATCH, Member, Patience, Sample, float};
use std::{sync::Mutex, time::Instant};

/// Which of the calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Worst {
    /// One in ten thousand took longer.
    OneInTenThousand,
    /// None took longer.
    Slowest,
}

const THREADS: usize = 4;
const CAPACITY: usize = 1_024;
/// So much longer than elsewhere are the rounds: threads must lose their cores often.
const LONGER: u32 = 3;

/// Four threads push, four pop, and each call that moved an item is timed; a sample's speed is the
/// inverse of the slow call's time.
///
/// Calls that were refused are not counted: who waits makes thousands of them.
pub(super) fn slowest<T: Item, Q: Queue<T>>(worst: Worst) -> Contender {
    let mut queue = None;
    contender::<T, Q>(CAPACITY, move |budget| {
        let queue = queue.get_or_insert_with(|| Q::queue(CAPACITY));
        let all = Mutex::new(Times::default());
        let merge = |times: &Times| all.lock().expect("no worker panics").add(times);
        let source = |member: &Member<'_>, hand: &mut Q::Hand<'_>| {
            let (mut count, mut times) = (0, Times::default());
            while !member.is_over() {
                for number in count..count + BATCH {
                    let mut patience = Patience::default();
                    while !times.record(|| hand.push(T::new(number)), |pushed| *pushed) {
                        patience.wait();
                    }
                }
                count += BATCH;
            }
            merge(&times);
            count
        };
        let sink = |balance: &Balance, hand: &mut Q::Hand<'_>| {
            let (mut count, mut sum, mut times) = (0, 0_u64, Times::default());
            let (mut closed, mut patience) = (false, Patience::default());
            loop {
                match times.record(|| hand.pop(), Option::is_some) {
                    Some(item) => {
                        count += 1;
                        sum = sum.wrapping_add(item.number());
                        patience = Patience::default();
                    }
                    None if closed => break,
                    None => {
                        closed = balance.is_closed();
                        patience.wait();
                    }
                }
            }
            merge(&times);
            (count, sum)
        };
        let sample = between(queue, THREADS, budget * LONGER, source, sink)?;
        let slow = all.into_inner().expect("no worker panics").quantile(worst);
        Ok(Sample { speed: 1.0 / float(slow.max(1)), ..sample })
    })
}

/// How many calls took how long, each known to one part in 32.
#[derive(Debug)]
struct Times {
    counts: Box<[u64]>,
    slowest: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: vec![0; Self::place(u64::MAX) + 1].into(), slowest: 0 }
    }
}

impl Times {
    /// Values of one place share their highest 6 bits.
    fn place(nanoseconds: u64) -> usize {
        let shift = (u64::BITS - nanoseconds.leading_zeros()).saturating_sub(6);
        shift as usize * 32 + usize::try_from(nanoseconds >> shift).expect("it has 6 bits")
    }

    /// The least value of a place.
    fn value(place: usize) -> u64 {
        let shift = (place / 32).saturating_sub(1);
        ((place - shift * 32) as u64) << shift
    }

    /// Times a call if it counts.
    #[inline]
    fn record<O>(&mut self, call: impl FnOnce() -> O, counts: impl FnOnce(&O) -> bool) -> O {
        let start = Instant::now();
        let outcome = call();
        let elapsed = start.elapsed();
        if counts(&outcome) {
            let nanoseconds = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
            self.counts[Self::place(nanoseconds)] += 1;
            self.slowest = self.slowest.max(nanoseconds);
        }
        outcome
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.slowest = self.slowest.max(other.slowest);
    }

    fn quantile(&self, worst: Worst) -> u64 {
        if let Worst::Slowest = worst {
            return self.slowest;
        }
        let mut slower = self.counts.iter().sum::<u64>() / 10_000;
        let found = self.counts.iter().enumerate().rev().find(|(_, count)| {
            let here = **count > slower;
            slower = slower.saturating_sub(**count);
            here
        });
        found.map_or(0, |(place, _)| Self::value(place))
    }
}
