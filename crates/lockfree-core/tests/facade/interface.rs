//! The common interface of the faces.

use lockfree_core::sync::{
    AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    UnsafeCell, fence, fence_after_rmw, fences_are_light, heavy_fence, light_fence,
    light_fence_knowing,
};
#[cfg(target_has_atomic = "64")]
use lockfree_core::sync::{AtomicI64, AtomicU64};

/// The common interface, each method once: what compiles here compiles under all faces.
pub(crate) fn each_operation_does_what_its_name_says() {
    macro_rules! integers {
        ($($Atomic:ident)*) => {$({
            let word = $Atomic::new(5);
            word.store(6, Release);
            assert_eq!(word.load(Acquire), 6);
            assert_eq!(word.swap(7, AcqRel), 6);
            assert_eq!(word.compare_exchange(6, 8, AcqRel, Acquire), Err(7));
            assert_eq!(word.compare_exchange(7, 8, AcqRel, Relaxed), Ok(7));
            while word.compare_exchange_weak(8, 9, Release, Relaxed).is_err() {}
            assert_eq!(word.fetch_add(3, Relaxed), 9);
            assert_eq!(word.fetch_sub(2, Relaxed), 12);
            assert_eq!(word.fetch_and(0b0110, Relaxed), 10);
            assert_eq!(word.fetch_or(0b1000, Relaxed), 2);
            assert_eq!(word.fetch_xor(0b1111, Relaxed), 10);
            assert_eq!(word.fetch_max(9, Relaxed), 5);
            assert_eq!(word.fetch_min(4, Relaxed), 9);
            assert_eq!(word.load(Relaxed), 4);
            assert_eq!($Atomic::from(3).load(Relaxed), 3);
            assert_eq!($Atomic::default().load(Relaxed), 0);
        })*};
    }
    integers!(AtomicU8 AtomicU16 AtomicU32 AtomicUsize AtomicI32 AtomicIsize);
    #[cfg(target_has_atomic = "64")]
    integers!(AtomicU64 AtomicI64);

    let flag = AtomicBool::default();
    assert!(!flag.swap(true, AcqRel));
    assert!(flag.fetch_and(true, Relaxed));
    assert!(flag.fetch_xor(true, Relaxed));
    assert!(!flag.fetch_or(true, Relaxed));
    assert_eq!(flag.compare_exchange(false, true, AcqRel, Acquire), Err(true));

    let mut value = 1_u8;
    let pointer = AtomicPtr::<u8>::default();
    assert!(pointer.load(Relaxed).is_null());
    pointer.store(&raw mut value, Release);
    assert_eq!(pointer.swap(core::ptr::null_mut(), AcqRel), &raw mut value);

    let cell = UnsafeCell::new(1);
    // SAFETY: no other access is under way.
    cell.with_mut(|value| unsafe { *value = 2 });
    fence(SeqCst);
    fence_after_rmw(SeqCst);
    light_fence(SeqCst);
    // Nothing here closes a sandbox, so the kernel does not take back what it has agreed to.
    assert!(heavy_fence(SeqCst));
    light_fence_knowing(fences_are_light(), SeqCst);
    // SAFETY: no other access is under way.
    assert_eq!(cell.with(|value| unsafe { *value }), 2);
}
