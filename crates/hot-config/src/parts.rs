//! Parts of a configuration on their own, for models around which a whole one would order too much.

use core::ops::Deref;

use lockfree_core::sync::Arc;

use crate::{
    cell::{self, Held},
    hazard::Hazard,
    shared::Shared,
};
use core::{convert::Infallible, ptr::NonNull};

/// The cell without the line of those who wait, whose fence orders every update.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Cell<V>(cell::HazardCell<V>);

impl<V> Cell<V> {
    /// With this value.
    pub fn new(value: V) -> Self {
        Self(cell::HazardCell::new(value))
    }

    /// The value.
    pub fn load(&self) -> Lent<'_, V> {
        Lent(self.0.load())
    }

    /// As [`load`](Self::load), as if an update had been faster than its first try.
    pub fn load_by_announcing(&self) -> Lent<'_, V> {
        Lent(self.0.load_by_announcing())
    }

    /// A handle, which protects the value.
    pub fn attach(self: &std::sync::Arc<Self>) -> Attached<V> {
        let (hazard, held) = self.0.attach();
        Attached { cell: std::sync::Arc::clone(self), hazard, held }
    }

    /// Another value.
    pub fn replace(&self, value: V) {
        drop(self.exchange(value));
    }

    /// As [`replace`](Self::replace), up to the end of its guard.
    pub fn exchange(&self, value: V) -> Lent<'_, V> {
        let mut value = Some(value);
        let (old, _) = self.0.replace(|_| Ok::<_, Infallible>(value.take().expect("one attempt")));
        let Ok(old) = old;
        Lent(old)
    }

    /// As whoever has something to free, before he does.
    pub fn help(&self) {
        self.0.help();
    }

    /// As the end of a guard on an old value.
    pub fn reclaim(&self) {
        self.0.reclaim();
    }
}

/// A guard.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Lent<'c, V>(cell::Guard<'c, V>);

impl<V> Deref for Lent<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.0
    }
}

/// A handle.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Attached<V> {
    cell: std::sync::Arc<Cell<V>>,
    hazard: NonNull<Hazard>,
    held: Held<V>,
}

// SAFETY: the hazard is the handle's, and no thread's.
unsafe impl<V: Send + Sync> Send for Attached<V> {}

impl<V> Attached<V> {
    /// Protects the current value instead, as if an update had been faster than the first try. What was
    /// held is not looked at.
    pub fn renew_by_announcing(&mut self) {
        // SAFETY: of `attach`, and `&mut self` shows that nothing is lent.
        self.held = unsafe { self.cell.0.renew_by_announcing(self.hazard) };
    }
}

impl<V> Deref for Attached<V> {
    type Target = V;

    fn deref(&self) -> &V {
        // SAFETY: the cell's I2: the hazard is not changed before the drop.
        unsafe { self.held.value() }
    }
}

impl<V> Drop for Attached<V> {
    fn drop(&mut self) {
        // SAFETY: of `attach`, and nothing is lent any more.
        unsafe { self.cell.0.detach(self.hazard, &self.held) };
    }
}

/// Versions that nobody waits for.
#[allow(missing_debug_implementations, reason = "for models")]
pub struct Versions(Shared<u32>);

impl Versions {
    /// Whose first is 1.
    #[allow(clippy::new_without_default, reason = "for models")]
    pub fn new() -> Self {
        Self(Shared::new(Arc::new(1), 0))
    }

    /// The next one, of a thread that does not get to look at what it has replaced: another has taken it.
    pub fn update_and_leave(&self) {
        let next = |old: &crate::shared::Version<u32>| {
            Ok::<_, Infallible>(crate::shared::Version {
                number: old.number + 1,
                value: Arc::clone(&old.value),
                past: Box::default(),
            })
        };
        let (old, _) = self.0.versions.replace(next);
        core::mem::forget(old);
    }

    /// There will be no more.
    pub fn close(&self) {
        self.0.close();
    }

    /// The newest, if it is newer than `seen`; `Some(None)` if there will be none.
    #[allow(clippy::option_option, reason = "not yet, or never")]
    pub fn next_after(&self, seen: &mut u64) -> Option<Option<u64>> {
        self.0.next_after(seen).map(|next| next.map(|next| next.version))
    }
}
