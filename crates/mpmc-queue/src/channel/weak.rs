//! Ends that do not keep the channel open.

use alloc::sync::{Arc, Weak};
use core::fmt;

use super::{Receiver, Sender, shared::Shared};
use crate::ring::{IndexRing, LockFreeRing};

/// A sender that does not keep the channel open, nor what is in it.
///
/// ```
/// let (sender, receiver) = mpmc_queue::channel::channel(8);
/// let weak = sender.downgrade();
/// weak.upgrade().unwrap().try_send(1).unwrap();
/// drop(sender);
/// assert!(weak.upgrade().is_none() && receiver.is_closed());
/// ```
pub struct WeakSender<T, R: IndexRing = LockFreeRing>(Weak<Shared<T, R>>);

/// A receiver that does not keep the channel open, nor what is in it.
pub struct WeakReceiver<T, R: IndexRing = LockFreeRing>(Weak<Shared<T, R>>);

impl<T, R: IndexRing> WeakSender<T, R> {
    pub(super) fn new(shared: &Arc<Shared<T, R>>) -> Self {
        Self(Arc::downgrade(shared))
    }

    /// A sender, unless all are gone. Lock-free.
    pub fn upgrade(&self) -> Option<Sender<T, R>> {
        self.0.upgrade().filter(|shared| shared.add_sender_unless_none()).map(Sender::new)
    }
}

impl<T, R: IndexRing> WeakReceiver<T, R> {
    pub(super) fn new(shared: &Arc<Shared<T, R>>) -> Self {
        Self(Arc::downgrade(shared))
    }

    /// A receiver, unless all are gone. Lock-free.
    pub fn upgrade(&self) -> Option<Receiver<T, R>> {
        self.0.upgrade().filter(|shared| shared.add_receiver_unless_none()).map(Receiver::new)
    }
}

impl<T, R: IndexRing> Clone for WeakSender<T, R> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<T, R: IndexRing> Clone for WeakReceiver<T, R> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<T, R: IndexRing> fmt::Debug for WeakSender<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T, R: IndexRing> fmt::Debug for WeakReceiver<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakReceiver").finish_non_exhaustive()
    }
}
