//! Single-producer single-consumer rings of `u64`: a pair on one thread, a stream and a round trip
//! across two, and slices.

use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Patience, Sample};
use core::{hint::black_box, time::Duration};
use std::thread;

pub use super::rings::*;

/// What the command line calls this family.
pub const FAMILY: &str = "ring";

/// A kind of ring.
pub trait Ring: 'static {
    /// Its name in tables.
    const NAME: &'static str;
    /// Where it comes from.
    const PACKAGE: Option<&'static str>;
    /// Whose it is.
    const ROLE: Role = Role::Peer;
    /// The side that pushes.
    type Producer: Push;
    /// The side that pops.
    type Consumer: Pop;
    /// A ring that holds `capacity` items, or one less.
    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer);
}

/// A producer.
pub trait Push: Send + 'static {
    /// Whether there was room.
    fn push(&mut self, item: u64) -> bool;
    /// Shows the consumer what it cannot see yet, where there is such a thing.
    fn flush(&mut self) {}
}

/// A consumer.
pub trait Pop: Send + 'static {
    /// The oldest item.
    fn pop(&mut self) -> Option<u64>;
}

/// A producer of slices.
pub trait PushSlice: Push {
    /// Copies in as many as there is room for, and tells how many.
    fn push_slice(&mut self, items: &[u64]) -> usize;
}

/// A consumer of slices.
pub trait PopSlice: Pop {
    /// Copies out as many as there are, and tells how many.
    fn pop_slice(&mut self, items: &mut [u64]) -> usize;
}

/// Calls a generic function for each ring: one list for tables and criterion.
#[macro_export]
macro_rules! rings {
    ($each:ident($($argument:expr),*)) => {{
        use $crate::contenders::ring::*;
        [
            $each::<InSlot>($($argument),*),
            $each::<Contiguous>($($argument),*),
            $each::<Rtrb>($($argument),*),
            $each::<Ringbuf>($($argument),*),
            $each::<Nolock>($($argument),*),
            $each::<Heapless>($($argument),*),
            $each::<ArrayQueue>($($argument),*),
            $each::<SyncChannel>($($argument),*),
        ]
    }};
}

/// The same for those that take slices.
macro_rules! slice_rings {
    ($each:ident($($argument:expr),*)) => {
        [
            $each::<InSlot>($($argument),*),
            $each::<Contiguous>($($argument),*),
            $each::<Rtrb>($($argument),*),
            $each::<Ringbuf>($($argument),*),
        ]
    };
}

/// The cases. Their numbers of threads are their own.
pub fn cases(_threads: &[usize]) -> Vec<Case> {
    let case = |name: String, unit, contenders: Vec<Contender>| Case {
        family: FAMILY,
        name,
        unit,
        contenders,
    };
    let nanoseconds = Unit::Nanoseconds { threads: 1 };
    let mut cases =
        vec![case("pair on one thread".to_owned(), nanoseconds, rings!(pair(1_024)).into())];
    for (capacity, name) in [(1_024, "stream through 1,024"), (65_536, "stream through 65,536")] {
        let mut contenders = Vec::from(rings!(stream(capacity)));
        contenders.push(stream::<Halves>(capacity));
        cases.push(case(name.to_owned(), Unit::MillionsPerSecond, contenders));
    }
    let mut contenders = Vec::from(rings!(round_trip()));
    contenders.push(round_trip::<Mailbox>());
    cases.push(case("round trip".to_owned(), nanoseconds, contenders));
    for batch in [16, 64, 512] {
        let contenders = slice_rings!(slices(batch)).into();
        cases.push(case(format!("slices of {batch}"), Unit::MillionsPerSecond, contenders));
    }
    cases
}

const IN_SLOT: &str = "ring";
const CONTIGUOUS: &str = "contiguous::ring";
const SLICED: &[&str] = &["rtrb", "ringbuf"];

