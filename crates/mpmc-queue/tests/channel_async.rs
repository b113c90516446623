//! The channel's ends as futures: batches, polls by hand, sinks, and what a wake-up costs.
#![cfg(all(not(loom), feature = "blocking", feature = "async"))]

use core::{
    future::Future,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{panic::catch_unwind, sync::Arc, task::Wake, thread};

use lockfree_core::wait::block_on;
use mpmc_queue::channel::{Closed, channel, wait_free_channel};
use testkit::{drops::Drops, stress::scaled};

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Relaxed)
    }
}

fn poll_with<F: Future>(future: core::pin::Pin<&mut F>, bell: &Arc<Bell>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(bell))))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// A task whose waker panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in the waker");
    }
}

/// Two senders wait, and a receiver too, since the sender that was woken has not looked since.
#[test]
fn closing_wakes_all_although_a_waker_panics() {
    let (sender, receiver) = channel(1);
    let bells = [(); 2].map(|()| Arc::<Bell>::default());
    let mut sending = [1, 2].map(|value| Box::pin(sender.send_async(value)));
    sender.try_send(0).unwrap();
    for (future, bell) in sending.iter_mut().zip(&bells) {
        assert!(poll_with(future.as_mut(), bell).is_pending());
    }
    assert_eq!(receiver.try_recv(), Ok(0));
    let mut receiving = pin!(receiver.recv_async());
    let waker = Waker::from(Arc::new(Panics));
    assert!(receiving.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| sender.close())).is_err());
    assert_eq!(bells.each_ref().map(|bell| bell.rung()), [1, 1]);
    assert_eq!(poll_with(sending[1].as_mut(), &bells[1]), Poll::Ready(Err(Closed(2))));
}

/// A future that need not wait is one poll, and as small as what it needs if it must.
#[test]
fn futures_are_small_and_ready_at_once() {
    let (sender, receiver) = channel::<u64>(1);
    let (mut sending, mut receiving) = (pin!(sender.send_async(1)), pin!(receiver.recv_async()));
    assert!(size_of_val(&*sending) <= 48 && size_of_val(&*receiving) <= 32);
    let bell = Arc::default();
    assert_eq!(poll_with(sending.as_mut(), &bell), Poll::Ready(Ok(())));
    assert_eq!(poll_with(receiving.as_mut(), &bell), Poll::Ready(Ok(1)));
    assert_eq!(Arc::strong_count(&bell), 1, "no waker was kept");
}

#[test]
fn a_batch_goes_through_a_small_channel_in_order() {
    let (sender, receiver) = channel(3);
    let sending = thread::spawn(move || block_on(sender.send_many_async(0..1000)).is_ok());
    let mut received = Vec::new();
    while block_on(receiver.recv_into_async(&mut received, 7)).is_ok() {}
    assert!(sending.join().unwrap());
    assert!(received.into_iter().eq(0..1000));
}

#[test]
fn batches_of_many_tasks_under_tokio() {
    const TASKS: u64 = 4;
    let count = scaled(20_000);
    let received = runtime().block_on(async move {
        let (sender, receiver) = wait_free_channel(64);
        for task in 0..TASKS {
            let sender = sender.clone();
            tokio::spawn(async move {
                let values = (0..count).map(move |value| task << 32 | value);
                assert!(sender.send_many_async(values).await.is_ok());
            });
        }
        drop(sender);
        let mut received = Vec::new();
        while receiver.recv_into_async(&mut received, 50).await.is_ok() {}
        received
    });
    for task in 0..TASKS {
        let of_task = received.iter().filter(|&&value| value >> 32 == task);
        assert!(of_task.map(|value| value & u64::from(u32::MAX)).eq(0..count));
    }
    assert_eq!(received.len() as u64, TASKS * count);
}

#[test]
fn a_batch_is_given_back_from_where_it_was_refused() {
    let (sender, receiver) = channel(2);
    let mut sending = pin!(sender.send_many_async(0..6));
    assert!(poll_with(sending.as_mut(), &Arc::default()).is_pending());
    assert!(receiver.close());
    let Err(Closed(rest)) = block_on(sending) else { panic!("it is closed") };
    assert!(rest.eq(2..6));
    assert_eq!((receiver.recv(), receiver.recv()), (Ok(0), Ok(1)));
    let Err(Closed(rest)) = block_on(sender.send_many_async([7])) else { panic!("it is closed") };
    assert!(rest.eq([7]));
}

