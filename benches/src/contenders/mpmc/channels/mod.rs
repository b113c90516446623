//! Channels whose ends wait: threads that park, and tasks.

mod ends;

use super::{FAMILY, case, workloads::each_once_in_order};
use crate::case::{Case, Contender, Role, Unit};
use crate::goals::{Bound, Goal};
use crate::team::{self, BATCH, Job, Sample};
use core::{future::Future, time::Duration};
use mpmc_queue::ring::{LockFreeRing, WaitFreeRing};
use std::{sync::LazyLock, thread, time::Instant};
use tokio::runtime::{Builder, Runtime};

use ends::{Crossfire, Flume, Kanal, Ours, Std};

const CAPACITY: usize = 1_024;
const TASKS: usize = 2;

/// A channel of numbers, and the ends that one round's threads or tasks have.
trait Channel: 'static {
    const NAME: &'static str;
    const PACKAGE: Option<&'static str>;
    const ROLE: Role = Role::Peer;
}

/// One whose ends park their thread.
trait Blocking: Channel {
    type Sender: Send;
    type Receiver: Send;
    /// `count` ends of each kind.
    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>);
    /// Waits for room.
    fn send(sender: &Self::Sender, number: u64);
    /// Waits for a number; none comes after the last sender has gone.
    fn recv(receiver: &Self::Receiver) -> Option<u64>;
}

/// One whose ends are waited for by tasks.
trait Async: Channel {
    type Sender: Send + Sync + 'static;
    type Receiver: Send + Sync + 'static;
    /// See [`Blocking::ends`].
    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>);
    /// See [`Blocking::send`].
    fn send(sender: &Self::Sender, number: u64) -> impl Future<Output = ()> + Send;
    /// See [`Blocking::recv`].
    fn recv(receiver: &Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
}

/// How many numbers, and their sum.
type Tally = (u64, u64);

fn add((count, sum): Tally, number: u64) -> Tally {
    (count + 1, sum.wrapping_add(number))
}

fn total(tallies: impl IntoIterator<Item = Tally>) -> Tally {
    tallies
        .into_iter()
        .fold((0, 0), |(count, sum), (more, rest)| (count + more, sum.wrapping_add(rest)))
}

fn compare(sent: Tally, received: Tally, sample: Sample) -> Result<Sample, String> {
    if sent == received {
        return Ok(sample);
    }
    Err(format!("{} were sent, {} received, or others than were sent", sent.0, received.0))
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let unit = Unit::MillionsPerSecond;
    let mut cases: Vec<Case> = [1, 2, 4]
        .into_iter()
        .map(|threads| {
            let mut contenders = vec![
                blocking::<Ours<LockFreeRing>>(threads),
                blocking::<Ours<WaitFreeRing>>(threads),
                blocking::<Kanal>(threads),
                blocking::<Flume>(threads),
                blocking::<Crossfire>(threads),
            ];
            if threads == 1 {
                contenders.push(blocking::<Std>(threads));
            }
            case(&format!("channel, blocking, {threads} to {threads}"), unit, false, contenders)
        })
        .collect();
    let contenders = vec![
        tasks::<Ours<LockFreeRing>>(),
        tasks::<Ours<WaitFreeRing>>(),
        tasks::<Kanal>(),
        tasks::<Flume>(),
        tasks::<Crossfire>(),
    ];
    cases.push(case("channel, async, 2 to 2", unit, false, contenders));
    cases
}

/// A goal of the channel over either queue.
pub(super) const fn both(case: &'static str, peers: &'static [&'static str]) -> [Goal; 2] {
    let bound = Bound::SpeedAtLeast(1.0);
    [
        Goal { family: FAMILY, case, ours: Ours::<LockFreeRing>::NAME, peers, bound },
        Goal { family: FAMILY, case, ours: Ours::<WaitFreeRing>::NAME, peers, bound },
    ]
}

/// `threads` send numbers, as many receive them and add them up, until the senders go.
fn blocking<C: Blocking>(threads: usize) -> Contender {
    Contender::new(C::NAME, C::PACKAGE, C::ROLE, move || check_blocking::<C>(threads.min(2)), {
        move |budget| {
            let (senders, receivers) = C::ends(CAPACITY, threads);
            let mut sent = vec![(0, 0); threads];
            let mut received = sent.clone();
            let sources = senders.into_iter().zip(&mut sent).map(|(sender, sent)| -> Job<'_> {
                Box::new(move |member| {
                    while !member.is_over() {
                        for number in sent.0..sent.0 + BATCH {
                            C::send(&sender, number);
                            *sent = add(*sent, number);
                        }
                    }
                    0
                })
            });
            let sinks = receivers.into_iter().zip(&mut received);
            let sinks = sinks.map(|(receiver, received)| -> Job<'_> {
                Box::new(move |_| {
                    while let Some(number) = C::recv(&receiver) {
                        *received = add(*received, number);
                    }
                    received.0
                })
            });
            let (sample, _) = team::run(budget, sources.chain(sinks).collect());
            compare(total(sent), total(received), sample)
        }
    })
}