/// What a ring is to reach.
pub const GOALS: &[Goal] = &[
    goal("stream through 1,024", IN_SLOT, &["rtrb"], Bound::SpeedAtLeast(2.5)),
    goal("stream through 65,536", IN_SLOT, &["rtrb"], Bound::SpeedAtLeast(1.8)),
    goal("round trip", IN_SLOT, &["rtrb"], Bound::TimeAtMost(0.75)),
    goal("pair on one thread", IN_SLOT, &["rtrb"], Bound::TimeAtMost(0.85)),
    goal("stream through 1,024", IN_SLOT, &["ringbuf"], Bound::SpeedAtLeast(2.5)),
    goal("stream through 65,536", IN_SLOT, &["ringbuf"], Bound::SpeedAtLeast(2.5)),
    goal("slices of 16", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
    goal("slices of 64", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
    goal("slices of 512", CONTIGUOUS, SLICED, Bound::SpeedAtLeast(0.95)),
];

const fn goal(
    case: &'static str,
    ours: &'static str,
    peers: &'static [&'static str],
    bound: Bound,
) -> Goal {
    Goal { family: FAMILY, case, ours, peers, bound }
}

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

/// Its ring, made when it is first needed and kept from round to round, so that no round pays for
/// fresh memory.
fn kept<R: Ring>(
    ends: &mut Option<(R::Producer, R::Consumer)>,
    capacity: usize,
) -> &mut (R::Producer, R::Consumer) {
    ends.get_or_insert_with(|| R::ring(capacity))
}

/// One push, one pop, on one thread.
fn pair<R: Ring>(capacity: usize) -> Contender {
    let mut ends = None;
    contender::<R>(capacity, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, capacity);
        let mut wrong = false;
        let worker = |member: &team::Member<'_>| {
            let mut count = 0;
            while !member.is_over() {
                for item in count..count + BATCH {
                    let pushed = producer.push(item);
                    wrong |= !pushed | (black_box(consumer.pop()) != Some(item));
                }
                count += BATCH;
            }
            count
        };
        let (sample, _) = team::run(budget, vec![Box::new(worker)]);
        in_order(wrong).map(|()| sample)
    })
}

/// One thread pushes numbers, another pops and compares them.
fn stream<R: Ring>(capacity: usize) -> Contender {
    let mut ends = None;
    contender::<R>(capacity, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, capacity);
        let (mut sent, mut wrong) = (0, false);
        let source = |member: &team::Member<'_>| {
            while !member.is_over() {
                (sent..sent + BATCH).for_each(|item| push(producer, item));
                sent += BATCH;
            }
            push(producer, END);
            producer.flush();
            0
        };
        let sink = |_: &team::Member<'_>| {
            let (count, differs) = drain(consumer);
            wrong = differs;
            count
        };
        let (sample, received) = team::run(budget, vec![Box::new(source), Box::new(sink)]);
        in_order(wrong || received != sent).map(|()| sample)
    })
}

/// A number goes to another thread through one ring and comes back through a second.
fn round_trip<R: Ring>() -> Contender {
    const CAPACITY: usize = 1_024;
    const TRIPS: u64 = BATCH / 16;
    let (mut there, mut back) = (None, None);
    contender::<R>(CAPACITY, move |budget| {
        let (out, far_in) = kept::<R>(&mut there, CAPACITY);
        let (far_out, home) = kept::<R>(&mut back, CAPACITY);
        let mut wrong = false;
        let caller = |member: &team::Member<'_>| {
            let mut count = 0;
            while !member.is_over() {
                for item in count..count + TRIPS {
                    push(out, item);
                    wrong |= pop(home) != item;
                }
                count += TRIPS;
            }
            push(out, END);
            count
        };
        let echo = |_: &team::Member<'_>| {
            loop {
                match pop(far_in) {
                    END => return 0,
                    item => push(far_out, item),
                }
            }
        };
        let (sample, _) = team::run(budget, vec![Box::new(caller), Box::new(echo)]);
        in_order(wrong).map(|()| sample)
    })
}

/// As [`stream`], but in slices of `batch`. What they hold stays the same, so that copying is all
/// that is timed; their order is compared in the check.
fn slices<R>(batch: usize) -> Contender
where
    R: Ring<Producer: PushSlice, Consumer: PopSlice>,
{
    let mut ends = None;
    let check = move || check_slices::<R>(batch);
    Contender::new(R::NAME, R::PACKAGE, R::ROLE, check, move |budget| {
        let (producer, consumer) = kept::<R>(&mut ends, SLICES_CAPACITY);
        let mut sent = 0;
        let source = |member: &team::Member<'_>| {
            let items = [1; LONGEST];
            while !member.is_over() {
                for _ in 0..BATCH / batch as u64 {
                    push_slice(producer, &items[..batch]);
                }
                sent += BATCH;
            }
            push_slice(producer, &[END]);
            0
        };
        let sink = |_: &team::Member<'_>| {
            let mut received = 0;
            drain_slices(consumer, batch, |items| received += black_box(items).len() as u64);
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
