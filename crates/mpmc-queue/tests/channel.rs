//! The channel: blocking, timed, under two runtimes, cancelled, closed, and shared by many.
#![cfg(all(not(loom), feature = "blocking", feature = "async"))]

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{panic::catch_unwind, thread, time::Instant};

use lockfree_core::wait::block_on;
use mpmc_queue::{
    Queue,
    channel::{
        self, Closed, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, channel,
    },
};
use testkit::drops::Drops;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(30);

/// Polls `future` once, with a waker that does nothing.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn without_waiting() {
    let (sender, receiver) = channel(2);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.try_send(1), Ok(()));
    assert!(
        matches!(sender.try_send_many([2, 3]), Err(TrySendError::Full(rest)) if rest.clone().eq([3]))
    );
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!((sender.len(), receiver.len()), (2, 2));
    assert_eq!((sender.capacity(), receiver.capacity()), (2, 2));
    assert!(sender.is_full() && receiver.is_full() && !sender.is_empty());
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(sender);
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    assert!(receiver.is_empty());
}

#[test]
fn a_send_to_nobody_gives_the_value_back() {
    let (sender, receiver) = channel(2);
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(sender.send(2), Err(Closed(2)));
    assert_eq!(sender.send_timeout(3, LONG), Err(SendTimeoutError::Closed(3)));
    assert_eq!(block_on(sender.send_async(4)).unwrap_err().into_inner(), 4);
    assert!(
        matches!(sender.try_send_many([5]), Err(TrySendError::Closed(rest)) if rest.clone().eq([5]))
    );
    assert!(matches!(sender.send_many([6, 7]), Err(Closed(rest)) if rest.clone().eq([6, 7])));
    assert!(sender.try_send_many([]).is_ok());
}