#[test]
fn a_cancelled_batch_has_sent_its_first_values() {
    let drops = Drops::new();
    let (sender, receiver) = channel(2);
    let (first, second) = (Arc::<Bell>::default(), Arc::<Bell>::default());
    let mut behind = Box::pin(sender.send_async(drops.counted(9)));
    {
        let mut values = (0..5).map(|value| drops.counted(value));
        {
            let mut sending = pin!(sender.send_many_async(values.by_ref()));
            assert!(poll_with(sending.as_mut(), &first).is_pending());
            assert!(poll_with(behind.as_mut(), &second).is_pending());
            assert_eq!(receiver.try_recv().unwrap().value, 0);
            assert_eq!((first.rung(), second.rung()), (1, 0));
        }
        // Its wake-up went on to the next; one value had been taken out and was dropped.
        assert_eq!(second.rung(), 1);
        assert_eq!(values.map(|value| value.value).collect::<Vec<_>>(), [3, 4]);
    }
    assert!(poll_with(behind.as_mut(), &second).is_ready());
    assert_eq!((receiver.recv().unwrap().value, receiver.recv().unwrap().value), (1, 9));
    drop(behind);
    assert_eq!(drops.alive(), 0);
}

/// However many values a batch has, a receiver is woken once, and no more receivers than values.
#[test]
fn a_batch_wakes_each_who_waits_once() {
    let (sender, receiver) = channel(8);
    let bells = [(); 3].map(|()| Arc::<Bell>::default());
    let mut waiting = [(); 3].map(|()| Box::pin(receiver.recv_async()));
    let mut poll_all = || {
        let polled = waiting.iter_mut().zip(&bells);
        polled.map(|(future, bell)| poll_with(future.as_mut(), bell)).collect::<Vec<_>>()
    };
    let rung = || bells.iter().map(|bell| bell.rung()).collect::<Vec<_>>();
    assert!(poll_all().iter().all(Poll::is_pending));
    assert!(sender.try_send_many([1, 2]).is_ok());
    assert_eq!(rung(), [1, 1, 0]);
    assert_eq!(poll_all(), [Poll::Ready(Ok(1)), Poll::Ready(Ok(2)), Poll::Pending]);
    assert!(sender.try_send_many(3..=8).is_ok());
    assert_eq!(rung(), [1, 1, 1]);
}

/// The same of room: a batch that is received wakes as many senders as it makes room for.
#[test]
fn a_batch_received_wakes_each_who_waits_for_room_once() {
    let (sender, receiver) = channel(2);
    assert!(sender.try_send_many([1, 2]).is_ok());
    let bells = [(); 3].map(|()| Arc::<Bell>::default());
    let mut waiting = [3, 4, 5].map(|value| Box::pin(sender.send_async(value)));
    for (future, bell) in waiting.iter_mut().zip(&bells) {
        assert!(poll_with(future.as_mut(), bell).is_pending());
    }
    let mut received = Vec::new();
    assert_eq!(receiver.try_recv_into(&mut received, 2), Ok(2));
    assert_eq!(bells.map(|bell| bell.rung()), [1, 1, 0]);
}

#[test]
fn a_polled_sender_keeps_its_place() {
    let (mut sender, receiver) = channel(1);
    let bell = Arc::<Bell>::default();
    let waker = Waker::from(Arc::clone(&bell));
    let cx = &mut Context::from_waker(&waker);
    assert_eq!(sender.poll_send(cx, &mut Some(1)), Poll::Ready(Ok(())));
    let mut value = Some(2);
    assert!(sender.poll_send(cx, &mut value).is_pending());
    assert_eq!((value, bell.rung()), (Some(2), 0));
    assert_eq!((receiver.recv(), bell.rung()), (Ok(1), 1));
    assert_eq!(sender.poll_send(cx, &mut value), Poll::Ready(Ok(())));
    assert!(value.is_none());
    let mut value = Some(3);
    assert!(sender.poll_send(cx, &mut value).is_pending());
    assert!(receiver.close());
    assert_eq!((bell.rung(), sender.poll_send(cx, &mut value)), (2, Poll::Ready(Err(Closed(3)))));
}

