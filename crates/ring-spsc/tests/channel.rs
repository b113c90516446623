//! The channel: blocking, timed, under two runtimes, cancelled and closed.
#![cfg(all(not(loom), feature = "blocking", feature = "async"))]

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use std::{panic::catch_unwind, thread, time::Instant};

use lockfree_core::wait::block_on;
use ring_spsc::channel::{
    Closed, RecvTimeoutError, SendTimeoutError, TryRecvError, TrySendError, channel,
};
use testkit::{drops::Drops, stress::scaled};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(30);

#[test]
fn without_waiting() {
    let (mut sender, mut receiver) = channel(2);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send_iter(2..), Ok(1));
    assert_eq!(sender.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!((sender.len(), receiver.len(), sender.capacity()), (2, 2, 2));
    assert!(sender.is_full() && receiver.is_full());
    assert_eq!(receiver.peek(), Some(&1));
    assert_eq!(receiver.try_recv(), Ok(1));
    drop(sender);
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn a_send_to_nobody_gives_the_value_back() {
    let (mut sender, receiver) = channel(2);
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.try_send(1), Err(TrySendError::Closed(1)));
    assert_eq!(sender.send(2), Err(Closed(2)));
    assert_eq!(sender.send_timeout(3, LONG), Err(SendTimeoutError::Closed(3)));
    assert_eq!(block_on(sender.send_async(4)).unwrap_err().into_inner(), 4);
    assert_eq!(sender.try_send_iter([5]), Err(Closed(())));
}

#[test]
fn a_limit_of_time_is_kept() {
    let (mut sender, mut receiver) = channel(1);
    let started = Instant::now();
    assert_eq!(receiver.recv_timeout(SHORT), Err(RecvTimeoutError::Timeout));
    sender.send(1).unwrap();
    assert_eq!(sender.send_timeout(2, SHORT), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(
        sender.send_deadline(2, started).unwrap_err().into_inner(),
        2,
        "a deadline in the past is an attempt"
    );
    assert!(started.elapsed() >= 2 * SHORT);
    assert_eq!(receiver.recv_deadline(started), Ok(1), "what is there is received in any case");
    drop(sender);
    assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Closed));
}

#[test]
fn a_timeout_beyond_the_end_of_time_is_none() {
    let (mut sender, mut receiver) = channel(1);
    let receiving = thread::spawn(move || receiver.recv_timeout(Duration::MAX));
    thread::sleep(SHORT);
    sender.send_timeout(7, Duration::MAX).unwrap();
    assert_eq!(receiving.join().unwrap(), Ok(7));
}

#[test]
fn parked_ends_are_woken_by_values_by_room_and_by_the_end() {
    let (mut sender, mut receiver) = channel(1);
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

    let (mut sender, receiver) = channel(1);
    sender.send(1).unwrap();
    let sending = thread::spawn(move || sender.send(2));
    thread::sleep(SHORT);
    drop(receiver);
    assert_eq!(sending.join().unwrap(), Err(Closed(2)));
}

#[test]
fn everything_arrives_in_order_however_the_ends_wait() {
    for capacity in [1, 2, 64] {
        let count = scaled(20_000);
        let (mut sender, mut receiver) = channel(capacity);
        let sending = thread::spawn(move || {
            for value in 0..count {
                if value % 2 == 0 {
                    sender.send(value).unwrap();
                } else {
                    block_on(sender.send_async(value)).unwrap();
                }
            }
        });
        let mut expected = 0;
        while expected < count {
            let mut values = Vec::new();
            match expected % 3 {
                0 => values.extend(receiver.recv()),
                1 => values.extend(block_on(receiver.recv_async())),
                _ => assert!(receiver.recv_into(&mut values, 5).is_ok_and(|some| some > 0)),
            }
            for value in values {
                assert_eq!(value, expected);
                expected += 1;
            }
        }
        sending.join().unwrap();
        assert_eq!(receiver.recv_into(&mut Vec::new(), 5), Err(Closed(())));
        assert_eq!(receiver.iter().next(), None);
    }
}

/// Polls `future` once, with a waker that does nothing.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_cancelled_future_has_done_nothing() {
    let drops = Drops::new();
    let (mut sender, mut receiver) = channel(1);
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
fn under_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let received = runtime.block_on(async {
        let (mut sender, mut receiver) = channel(4);
        let sending = tokio::spawn(async move {
            for value in 0..5000_u64 {
                sender.send_async(value).await.unwrap();
            }
        });
        let mut received = Vec::new();
        loop {
            // Cancelled over and over: nothing is lost by it.
            let timely = tokio::time::timeout(Duration::from_micros(50), receiver.recv_async());
            match timely.await {
                Ok(Ok(value)) => received.push(value),
                Ok(Err(Closed(()))) => break,
                Err(_elapsed) => {}
            }
            if received.len() % 2 == 1 {
                let _closed = receiver.recv_into_async(&mut received, 3).await;
            }
        }
        sending.await.unwrap();
        received
    });
    assert!(received.iter().copied().eq(0..5000));
}

#[cfg(feature = "stream")]
#[test]
fn as_a_stream() {
    use futures_util::StreamExt as _;

    let (mut sender, receiver) = channel(4);
    let sending = thread::spawn(move || (0..100).try_for_each(|value| sender.send(value)));
    let sum = block_on(receiver.fold(0, |sum, value| async move { sum + value }));
    assert_eq!(sum, 4950);
    sending.join().unwrap().unwrap();
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

    let (mut sender, mut receiver) = channel(8);
    let failing = (0..9).inspect(|&value| assert!(value < 4, "an iterator that panics"));
    let sent = core::panic::AssertUnwindSafe(|| sender.try_send_iter(failing));
    catch_unwind(sent).unwrap_err();
    assert_eq!(sender.len(), 4);

    let mut fussy = Fussy(Vec::new());
    let received = core::panic::AssertUnwindSafe(|| receiver.try_recv_into(&mut fussy, 9));
    catch_unwind(received).unwrap_err();
    assert_eq!(fussy.0, [0, 1]);
    assert_eq!(receiver.try_recv(), Ok(3));
}
