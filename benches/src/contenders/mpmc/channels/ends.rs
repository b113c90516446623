//! The ends of each channel.

use super::{Async, Blocking, Channel};
use crate::case::Role;
use core::marker::PhantomData;
use mpmc_queue::{
    Bounded, channel,
    ring::{IndexRing, LockFreeRing, WaitFreeRing},
};
use std::sync::mpsc;

/// `count` clones of both.
fn clones<S: Clone, R: Clone>((sender, receiver): (S, R), count: usize) -> (Vec<S>, Vec<R>) {
    (vec![sender; count], vec![receiver; count])
}

/// Ours, over this ring.
pub(super) struct Ours<R>(PhantomData<R>);

impl Channel for Ours<LockFreeRing> {
    const NAME: &'static str = "channel";
    const PACKAGE: Option<&'static str> = Some("mpmc-queue");
    const ROLE: Role = Role::Ours;
}

impl Channel for Ours<WaitFreeRing> {
    const NAME: &'static str = "wait_free_channel";
    const PACKAGE: Option<&'static str> = Some("mpmc-queue");
    const ROLE: Role = Role::Ours;
}

impl<R: IndexRing + 'static> Blocking for Ours<R>
where
    Self: Channel,
{
    type Sender = channel::Sender<u64, R>;
    type Receiver = channel::Receiver<u64, R>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(channel::over(Bounded::new(capacity)), count)
    }

    #[inline]
    fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).expect("the receivers live longer");
    }

    #[inline]
    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

impl<R: IndexRing + 'static> Async for Ours<R>
where
    Self: Channel,
{
    type Sender = channel::Sender<u64, R>;
    type Receiver = channel::Receiver<u64, R>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(channel::over(Bounded::new(capacity)), count)
    }

    #[inline]
    async fn send(sender: &Self::Sender, number: u64) {
        sender.send_async(number).await.expect("the receivers live longer");
    }

    #[inline]
    async fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv_async().await.ok()
    }
}

/// kanal.
pub(super) struct Kanal;

impl Channel for Kanal {
    const NAME: &'static str = "kanal";
    const PACKAGE: Option<&'static str> = Some("kanal");
}

impl Blocking for Kanal {
    type Sender = kanal::Sender<u64>;
    type Receiver = kanal::Receiver<u64>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(kanal::bounded(capacity), count)
    }

    #[inline]
    fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).expect("the receivers live longer");
    }

    #[inline]
    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

impl Async for Kanal {
    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(kanal::bounded_async(capacity), count)
    }

    #[inline]
    async fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).await.expect("the receivers live longer");
    }

    #[inline]
    async fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

/// flume.
pub(super) struct Flume;

impl Channel for Flume {
    const NAME: &'static str = "flume";
    const PACKAGE: Option<&'static str> = Some("flume");
}

impl Blocking for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(flume::bounded(capacity), count)
    }

    #[inline]
    fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).expect("the receivers live longer");
    }

    #[inline]
    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

impl Async for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(flume::bounded(capacity), count)
    }

    #[inline]
    async fn send(sender: &Self::Sender, number: u64) {
        sender.send_async(number).await.expect("the receivers live longer");
    }

    #[inline]
    async fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv_async().await.ok()
    }
}

/// crossfire.
pub(super) struct Crossfire;

impl Channel for Crossfire {
    const NAME: &'static str = "crossfire";
    const PACKAGE: Option<&'static str> = Some("crossfire");
}

impl Blocking for Crossfire {
    type Sender = crossfire::MTx<crossfire::mpmc::Array<u64>>;
    type Receiver = crossfire::MRx<crossfire::mpmc::Array<u64>>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(crossfire::mpmc::bounded_blocking(capacity), count)
    }

    #[inline]
    fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).expect("the receivers live longer");
    }

    #[inline]
    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}

impl Async for Crossfire {
    type Sender = crossfire::MAsyncTx<crossfire::mpmc::Array<u64>>;
    type Receiver = crossfire::MAsyncRx<crossfire::mpmc::Array<u64>>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        clones(crossfire::mpmc::bounded_async(capacity), count)
    }

    #[inline]
    async fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).await.expect("the receivers live longer");
    }

    #[inline]
    async fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

/// The standard library's, of one receiver.
pub(super) struct Std;

impl Channel for Std {
    const NAME: &'static str = "sync_channel";
    const PACKAGE: Option<&'static str> = None;
}

impl Blocking for Std {
    type Sender = mpsc::SyncSender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn ends(capacity: usize, count: usize) -> (Vec<Self::Sender>, Vec<Self::Receiver>) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (vec![sender; count], vec![receiver])
    }

    #[inline]
    fn send(sender: &Self::Sender, number: u64) {
        sender.send(number).expect("the receivers live longer");
    }

    #[inline]
    fn recv(receiver: &Self::Receiver) -> Option<u64> {
        receiver.recv().ok()
    }
}
