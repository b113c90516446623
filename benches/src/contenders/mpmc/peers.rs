//! The peers. Channels are tried, not waited for.

use super::{Hand, Item, Plain, Queue, Shared, count};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};

/// crossbeam's bounded queue: a sequence number in each slot (Vyukov).
pub type ArrayQueue<T> = Plain<crossbeam_queue::ArrayQueue<T>>;

impl<T: Item> Shared<T> for crossbeam_queue::ArrayQueue<T> {
    const NAME: &'static str = "ArrayQueue";
    const PACKAGE: Option<&'static str> = Some("crossbeam-queue");

    fn queue(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.push(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.pop()
    }
}

/// crossbeam's unbounded queue: it is never full, and allocates.
pub type SegQueue<T> = Plain<crossbeam_queue::SegQueue<T>>;

impl<T: Item> Shared<T> for crossbeam_queue::SegQueue<T> {
    const NAME: &'static str = "SegQueue, unbounded";
    const PACKAGE: Option<&'static str> = Some("crossbeam-queue");

    fn queue(_: usize) -> Self {
        Self::new()
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.push(item);
        true
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.pop()
    }
}

/// smol's queue, bounded: crossbeam's idea, and it can be closed.
pub type ConcurrentQueue<T> = Plain<concurrent_queue::ConcurrentQueue<T>>;

impl<T: Item> Shared<T> for concurrent_queue::ConcurrentQueue<T> {
    const NAME: &'static str = "concurrent-queue";
    const PACKAGE: Option<&'static str> = Some("concurrent-queue");

