//! The rings: ours and the peers'.

use super::{Pop, PopSlice, Push, PushSlice, Ring};
use crate::case::Role;
use ring_spsc::contiguous;
use ringbuf::traits::{Consumer as _, Producer as _, Split as _};
use std::sync::{Arc, mpsc};

/// Ours, whose slots carry the synchronization.
#[derive(Debug)]
pub struct InSlot;

impl Ring for InSlot {
    const NAME: &'static str = "ring";
    const PACKAGE: Option<&'static str> = Some("ring-spsc");
    const ROLE: Role = Role::Ours;
    type Producer = ring_spsc::Producer<u64>;
    type Consumer = ring_spsc::Consumer<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        ring_spsc::ring(capacity)
    }
}

impl Push for ring_spsc::Producer<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.push(item).is_ok()
    }
}

impl Pop for ring_spsc::Consumer<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.pop()
    }
}

impl PushSlice for ring_spsc::Producer<u64> {
    #[inline]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        self.push_slice(items)
    }
}

impl PopSlice for ring_spsc::Consumer<u64> {
    #[inline]
    fn pop_slice(&mut self, items: &mut [u64]) -> usize {
        self.pop_slice(items)
    }
}

/// Ours with an index for each side, which lends out contiguous memory.
#[derive(Debug)]
pub struct Contiguous;

impl Ring for Contiguous {
    const NAME: &'static str = "contiguous::ring";
    const PACKAGE: Option<&'static str> = Some("ring-spsc");
    const ROLE: Role = Role::Ours;
    type Producer = contiguous::Producer<u64>;
    type Consumer = contiguous::Consumer<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        contiguous::ring(capacity)
    }
}

impl Push for contiguous::Producer<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.push(item).is_ok()
    }
}

impl Pop for contiguous::Consumer<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.pop()
    }
}

impl PushSlice for contiguous::Producer<u64> {
    #[inline]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        self.push_slice(items)
    }
}

impl PopSlice for contiguous::Consumer<u64> {
    #[inline]
    fn pop_slice(&mut self, items: &mut [u64]) -> usize {
        self.pop_slice(items)
    }
}

/// rtrb: an index for each side, each caching the other's.
#[derive(Debug)]
pub struct Rtrb;

impl Ring for Rtrb {
    const NAME: &'static str = "rtrb";
    const PACKAGE: Option<&'static str> = Some("rtrb");
    type Producer = rtrb::Producer<u64>;
    type Consumer = rtrb::Consumer<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        rtrb::RingBuffer::new(capacity)
    }
}

impl Push for rtrb::Producer<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.push(item).is_ok()
    }
}

impl Pop for rtrb::Consumer<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.pop().ok()
    }
}

impl PushSlice for rtrb::Producer<u64> {
    #[inline]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        self.push_partial_slice(items).0.len()
    }
}

impl PopSlice for rtrb::Consumer<u64> {
    #[inline]
    fn pop_slice(&mut self, items: &mut [u64]) -> usize {
        self.pop_partial_slice(items).0.len()
    }
}

/// ringbuf: its caching handles on a heap buffer, which its docs recommend.
#[derive(Debug)]
pub struct Ringbuf;

impl Ring for Ringbuf {
    const NAME: &'static str = "ringbuf";
    const PACKAGE: Option<&'static str> = Some("ringbuf");
    type Producer = ringbuf::HeapProd<u64>;
    type Consumer = ringbuf::HeapCons<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        ringbuf::HeapRb::new(capacity).split()
    }
}

impl Push for ringbuf::HeapProd<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.try_push(item).is_ok()
    }
}

impl Pop for ringbuf::HeapCons<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.try_pop()
    }
}

impl PushSlice for ringbuf::HeapProd<u64> {
    #[inline]
    fn push_slice(&mut self, items: &[u64]) -> usize {
        ringbuf::traits::Producer::push_slice(self, items)
    }
}

impl PopSlice for ringbuf::HeapCons<u64> {
    #[inline]
    fn pop_slice(&mut self, items: &mut [u64]) -> usize {
        ringbuf::traits::Consumer::pop_slice(self, items)
    }
}

/// nolock: a flag in each slot, as `FastForward` has it.
#[derive(Debug)]
pub struct Nolock;

impl Ring for Nolock {
    const NAME: &'static str = "nolock";
    const PACKAGE: Option<&'static str> = Some("nolock");
    type Producer = nolock::queues::spsc::bounded::BoundedSender<u64>;
    type Consumer = nolock::queues::spsc::bounded::BoundedReceiver<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let (receiver, sender) = nolock::queues::spsc::bounded::queue(capacity);
        (sender, receiver)
    }
}

impl Push for nolock::queues::spsc::bounded::BoundedSender<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.try_enqueue(item).is_ok()
    }
}

impl Pop for nolock::queues::spsc::bounded::BoundedReceiver<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.try_dequeue().ok()
    }
}

/// heapless: the capacity is a constant, and one slot stays empty. The queue is leaked, since only
/// a static one can be split between threads that do not know each other.
#[derive(Debug)]
pub struct Heapless;

impl Ring for Heapless {
    const NAME: &'static str = "heapless";
    const PACKAGE: Option<&'static str> = Some("heapless");
    type Producer = heapless::spsc::Producer<'static, u64>;
    type Consumer = heapless::spsc::Consumer<'static, u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        fn leaked<const N: usize>() -> &'static mut heapless::spsc::Queue<u64, N> {
            Box::leak(Box::new(heapless::spsc::Queue::new()))
        }
        match capacity {
            1_024 => leaked::<1_024>().split(),
            65_536 => leaked::<65_536>().split(),
            other => panic!("no heapless queue of {other} is compiled in"),
        }
    }
}

impl Push for heapless::spsc::Producer<'static, u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.enqueue(item).is_ok()
    }
}

impl Pop for heapless::spsc::Consumer<'static, u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.dequeue()
    }
}

/// crossbeam's bounded queue, which takes any number of threads on either side.
#[derive(Debug)]
pub struct ArrayQueue;

impl Ring for ArrayQueue {
    const NAME: &'static str = "ArrayQueue";
    const PACKAGE: Option<&'static str> = Some("crossbeam-queue");
    type Producer = Arc<crossbeam_queue::ArrayQueue<u64>>;
    type Consumer = Self::Producer;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let queue = Arc::new(crossbeam_queue::ArrayQueue::new(capacity));
        (Arc::clone(&queue), queue)
    }
}

impl Push for Arc<crossbeam_queue::ArrayQueue<u64>> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        crossbeam_queue::ArrayQueue::push(self, item).is_ok()
    }
}

impl Pop for Arc<crossbeam_queue::ArrayQueue<u64>> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        crossbeam_queue::ArrayQueue::pop(self)
    }
}

/// The standard library's bounded channel, tried and not waited for.
#[derive(Debug)]
pub struct SyncChannel;

impl Ring for SyncChannel {
    const NAME: &'static str = "sync_channel";
    const PACKAGE: Option<&'static str> = None;
    type Producer = mpsc::SyncSender<u64>;
    type Consumer = mpsc::Receiver<u64>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        mpsc::sync_channel(capacity)
    }
}

impl Push for mpsc::SyncSender<u64> {
    #[inline]
    fn push(&mut self, item: u64) -> bool {
        self.try_send(item).is_ok()
    }
}

impl Pop for mpsc::Receiver<u64> {
    #[inline]
    fn pop(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }
}