/// Two workers, which run anywhere: made by a thread that is not kept on a core.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).build().expect("threads can be started")
});

/// Two tasks send numbers, two receive them, on two worker threads of tokio.
fn tasks<C: Async>() -> Contender {
    Contender::new(C::NAME, C::PACKAGE, C::ROLE, check_async::<C>, |budget| {
        let runtime = &*RUNTIME;
        let mut tallies = Ok(((0, 0), (0, 0)));
        let worker = |_: &team::Member<'_>| {
            tallies = runtime.block_on(exchange::<C>(budget));
            tallies.as_ref().map_or(0, |(_, received)| received.0)
        };
        let (sample, _) = team::run(budget, vec![Box::new(worker)]);
        let (sent, received) = tallies?;
        compare(sent, received, sample)
    })
}

async fn exchange<C: Async>(budget: Duration) -> Result<(Tally, Tally), String> {
    let (senders, receivers) = C::ends(CAPACITY, TASKS);
    let end = Instant::now() + budget;
    let sources: Vec<_> = senders
        .into_iter()
        .map(|sender| {
            tokio::spawn(async move {
                let mut sent = (0, 0);
                while Instant::now() < end {
                    for number in sent.0..sent.0 + BATCH {
                        C::send(&sender, number).await;
                        sent = add(sent, number);
                    }
                }
                sent
            })
        })
        .collect();
    let sinks: Vec<_> = receivers
        .into_iter()
        .map(|receiver| {
            tokio::spawn(async move {
                let mut received = (0, 0);
                while let Some(number) = C::recv(&receiver).await {
                    received = add(received, number);
                }
                received
            })
        })
        .collect();
    let mut tallies = Vec::new();
    for task in sources.into_iter().chain(sinks) {
        tallies.push(task.await.map_err(|error| error.to_string())?);
    }
    let received = tallies.split_off(TASKS);
    Ok((total(tallies), total(received)))
}

/// How many numbers each sender of a check sends: fewer where the harness itself is tested.
const CHECKED: u64 = if cfg!(debug_assertions) { 5_000 } else { 50_000 };
/// The channel of a check is often full.
const SMALL: usize = 8;

/// The numbers of a source among so many.
fn numbers(source: usize, sources: usize) -> impl Iterator<Item = u64> {
    (source as u64..CHECKED * sources as u64).step_by(sources)
}

fn check_blocking<C: Blocking>(threads: usize) -> Result<(), String> {
    let (senders, receivers) = C::ends(SMALL, threads);
    let received: Vec<Vec<u64>> = thread::scope(|scope| {
        for (source, sender) in senders.into_iter().enumerate() {
            scope.spawn(move || {
                numbers(source, threads).for_each(|number| C::send(&sender, number));
            });
        }
        let receiving: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                scope.spawn(move || core::iter::from_fn(|| C::recv(&receiver)).collect())
            })
            .collect();
        receiving.into_iter().map(|sink| sink.join().expect("no sink panics")).collect()
    });
    each_once_in_order(&received, threads as u64, CHECKED)
}

fn check_async<C: Async>() -> Result<(), String> {
    let (senders, receivers) = C::ends(SMALL, TASKS);
    let received = RUNTIME.block_on(async move {
        for (source, sender) in senders.into_iter().enumerate() {
            tokio::spawn(async move {
                for number in numbers(source, TASKS) {
                    C::send(&sender, number).await;
                }
            });
        }
        let receiving: Vec<_> = receivers
            .into_iter()
            .map(|receiver| {
                tokio::spawn(async move {
                    let mut received = Vec::new();
                    while let Some(number) = C::recv(&receiver).await {
                        received.push(number);
                    }
                    received
                })
            })
            .collect();
        let mut received = Vec::new();
        for task in receiving {
            received.push(task.await.expect("no sink panics"));
        }
        received
    });
    each_once_in_order(&received, TASKS as u64, CHECKED)
}
