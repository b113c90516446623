//! References to a resource of a pool.
//!
//! # Invariants
//!
//! * H1: a handle is one reference of its slot's word, with a resource inside, and its keeper keeps
//!   the pool: so the slot and the resource live as long as the handle.

use core::{
    borrow::Borrow,
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    ptr::{self, NonNull},
};

use crate::{
    pool::Pool,
    slot::{Kind, Slot},
};

/// A handle that borrows the pool. No other handle is as cheap.
pub type Ref<'a, T> = Handle<T, &'a Pool<T>>;

/// A handle that keeps the pool alive: `'static` if `T` is. From [`Handle::into_owned`].
pub type Owned<T> = Handle<T, Pool<T>>;

/// A reference to a resource of a pool, as an `Arc` is to its value: it can be cloned, gives shared
/// access, and exclusive access while it is the only one.
///
/// When the last reference is dropped, the resource is reset and goes back to the pool; an extra
/// one is dropped. It can go back once only: the handle is gone with it.
///
/// `K` says what keeps the pool: [`Ref`] borrows it, [`Owned`] has a share in it. Methods are
/// associated functions, as those of `Arc`, so as not to hide the resource's own.
///
/// ```
/// use refpool::{Handle, Pool};
///
/// let pool = Pool::new(1, || vec![0_u8; 16]);
/// let mut first = pool.acquire();
/// Handle::get_mut(&mut first).unwrap()[0] = 7;
/// let second = first.clone();
/// assert_eq!((Handle::count(&first), second[0]), (2, 7));
/// assert!(Handle::get_mut(&mut first).is_none(), "it is shared");
/// drop(second);
/// drop(first);
/// assert_eq!(pool.stats().in_use, 0);
/// ```
///
/// It is `Send` and `Sync` where an `Arc<T>` is: if `T` is both.
///
/// ```compile_fail
/// let pool = refpool::Pool::new(1, || std::cell::Cell::new(0));
/// let handle = pool.acquire();
/// std::thread::scope(|scope| { scope.spawn(move || drop(handle)); });
/// ```
#[must_use = "a handle that is dropped gives its resource back"]
pub struct Handle<T, K: Borrow<Pool<T>>> {
    slot: NonNull<Slot<T>>,
    keeper: K,
    resource: PhantomData<T>,
}

// SAFETY: a handle lends `&T` to its thread while others lend it to theirs (Sync), and may be the
// last one, which lends `&mut T`, drops it or gives it out (Send).
unsafe impl<T: Send + Sync, K: Borrow<Pool<T>> + Send> Send for Handle<T, K> {}
// SAFETY: as above; a shared handle can be cloned, and the clone sent.
unsafe impl<T: Send + Sync, K: Borrow<Pool<T>> + Sync> Sync for Handle<T, K> {}

impl<T, K: Borrow<Pool<T>>> Handle<T, K> {
    /// The handle of a slot's owner. The slot is one of this pool's, and a resource is inside.
    #[inline]
    pub(crate) fn new(slot: NonNull<Slot<T>>, keeper: K) -> Self {
        Self { slot, keeper, resource: PhantomData }
    }

    #[inline]
    fn slot(&self) -> &Slot<T> {
        // SAFETY: H1: the handle is a reference, and the pool is kept: the slot lives.
        unsafe { self.slot.as_ref() }
    }

    /// Exclusive access, if this is the only handle of the resource. Wait-free, 1 access.
    ///
    /// What other handles did before they were dropped *happened before*.
    #[inline]
    #[must_use]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        let slot = this.slot();
        // SAFETY: I2, I3: unique, so the owner's; and no other can come from it while it is borrowed.
        if slot.is_unique() { Some(unsafe { slot.get_mut() }) } else { None }
    }

    /// Takes the resource out of the pool for good, if this is the only handle of it. Wait-free, 4 accesses
    /// (6 where others may wait), and the deallocation of an extra one.
    ///
    /// The pool makes another one in its place when it is needed.
    ///
    /// # Errors
    /// There are other handles; this one is handed back.
    pub fn detach(this: Self) -> Result<T, Self> {
        if !this.slot().is_unique() {
            return Err(this);
        }
        let (slot, keeper) = this.into_parts();
        // SAFETY: I3: unique, so the owner's, and the handle is gone.
        Ok(unsafe { keeper.borrow().shared().detach(slot) })
    }

    /// How many handles of the resource there are: a snapshot, unless it is 1.
    pub fn count(this: &Self) -> usize {
        this.slot().references()
    }

    /// Whether the resource is an extra one, which is dropped instead of going back.
    pub fn is_extra(this: &Self) -> bool {
        this.slot().kind() != Kind::Kept
    }

    /// Whether both are handles of the same resource.
    pub fn ptr_eq<J: Borrow<Pool<T>>>(this: &Self, other: &Handle<T, J>) -> bool {
        this.slot == other.slot
    }

    /// The pool that it comes from.
    pub fn pool(this: &Self) -> &Pool<T> {
        this.keeper.borrow()
    }

    /// A handle that keeps the pool alive, in place of this one. Wait-free, 1 access to a word that
    /// all owned handles share.
    pub fn into_owned(this: Self) -> Owned<T> {
        let pool = Self::pool(&this).clone();
        let (slot, _keeper) = this.into_parts();
        Handle::new(slot, pool)
    }

    fn into_parts(self) -> (NonNull<Slot<T>>, K) {
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle is not dropped, so the keeper is moved out and not doubled.
        (this.slot, unsafe { ptr::read(&raw const this.keeper) })
    }
}

/// The resource.
impl<T, K: Borrow<Pool<T>>> Deref for Handle<T, K> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: H1: the handle is a reference; I4: a resource is inside.
        unsafe { self.slot().get() }
    }
}

/// Another handle of the same resource. Wait-free, 1 access, and 1 more for an owned one.
///
/// # Panics
/// There are `usize::MAX / 2` handles of it already: they were forgotten.
impl<T, K: Borrow<Pool<T>> + Clone> Clone for Handle<T, K> {
    #[inline]
    fn clone(&self) -> Self {
        let keeper = self.keeper.clone();
        assert!(self.slot().add_reference(), "too many handles of one resource");
        Self::new(self.slot, keeper)
    }
}

/// The last one resets the resource and gives it back. Wait-free, but for `reset` and, of an extra
/// one, its `Drop` and the allocator.
impl<T, K: Borrow<Pool<T>>> Drop for Handle<T, K> {
    #[inline]
    fn drop(&mut self) {
        let slot = self.slot();
        if slot.is_unique() || Slot::<T>::leave_one(slot.word()) {
            // SAFETY: I3: the last reference, so the owner's, and the handle is gone.
            unsafe { self.keeper.borrow().shared().put_back(self.slot) };
        }
    }
}

impl<T, K: Borrow<Pool<T>>> AsRef<T> for Handle<T, K> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: fmt::Debug, K: Borrow<Pool<T>>> fmt::Debug for Handle<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display, K: Borrow<Pool<T>>> fmt::Display for Handle<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
