//! What the rings are put to: a pair, a stream, a round trip, slices.

use super::{Pop, PopSlice, Push, PushSlice, Ring};
use crate::case::{Contender, Role};
use crate::team::{self, BATCH, Member, Patience, Sample};
use core::{hint::black_box, time::Duration};
use lockfree_core::CachePadded;
use std::thread;

/// The item after which nothing comes.
const END: u64 = u64::MAX;

/// How many items the longest slices hold, and the ring that they go through.
const LONGEST: usize = 512;
const SLICES_CAPACITY: usize = 4_096;

fn contender<R: Ring>(
    capacity: usize,
    round: impl FnMut(Duration) -> Result<Sample, String> + 'static,
) -> Contender {
    Contender::new(R::NAME, R::PACKAGE, R::ROLE, move || check::<R>(capacity), round)
}

/// The ends of a ring, each on cache lines of its own: what an end remembers for itself must not
/// share a line with what the other side writes, as it does not where each is moved to its thread.
type Ends<R> = (CachePadded<<R as Ring>::Producer>, CachePadded<<R as Ring>::Consumer>);

/// A ring that is made when it is first needed and kept from round to round, so that no round pays
/// for fresh memory.
fn kept<R: Ring>(ends: &mut Option<Ends<R>>, capacity: usize) -> &mut Ends<R> {
    ends.get_or_insert_with(|| {
        let (producer, consumer) = R::ring(capacity);
        (CachePadded::new(producer), CachePadded::new(consumer))
    })
}

/// One push, one pop, on one thread.
pub(super) fn pair<R: Ring>(capacity: usize) -> Contender {
    let mut ends = None;
    contender::<R>(capacity, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, capacity);
        let mut verdict = Ok(());
        let worker = |member: &Member<'_>| {
            let (mut count, mut wrong) = (0, false);
            while !member.is_over() {
                for item in count..count + BATCH {
                    let pushed = producer.push(item);
                    wrong |= !pushed | (black_box(consumer.pop()) != Some(item));
                }
                count += BATCH;
            }
            verdict = in_order(wrong);
            count
        };
        let (sample, _) = team::run(budget, vec![Box::new(worker)]);
        verdict.map(|()| sample)
    })
}

/// One thread pushes numbers, another pops and compares them.
pub(super) fn stream<R: Ring>(capacity: usize) -> Contender {
    let mut ends = None;
    contender::<R>(capacity, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, capacity);
        let (mut sent, mut verdict) = (0, Ok(()));
        let source = |member: &Member<'_>| {
            let mut count = 0;
            while !member.is_over() {
                (count..count + BATCH).for_each(|item| push(&mut **producer, item));
                count += BATCH;
            }
            push(&mut **producer, END);
            producer.flush();
            sent = count;
            0
        };
        let sink = |_: &Member<'_>| {
            let (count, wrong) = drain(&mut **consumer);
            verdict = in_order(wrong);
            count
        };
        let (sample, received) = team::run(budget, vec![Box::new(source), Box::new(sink)]);
        verdict.and(in_order(received != sent)).map(|()| sample)
    })
}

/// A number goes to another thread through one ring and comes back through a second.
pub(super) fn round_trip<R: Ring>() -> Contender {
    const CAPACITY: usize = 1_024;
    const TRIPS: u64 = BATCH / 16;
    let (mut there, mut back) = (None, None);
    contender::<R>(CAPACITY, move |budget| {
        let (out, far_in) = kept::<R>(&mut there, CAPACITY);
        let (far_out, home) = kept::<R>(&mut back, CAPACITY);
        let mut verdict = Ok(());
        let caller = |member: &Member<'_>| {
            let (mut count, mut wrong) = (0, false);
            while !member.is_over() {
                for item in count..count + TRIPS {
                    push(&mut **out, item);
                    wrong |= pop(&mut **home) != item;
                }
                count += TRIPS;
            }
            push(&mut **out, END);
            verdict = in_order(wrong);
            count
        };
        let echo = |_: &Member<'_>| loop {
            match pop(&mut **far_in) {
                END => return 0,
                item => push(&mut **far_out, item),
            }
        };
        let (sample, _) = team::run(budget, vec![Box::new(caller), Box::new(echo)]);
        verdict.map(|()| sample)
    })
}

