//! The pools that are compared.

use super::{Buffer, Pool};
use crate::case::Role;
use core::fmt;
use parking_lot::Mutex;
use refpool::Handle;
use std::sync::Arc;

/// Ours, with extra resources and borrowed handles.
#[derive(Debug)]
pub struct Ours(refpool::Pool<Buffer>);

impl Pool for Ours {
    const NAME: &'static str = "Pool";
    const PACKAGE: Option<&'static str> = Some("refpool");
    const ROLE: Role = Role::Ours;
    type Handle<'p> = refpool::Ref<'p, Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(refpool::Pool::new(resources, Buffer::make))
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.acquire()
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut Handle::get_mut(handle).expect("it has one handle").0
    }
}

/// Ours, with handles that keep the pool alive.
#[derive(Debug)]
pub struct OursOwned(refpool::Pool<Buffer>);

impl Pool for OursOwned {
    const NAME: &'static str = "Pool, owned handles";
    const PACKAGE: Option<&'static str> = Some("refpool");
    const ROLE: Role = Role::Ours;
    type Handle<'p> = refpool::Owned<Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(refpool::Pool::new(resources, Buffer::make))
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        Handle::into_owned(self.0.acquire())
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut Handle::get_mut(handle).expect("it has one handle").0
    }
}

/// Ours, with a limit that nobody reaches: a release looks whether somebody waits.
#[derive(Debug)]
pub struct OursStrict(refpool::Pool<Buffer>);

impl Pool for OursStrict {
    const NAME: &'static str = "Pool, extras bounded";
    const PACKAGE: Option<&'static str> = Some("refpool");
    const ROLE: Role = Role::Ours;
    type Handle<'p> = refpool::Ref<'p, Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(refpool::Pool::builder(resources, Buffer::make).extras(64).build())
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.acquire()
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut Handle::get_mut(handle).expect("it has one handle").0
    }
}

/// A linked list of pages with a bit for each object. It grows, and keeps all.
pub struct Linear(lockfree_object_pool::LinearObjectPool<Buffer>);

impl Pool for Linear {
    const NAME: &'static str = "lockfree-object-pool";
    const PACKAGE: Option<&'static str> = Some("lockfree-object-pool");
    type Handle<'p> = lockfree_object_pool::LinearReusable<'p, Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        let pool = lockfree_object_pool::LinearObjectPool::new(Buffer::make, |_| ());
        drop((0..resources).map(|_| pool.pull()).collect::<Vec<_>>());
        Self(pool)
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.pull()
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut handle.0
    }
}

/// An `ArrayQueue` of resources, which move in and out.
pub struct OPool(opool::Pool<Allocator, Buffer>);

/// Makes what `opool` keeps.
#[derive(Debug)]
pub struct Allocator;

impl opool::PoolAllocator<Buffer> for Allocator {
    fn allocate(&self) -> Buffer {
        Buffer::make()
    }
}

impl Pool for OPool {
    const NAME: &'static str = "opool";
    const PACKAGE: Option<&'static str> = Some("opool");
    type Handle<'p> = opool::RefGuard<'p, Allocator, Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(opool::Pool::new_prefilled(resources, Allocator))
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.get()
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut handle.0
    }
}

/// A locked vector of resources, which move in and out.
pub struct ObjectPool(object_pool::Pool<Buffer>);

impl Pool for ObjectPool {
    const NAME: &'static str = "object-pool";
    const PACKAGE: Option<&'static str> = Some("object-pool");
    type Handle<'p> = object_pool::Reusable<'p, Buffer>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(object_pool::Pool::new(resources, Buffer::make))
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.pull(Buffer::make)
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut handle.0
    }
}

/// What of a sharded slab's resource goes to another thread: the guard may not.
#[derive(Debug)]
pub struct Key(usize);

impl From<sharded_slab::pool::RefMut<'_, Buffer>> for Key {
    #[inline]
    fn from(guard: sharded_slab::pool::RefMut<'_, Buffer>) -> Self {
        Self(guard.key())
    }
}

/// Pages of slots for each thread, addressed by keys. It grows, and keeps all.
#[derive(Debug)]
pub struct Slab(sharded_slab::Pool<Buffer>);

impl Default for Buffer {
    fn default() -> Self {
        Self::make()
    }
}

impl sharded_slab::Clear for Buffer {
    fn clear(&mut self) {}
}

impl Pool for Slab {
    const NAME: &'static str = "sharded-slab";
    const PACKAGE: Option<&'static str> = Some("sharded-slab");
    type Handle<'p> = sharded_slab::pool::RefMut<'p, Buffer>;
    type Parcel<'p> = Key;

    fn with(_resources: usize) -> Self {
        Self(sharded_slab::Pool::new())
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        self.0.create().expect("it has room for millions")
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut handle.0
    }

    #[inline]
    fn release(&self, Key(key): Key) {
        self.0.clear(key);
    }
}

/// The allocator instead of a pool: an `Arc` for each use.
#[derive(Debug)]
pub struct NoPool;

impl Pool for NoPool {
    const NAME: &'static str = "Arc, no pool";
    const PACKAGE: Option<&'static str> = None;
    type Handle<'p> = Arc<[u8; 256]>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(_resources: usize) -> Self {
        Self
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        Arc::new([0; 256])
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        Arc::get_mut(handle).expect("it has one handle")
    }
}

/// The pool that everybody writes: a vector behind a lock.
#[derive(Debug)]
pub struct Locked(Mutex<Vec<Buffer>>);

/// A resource out of a [`Locked`] pool.
#[derive(Debug)]
pub struct Borrowed<'p> {
    buffer: Option<Buffer>,
    pool: &'p Locked,
}

impl Drop for Borrowed<'_> {
    #[inline]
    fn drop(&mut self) {
        self.pool.0.lock().extend(self.buffer.take());
    }
}

impl Pool for Locked {
    const NAME: &'static str = "parking_lot Mutex<Vec>";
    const PACKAGE: Option<&'static str> = Some("parking_lot");
    type Handle<'p> = Borrowed<'p>;
    type Parcel<'p> = Self::Handle<'p>;

    fn with(resources: usize) -> Self {
        Self(Mutex::new((0..resources).map(|_| Buffer::make()).collect()))
    }

    #[inline]
    fn acquire(&self) -> Self::Handle<'_> {
        let idle = self.0.lock().pop();
        Borrowed { buffer: Some(idle.unwrap_or_else(Buffer::make)), pool: self }
    }

    #[inline]
    fn bytes<'h>(handle: &'h mut Self::Handle<'_>) -> &'h mut [u8; 256] {
        &mut handle.buffer.as_mut().expect("there until the drop").0
    }
}

impl fmt::Debug for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linear").finish_non_exhaustive()
    }
}

impl fmt::Debug for OPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OPool").finish_non_exhaustive()
    }
}

impl fmt::Debug for ObjectPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectPool").finish_non_exhaustive()
    }
}
