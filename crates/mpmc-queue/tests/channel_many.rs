//! The channel among many: threads and tasks that come, go, give up, and close it on each other.
#![cfg(all(not(loom), feature = "blocking", feature = "async"))]

use core::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use std::thread;

use lockfree_core::wait::block_on;
use mpmc_queue::{
    channel::{self, Closed, Receiver, Sender, TryRecvError, channel},
    ring::IndexRing,
};
use testkit::{drops::Drops, stress::scaled};

/// `count` values of each of `senders` to all of `receivers`, over capacity `capacity`, in whatever
/// form each waits: nothing is lost, nothing comes twice, and each sender's values come in order.
fn many<R: IndexRing + 'static>(
    (sender, receiver): (Sender<u64, R>, Receiver<u64, R>),
    senders: u64,
    receivers: usize,
    count: u64,
) {
    let total = AtomicU64::new(0);
    thread::scope(|scope| {
        for me in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || {
                for value in 0..count {
                    let value = me << 32 | value;
                    match value % 3 {
                        0 => sender.send(value).unwrap(),
                        1 => block_on(sender.send_async(value)).unwrap(),
                        _ => assert!(sender.send_many([value]).is_ok()),
                    }
                }
            });
        }
        drop(sender);
        for _ in 0..receivers {
            let (receiver, total) = (receiver.clone(), &total);
            scope.spawn(move || {
                let mut last = vec![None; usize::try_from(senders).unwrap()];
                let mut values = Vec::new();
                for turn in 0.. {
                    let more = match turn % 3 {
                        0 => receiver.recv().map(|value| values.push(value)),
                        1 => block_on(receiver.recv_async()).map(|value| values.push(value)),
                        _ => receiver.recv_into(&mut values, 5).map(|some| assert!(some > 0)),
                    };
                    for value in values.drain(..) {
                        let last = &mut last[usize::try_from(value >> 32).unwrap()];
                        assert!(last.is_none_or(|last| last < value), "out of order");
                        *last = Some(value);
                        total.fetch_add(1, Relaxed);
                    }
                    if more.is_err() {
                        break;
                    }
                }
            });
        }
    });
    assert_eq!(total.into_inner(), senders * count);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn eight_threads_exchange_everything_once() {
    for capacity in [1, 3, 64] {
        many(channel(capacity), 4, 4, scaled(4000));
    }
}

#[test]
fn eight_threads_exchange_everything_once_without_waiting_in_the_queue() {
    for capacity in [1, 64] {
        many(channel::wait_free_channel(capacity), 4, 4, scaled(2000));
    }
}

#[test]
fn few_serve_many_and_many_serve_few() {
    many(channel(2), 7, 1, scaled(3000));
    many(channel(2), 1, 7, scaled(20_000));
}

/// Threads that come, send or receive a little, and go: also more of them than the queue has hands.
#[test]
fn threads_come_and_go() {
    let (sender, receiver) = channel(4);
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    for _ in 0..scaled(10) {
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        sent.fetch_add(sender.send(1).is_ok().into(), Relaxed);
                    }
                });
                scope.spawn(|| {
                    for _ in 0..5 {
                        received.fetch_add(receiver.recv().unwrap(), Relaxed);
                    }
                });
            }
        });
    }
    assert_eq!(sent.into_inner(), received.into_inner());
}

/// All are sending and receiving when it is closed: each value is received, given back, or left, once.
#[test]
fn close_in_full_swing_loses_and_doubles_nothing() {
    for round in 0..scaled(50) {
        let drops = Drops::new();
        let (sender, receiver) = channel(3);
        let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while sender.send(drops.counted(round)).is_ok() {
                        sent.fetch_add(1, Relaxed);
                    }
                });
                scope.spawn(|| {
                    for value in &receiver {
                        assert_eq!(value.value, round);
                        received.fetch_add(1, Relaxed);
                    }
                });
            }
            thread::sleep(Duration::from_micros(200));
            assert!(if round % 2 == 0 { sender.close() } else { receiver.close() });
        });
        let left = sender.len() as u64;
        assert_eq!(sent.into_inner(), received.into_inner() + left);
        drop((sender, receiver));
        assert_eq!(drops.alive(), 0);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// Under tokio, receives and sends are cancelled over and over: nothing is lost by it, and nobody
/// sleeps while there is something for it.
#[test]
fn a_storm_of_cancellations_under_tokio() {
    const TASKS: u64 = 4;
    let count = scaled(1500);
    let received = runtime().block_on(async move {
        let (sender, receiver) = channel(2);
        for _ in 0..TASKS {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut value = 0;
                while value < count {
                    let timely = Duration::from_micros(30 * (value % 3));
                    let sending = sender.send_async(value);
                    if let Ok(sent) = tokio::time::timeout(timely, sending).await {
                        sent.unwrap();
                        value += 1;
                    }
                }
            });
        }
        drop(sender);
        let receiving: Vec<_> = (0..TASKS)
            .map(|me| {
                let receiver = receiver.clone();
                tokio::spawn(async move {
                    let mut received = Vec::new();
                    loop {
                        let timely = Duration::from_micros(20 * (me + received.len() as u64 % 3));
                        match tokio::time::timeout(timely, receiver.recv_async()).await {
                            Ok(Ok(value)) => received.push(value),
                            Ok(Err(Closed(()))) => return received,
                            Err(_elapsed) => {}
                        }
                        if received.len() % 7 == 1 {
                            let _closed = receiver.recv_into_async(&mut received, 3).await;
                        }
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for receiving in receiving {
            all.extend(receiving.await.unwrap());
        }
        all
    });
    assert_eq!(received.len() as u64, TASKS * count);
    assert_eq!(received.iter().sum::<u64>(), TASKS * (count * (count - 1) / 2));
}

/// Many tasks wait, half of them go, and each value finds one of those that stay.
#[test]
fn of_many_waiting_tasks_each_value_wakes_one_that_stays() {
    let (sender, receiver) = channel(64);
    let left = runtime().block_on(async move {
        let mut tasks: Vec<_> = (0..64)
            .map(|_| {
                let receiver = receiver.clone();
                tokio::spawn(async move { receiver.recv_async().await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        for (at, task) in tasks.iter().enumerate() {
            if at % 2 == 0 {
                task.abort();
            } else {
                sender.try_send(1).unwrap();
            }
        }
        for task in tasks.iter_mut().step_by(2) {
            match task.await {
                // It was faster than its end, and has taken a value for which another one waits.
                Ok(value) => {
                    value.unwrap();
                    sender.try_send(1).unwrap();
                }
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        for task in tasks.iter_mut().skip(1).step_by(2) {
            task.await.unwrap().unwrap();
        }
        receiver.len()
    });
    assert_eq!(left, 0);
}