#[test]
fn a_limit_of_time_is_kept() {
    let (sender, receiver) = channel(1);
    let started = Instant::now();
    assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    sender.send(1).unwrap();
    assert_eq!(sender.send_timeout(2, SHORT), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(sender.send_deadline(2, started).unwrap_err().into_inner(), 2);
    assert!(started.elapsed() >= 2 * SHORT);
    assert_eq!(receiver.recv_deadline(started), Ok(1), "what is there is received in any case");
    drop(sender);
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
}

#[test]
fn a_timeout_beyond_the_end_of_time_is_none() {
    let (sender, receiver) = channel(1);
    let receiving = thread::spawn(move || receiver.recv_timeout(Duration::MAX));
    thread::sleep(SHORT);
    sender.send_timeout(7, Duration::MAX).unwrap();
    assert_eq!(receiving.join().unwrap(), Ok(7));
}

#[test]
fn parked_ends_are_woken_by_values_by_room_and_by_the_end() {
    let (sender, receiver) = channel(1);
    let receiving = thread::spawn(move || {
        let first = receiver.recv();
        thread::sleep(SHORT);
        (first, receiver.recv(), receiver.recv())
    });
    thread::sleep(SHORT);
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    thread::sleep(SHORT);
    drop(sender);
    assert_eq!(receiving.join().unwrap(), (Ok(1), Ok(2), Err(Closed(()))));

    let (sender, receiver) = channel(1);
    sender.send(1).unwrap();
    let sending = thread::spawn(move || sender.send(2));
    thread::sleep(SHORT);
    drop(receiver);
    assert_eq!(sending.join().unwrap(), Err(Closed(2)));
}

#[test]
fn close_ends_sending_and_leaves_what_was_sent() {
    let (sender, receiver) = channel(1);
    sender.send(1).unwrap();
    let waiting = [(); 3].map(|()| {
        let sender = sender.clone();
        thread::spawn(move || sender.send(2))
    });
    thread::sleep(SHORT);
    assert!(receiver.close());
    assert!(!sender.close(), "it was closed before");
    for waiting in waiting {
        assert_eq!(waiting.join().unwrap(), Err(Closed(2)));
    }
    assert_eq!(receiver.recv(), Ok(1));
    assert_eq!(receiver.recv(), Err(Closed(())));
    assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
}

#[test]
fn each_end_stays_until_its_last_clone_goes() {
    let (sender, receiver) = channel(4);
    let (other_sender, other_receiver) = (sender.clone(), receiver.clone());
    assert!(sender.same_channel(&other_sender) && receiver.same_channel(&other_receiver));
    assert!(!sender.same_channel(&channel(4).0));
    drop((sender, receiver));
    other_sender.send(1).unwrap();
    assert_eq!(other_receiver.recv(), Ok(1));
    drop(other_sender);
    assert_eq!(other_receiver.recv(), Err(Closed(())));
}

#[test]
fn weak_ends_keep_nothing() {
    let drops = Drops::new();
    let (sender, receiver) = channel(4);
    let (weak_sender, weak_receiver) = (sender.downgrade(), receiver.downgrade());
    weak_sender.clone().upgrade().unwrap().send(drops.counted(0)).unwrap();
    assert_eq!(weak_receiver.clone().upgrade().unwrap().recv().unwrap().value, 0);
    sender.send(drops.counted(1)).unwrap();
    drop(receiver);
    assert!(weak_receiver.upgrade().is_none() && sender.is_closed());
    assert!(weak_sender.upgrade().is_some_and(|upgraded| upgraded.same_channel(&sender)));
    assert_eq!(drops.alive(), 1);
    drop(sender);
    assert!(weak_sender.upgrade().is_none());
    assert_eq!(drops.alive(), 0, "what was left went with the last strong end");
}

#[test]
fn a_queue_of_ones_own_is_taken_as_it_is() {
    let queue = Queue::with_hands(3, 1, 0);
    queue.push(1).unwrap();
    let (sender, receiver) = channel::over(queue);
    sender.send_many([2, 3]).unwrap_or_else(|_| unreachable!("there is room"));
    drop(sender);
    assert_eq!((&receiver).into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(format!("{receiver:?}").contains("closed: true"));
}

#[test]
fn a_cancelled_future_has_done_nothing() {
    let drops = Drops::new();
    let (sender, receiver) = channel(1);
    assert!(poll_once(receiver.recv_async()).is_pending());
    sender.try_send(drops.counted(0)).unwrap();
    assert!(poll_once(sender.send_async(drops.counted(1))).is_pending());
    assert_eq!((drops.dropped(), sender.len()), (1, 1));
    assert_eq!(receiver.try_recv().unwrap().value, 0);
    assert!(poll_once(receiver.recv_async()).is_pending());
    drop((sender, receiver));
    assert_eq!(drops.alive(), 0);
}

#[test]
fn a_cancelled_receive_leaves_its_wake_up_to_the_next() {
    let (sender, receiver) = channel(1);
    let mut first = Box::pin(receiver.recv_async());
    assert!(poll_once(first.as_mut()).is_pending());
    let behind = thread::spawn({
        let receiver = receiver.clone();
        move || receiver.recv_timeout(LONG)
    });
    thread::sleep(SHORT);
    sender.try_send(7).unwrap();
    thread::sleep(SHORT);
    assert!(!behind.is_finished(), "the first in the line has been woken, and does not come");
    drop(first);
    assert_eq!(behind.join().unwrap(), Ok(7));
}

#[test]
fn a_polled_receiver_keeps_its_place() {
    let (sender, mut receiver) = channel(1);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(receiver.poll_recv(cx).is_pending());
    sender.try_send(1).unwrap();
    assert_eq!(receiver.poll_recv(cx), Poll::Ready(Ok(1)));
    assert!(receiver.poll_recv(cx).is_pending());
    drop(sender);
    assert_eq!(receiver.poll_recv(cx), Poll::Ready(Err(Closed(()))));
}

#[cfg(feature = "stream")]
#[test]
fn as_a_stream() {
    use futures_util::StreamExt as _;

    let (sender, receiver) = channel(4);
    let sending = thread::spawn(move || (0..100).try_for_each(|value| sender.send(value)));
    let other = thread::spawn({
        let receiver = receiver.clone();
        move || block_on(receiver.fold(0, |sum, value| async move { sum + value }))
    });
    let sum = block_on(receiver.fold(0, |sum, value| async move { sum + value }));
    assert_eq!(sum + other.join().unwrap(), 4950);
    sending.join().unwrap().unwrap();
}

#[test]
fn no_more_is_received_than_was_asked_for() {
    let (sender, receiver) = channel(8);
    sender.try_send_many(0..8).unwrap();
    let mut values = Vec::new();
    for most in [0, 1, 3, 9] {
        let before = values.len();
        let received = receiver.try_recv_into(&mut values, most).unwrap();
        assert_eq!((received, values.len() - before), (most.min(8 - before), received), "{most}");
    }
    assert_eq!(values, (0..8).collect::<Vec<_>>());
}

#[test]
fn a_panic_in_what_the_user_gives_loses_nothing_else() {
    struct Fussy(Vec<i32>);

    impl Extend<i32> for Fussy {
        fn extend<I: IntoIterator<Item = i32>>(&mut self, values: I) {
            for value in values {
                assert!(value != 2, "a collection that panics");
                self.0.push(value);
            }
        }
    }

    let (sender, receiver) = channel(8);
    let failing = (0..9).inspect(|&value| assert!(value < 4, "an iterator that panics"));
    let sent = core::panic::AssertUnwindSafe(|| sender.try_send_many(failing).is_ok());
    catch_unwind(sent).unwrap_err();
    assert_eq!(sender.len(), 4);

    let mut fussy = Fussy(Vec::new());
    let received = core::panic::AssertUnwindSafe(|| receiver.try_recv_into(&mut fussy, 9));
    catch_unwind(received).unwrap_err();
    assert_eq!(fussy.0, [0, 1]);
    assert_eq!(receiver.try_recv(), Ok(3));
}

/// Ends are what a user spreads over threads and keeps in futures.
#[test]
fn ends_and_futures_are_send() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}

    let (sender, receiver) = channel::<core::cell::Cell<u8>>(1);
    send(&sender.send_async(core::cell::Cell::new(1)));
    send(&receiver.recv_async());
    sync(&sender);
    sync(&receiver);
    send(&(sender.downgrade(), receiver.downgrade()));
    send(&(sender, receiver));
}