/// A sender that was polled and is dropped leaves its wake-up to the next.
#[test]
fn a_polled_sender_that_goes_hands_its_wake_up_on() {
    let (mut sender, receiver) = channel(1);
    sender.send(0).unwrap();
    let other = sender.clone();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(sender.poll_send(cx, &mut Some(1)).is_pending());
    let bell = Arc::default();
    let mut behind = pin!(other.send_async(2));
    assert!(poll_with(behind.as_mut(), &bell).is_pending());
    assert_eq!(receiver.recv(), Ok(0));
    assert_eq!(bell.rung(), 0);
    drop(sender);
    assert_eq!(bell.rung(), 1);
    assert!(poll_with(behind.as_mut(), &bell).is_ready());
}

/// Batches are cancelled over and over: what was sent arrives once, in order, and nobody sleeps while
/// there is something for it.
#[test]
fn a_storm_of_cancelled_batches_under_tokio() {
    let rounds = scaled(300);
    runtime().block_on(async move {
        let (sender, receiver) = channel(4);
        let sending = tokio::spawn(async move {
            let mut sent = 0_u64;
            for round in 0..rounds {
                // What it took out and did not send is found by the numbers that arrive.
                let batch = sender.send_many_async(sent..sent + 100);
                let _elapsed = tokio::time::timeout(Duration::from_micros(round % 50), batch).await;
                sent += 100;
            }
            sent
        });
        let mut last = None;
        let mut received = Vec::new();
        while receiver.recv_into_async(&mut received, 3).await.is_ok() {
            for value in received.drain(..) {
                assert!(last < Some(value), "{value} after {last:?}");
                last = Some(value);
            }
        }
        assert!(last < Some(sending.await.unwrap()));
    });
}

#[cfg(feature = "sink")]
mod sink {
    use super::{Arc, Bell, Closed, Drops, Relaxed, block_on, channel, poll_with, thread};
    use core::pin::{Pin, pin};
    use futures_util::{Sink, SinkExt, StreamExt as _, future::poll_fn, stream};

    #[test]
    fn forwards_a_stream_and_leaves() {
        let (sender, receiver) = channel(2);
        let sending = thread::spawn(move || {
            block_on(stream::iter(0..1000).map(Ok).forward(sender.into_sink()))
        });
        assert!(receiver.iter().eq(0..1000));
        assert_eq!(sending.join().unwrap(), Ok(()));
        assert!(receiver.is_closed(), "the sink was the last sender");
    }

    #[test]
    fn keeps_one_value_until_there_is_room() {
        let drops = Drops::new();
        let (sender, receiver) = channel(1);
        let mut sink = sender.into_sink();
        block_on(sink.feed(drops.counted(0))).unwrap();
        assert_eq!(receiver.len(), 1, "there was room at once");
        block_on(sink.feed(drops.counted(1))).unwrap();
        let bell = Arc::<Bell>::default();
        let mut flushing = pin!(SinkExt::<_>::flush(&mut sink));
        assert!(poll_with(flushing.as_mut(), &bell).is_pending());
        assert_eq!(receiver.recv().unwrap().value, 0);
        assert_eq!(bell.0.load(Relaxed), 1);
        assert!(poll_with(flushing.as_mut(), &bell).is_ready());
        block_on(sink.feed(drops.counted(2))).unwrap();
        drop(sink);
        assert_eq!(receiver.recv().unwrap().value, 1);
        assert_eq!(drops.alive(), 0, "what the sink kept went with it");
    }

    #[test]
    fn close_leaves_the_channel_to_the_others() {
        let (sender, receiver) = channel(1);
        let mut sink = sender.clone().into_sink();
        block_on(sink.send(1)).unwrap();
        block_on(SinkExt::<i32>::close(&mut sink)).unwrap();
        assert_eq!(block_on(sink.send(2)), Err(Closed(2)));
        assert!(!sender.is_closed());
        assert_eq!(receiver.recv(), Ok(1));
        drop(receiver);
        assert_eq!(block_on(sender.into_sink().send(3)), Err(Closed(3)));
    }

    #[test]
    #[should_panic(expected = "not ready")]
    fn a_second_value_without_asking_is_an_error_of_the_caller() {
        let (sender, _receiver) = channel(1);
        let mut sink = sender.into_sink();
        for value in 0..3 {
            Pin::new(&mut sink).start_send(value).unwrap();
        }
        block_on(poll_fn(|cx| Pin::new(&mut sink).poll_flush(cx))).unwrap();
    }
}