    fn queue(capacity: usize) -> Self {
        Self::bounded(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.push(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.pop().ok()
    }

    #[inline]
    fn pop_many(&self, most: usize, each: impl FnMut(T)) -> u64 {
        count(self.try_iter().take(most), each)
    }
}

/// thingbuf: a sequence number in each slot, and items that stay in place to be used again.
pub type ThingBuf<T> = Plain<thingbuf::ThingBuf<T>>;

impl<T: Item> Shared<T> for thingbuf::ThingBuf<T> {
    const NAME: &'static str = "thingbuf";
    const PACKAGE: Option<&'static str> = Some("thingbuf");

    fn queue(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.push(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.pop()
    }
}

/// parkring's lock-free queue: two index rings (SCQ).
pub type Parkring<T> = Plain<parkring::ScqQueue<T>>;

impl<T: Item> Shared<T> for parkring::ScqQueue<T> {
    const NAME: &'static str = "parkring SCQ";
    const PACKAGE: Option<&'static str> = Some("parkring");

    fn queue(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.try_push(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.try_pop().ok()
    }
}

/// nolock's SCQ.
pub type Nolock<T> = Plain<NolockEnds<T>>;

/// Both ends of it.
#[derive(Debug)]
pub struct NolockEnds<T> {
    sender: nolock::queues::mpmc::bounded::scq::Sender<T>,
    receiver: nolock::queues::mpmc::bounded::scq::Receiver<T>,
}

impl<T: Item> Shared<T> for NolockEnds<T> {
    const NAME: &'static str = "nolock SCQ";
    const PACKAGE: Option<&'static str> = Some("nolock");

    fn queue(capacity: usize) -> Self {
        let (receiver, sender) = nolock::queues::mpmc::bounded::scq::queue(capacity);
        Self { sender, receiver }
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.sender.try_enqueue(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.receiver.try_dequeue().ok()
    }
}

/// lfqueue's SCQ.
pub type Lfqueue<T> = Plain<lfqueue::AllocBoundedQueue<T>>;

impl<T: Item> Shared<T> for lfqueue::AllocBoundedQueue<T> {
    const NAME: &'static str = "lfqueue SCQ";
    const PACKAGE: Option<&'static str> = Some("lfqueue");

    fn queue(capacity: usize) -> Self {
        Self::new(capacity)
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.enqueue(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.dequeue()
    }
}

/// kanal: a deque behind a spinning lock.
pub type Kanal<T> = Plain<KanalEnds<T>>;

/// Both ends of it.
#[derive(Debug)]
pub struct KanalEnds<T> {
    sender: kanal::Sender<T>,
    receiver: kanal::Receiver<T>,
}

impl<T: Item> Shared<T> for KanalEnds<T> {
    const NAME: &'static str = "kanal";
    const PACKAGE: Option<&'static str> = Some("kanal");

    fn queue(capacity: usize) -> Self {
        let (sender, receiver) = kanal::bounded(capacity);
        Self { sender, receiver }
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.sender.try_send(item).expect("the receiver lives as long")
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.receiver.try_recv().expect("the sender lives as long")
    }

    /// All there is: it has no other way.
    #[inline]
    fn pop_many(&self, most: usize, each: impl FnMut(T)) -> u64 {
        let mut items = Vec::with_capacity(most);
        self.receiver.drain_into(&mut items).expect("the sender lives as long");
        count(items.into_iter(), each)
    }
}

/// flume: a deque behind a lock.
pub type Flume<T> = Plain<FlumeEnds<T>>;

/// Both ends of it.
#[derive(Debug)]
pub struct FlumeEnds<T> {
    sender: flume::Sender<T>,
    receiver: flume::Receiver<T>,
}

impl<T: Item> Shared<T> for FlumeEnds<T> {
    const NAME: &'static str = "flume";
    const PACKAGE: Option<&'static str> = Some("flume");

    fn queue(capacity: usize) -> Self {
        let (sender, receiver) = flume::bounded(capacity);
        Self { sender, receiver }
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.sender.try_send(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }

    /// All there is, taken under the lock once.
    #[inline]
    fn pop_many(&self, _: usize, each: impl FnMut(T)) -> u64 {
        count(self.receiver.drain(), each)
    }
}

/// crossfire: a channel on crossbeam's bounded queue.
pub type Crossfire<T> = Plain<CrossfireEnds<T>>;

/// Both ends of it.
pub struct CrossfireEnds<T: 'static> {
    sender: crossfire::MTx<crossfire::mpmc::Array<T>>,
    receiver: crossfire::MRx<crossfire::mpmc::Array<T>>,
}

impl<T> core::fmt::Debug for CrossfireEnds<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CrossfireEnds").finish_non_exhaustive()
    }
}

impl<T: Item> Shared<T> for CrossfireEnds<T> {
    const NAME: &'static str = "crossfire";
    const PACKAGE: Option<&'static str> = Some("crossfire");

    fn queue(capacity: usize) -> Self {
        let (sender, receiver) = crossfire::mpmc::bounded_blocking(capacity);
        Self { sender, receiver }
    }

    #[inline]
    fn push(&self, item: T) -> bool {
        self.sender.try_send(item).is_ok()
    }

    #[inline]
    fn pop(&self) -> Option<T> {
        self.receiver.try_recv().ok()
    }
}

/// The standard library's bounded channel, of one consumer.
#[derive(Debug)]
pub struct SyncChannel<T> {
    sender: mpsc::SyncSender<T>,
    receiver: Mutex<mpsc::Receiver<T>>,
}

/// A thread's view of it; who pops keeps the receiver to itself from then on.
#[derive(Debug)]
pub struct SyncChannelHand<'q, T> {
    channel: &'q SyncChannel<T>,
    receiver: Option<MutexGuard<'q, mpsc::Receiver<T>>>,
}

impl<T: Item> Queue<T> for SyncChannel<T> {
    const NAME: &'static str = "sync_channel";
    const PACKAGE: Option<&'static str> = None;
    const MANY_CONSUMERS: bool = false;
    type Hand<'q> = SyncChannelHand<'q, T>;

    fn queue(capacity: usize) -> Self {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        Self { sender, receiver: Mutex::new(receiver) }
    }

    fn hand(&self) -> Self::Hand<'_> {
        SyncChannelHand { channel: self, receiver: None }
    }
}

impl<T: Item> Hand<T> for SyncChannelHand<'_, T> {
    #[inline]
    fn push(&mut self, item: T) -> bool {
        self.channel.sender.try_send(item).is_ok()
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let lock = || self.channel.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        self.receiver.get_or_insert_with(lock).try_recv().ok()
    }
}