/// As [`stream`], but in slices of `batch`. What they hold stays the same, so that copying is all
/// that is timed; their order is compared in the check.
pub(super) fn slices<R>(batch: usize) -> Contender
where
    R: Ring<Producer: PushSlice, Consumer: PopSlice>,
{
    let mut ends = None;
    let check = move || check_slices::<R>(batch);
    Contender::new(R::NAME, R::PACKAGE, R::ROLE, check, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, SLICES_CAPACITY);
        let mut sent = 0;
        let source = |member: &Member<'_>| {
            let (mut count, items) = (0, [1; LONGEST]);
            while !member.is_over() {
                for _ in 0..BATCH / batch as u64 {
                    push_slice(&mut **producer, &items[..batch]);
                }
                count += BATCH;
            }
            push_slice(&mut **producer, &[END]);
            sent = count;
            0
        };
        let sink = |_: &Member<'_>| {
            let mut received = 0;
            drain_slices(&mut **consumer, batch, |items| received += black_box(items).len() as u64);
            received
        };
        let (sample, received) = team::run(budget, vec![Box::new(source), Box::new(sink)]);
        in_order(received != sent).map(|()| sample)
    })
}

#[inline]
fn push(producer: &mut impl Push, item: u64) {
    let mut patience = Patience::default();
    while !producer.push(item) {
        patience.wait();
    }
}

#[inline]
fn pop(consumer: &mut impl Pop) -> u64 {
    let mut patience = Patience::default();
    loop {
        match consumer.pop() {
            Some(item) => return item,
            None => patience.wait(),
        }
    }
}

/// Pops until the end: how many items came, and whether any was not its own number.
#[inline]
fn drain(consumer: &mut impl Pop) -> (u64, bool) {
    let (mut count, mut differences) = (0, 0);
    loop {
        match pop(consumer) {
            END => return (count, differences != 0),
            item => {
                differences |= item ^ count;
                count += 1;
            }
        }
    }
}

#[inline]
fn push_slice(producer: &mut impl PushSlice, mut items: &[u64]) {
    let mut patience = Patience::default();
    loop {
        items = &items[producer.push_slice(items)..];
        if items.is_empty() {
            return;
        }
        patience.wait();
    }
}

/// Pops slices of up to `batch` until the end.
#[inline]
fn drain_slices(consumer: &mut impl PopSlice, batch: usize, mut receive: impl FnMut(&[u64])) {
    let mut buffer = [0; LONGEST];
    let mut patience = Patience::default();
    loop {
        let count = consumer.pop_slice(&mut buffer[..batch]);
        match buffer[..count].split_last() {
            None => patience.wait(),
            Some((&END, rest)) => return receive(rest),
            Some(_) => {
                receive(&buffer[..count]);
                patience = Patience::default();
            }
        }
    }
}

fn in_order(wrong: bool) -> Result<(), String> {
    if wrong { Err("items were lost, doubled or out of order".to_owned()) } else { Ok(()) }
}

/// What promises a capacity holds it, and items come out of another thread as they went in.
///
/// A floor is no ring that would pass; its rounds are compared as everybody's.
fn check<R: Ring>(capacity: usize) -> Result<(), String> {
    if R::ROLE == Role::Floor {
        return Ok(());
    }
    let (mut producer, mut consumer) = R::ring(capacity);
    let held = (0..=capacity as u64).take_while(|&item| producer.push(item)).count();
    if held > capacity || held + 1 < capacity {
        return Err(format!("a ring of {capacity} held {held}"));
    }
    in_order(
        (0..held as u64).any(|item| consumer.pop() != Some(item)) || consumer.pop().is_some(),
    )?;
    across(
        move || (0..CHECKED).chain([END]).for_each(|item| push(&mut producer, item)),
        move || in_order(drain(&mut consumer) != (CHECKED, false)),
    )
}

/// The same, in slices of every length up to `batch`.
fn check_slices<R>(batch: usize) -> Result<(), String>
where
    R: Ring<Producer: PushSlice, Consumer: PopSlice>,
{
    check::<R>(SLICES_CAPACITY)?;
    let (mut producer, mut consumer) = R::ring(SLICES_CAPACITY);
    let source = move || {
        let items: Vec<u64> = (0..CHECKED).collect();
        let mut rest = &items[..];
        for length in (1..=batch).cycle() {
            let (slice, after) = rest.split_at(length.min(rest.len()));
            push_slice(&mut producer, slice);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        push_slice(&mut producer, &[END]);
    };
    let sink = move || {
        let mut received = Vec::new();
        drain_slices(&mut consumer, batch, |items| received.extend_from_slice(items));
        in_order(!received.into_iter().eq(0..CHECKED))
    };
    across(source, sink)
}

const CHECKED: u64 = 200_000;

fn across(
    source: impl FnOnce() + Send,
    sink: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    thread::scope(|scope| {
        scope.spawn(source);
        sink()
    })
}
