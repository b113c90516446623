//! The slowest calls among threads that outnumber the cores.

use super::workloads::{Balance, between, contender};
use super::{Hand, Item, Queue};
use crate::case::Contender;
use crate::team::{BATCH, Member, Patience, Sample, float};
use crate::times::Times;
use std::sync::Mutex;

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
        let all = all.into_inner().expect("no worker panics");
        let slow = match worst {
            Worst::OneInTenThousand => all.exceeded_by_one_in(10_000),
            Worst::Slowest => all.slowest(),
        };
        Ok(Sample { speed: 1.0 / float(slow.max(1)), ..sample })
    })
}
