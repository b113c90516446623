//! The façade as it is in production.
#![cfg(not(any(loom, stepped)))]

#[path = "facade/interface.rs"]
mod interface;

use lockfree_core::sync::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed, UnsafeCell};

#[test]
fn the_common_interface() {
    interface::each_operation_does_what_its_name_says();
}

#[test]
fn its_atomics_are_cores_own() {
    let word: core::sync::atomic::AtomicUsize = AtomicUsize::new(1);
    let order: core::sync::atomic::Ordering = Relaxed;
    assert_eq!(word.load(order), 1);
}

#[test]
fn its_words_print_what_they_hold() {
    assert_eq!(format!("{:?}", AtomicU8::new(4)), "4");
}

#[test]
fn its_constructors_are_const() {
    static CELL: (AtomicU32, UnsafeCellOf7) = (AtomicU32::new(1), UnsafeCellOf7::new());
    struct UnsafeCellOf7(UnsafeCell<u32>);
    // SAFETY: it is only read.
    unsafe impl Sync for UnsafeCellOf7 {}
    impl UnsafeCellOf7 {
        const fn new() -> Self {
            Self(UnsafeCell::new(7))
        }
    }
    // SAFETY: it is only read.
    assert_eq!(CELL.1.0.with(|value| unsafe { *value }), 7);
    assert_eq!(CELL.0.load(Relaxed), 1);
}
