//! The façade: one interface under each face, and what each face is for.

use lockfree_core::sync::{
    AtomicBool, AtomicI32, AtomicIsize, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
    UnsafeCell, fence,
};
#[cfg(target_has_atomic = "64")]
use lockfree_core::sync::{AtomicI64, AtomicU64};

/// The common interface, each method once: what compiles here compiles under all faces.
fn each_operation_does_what_its_name_says() {
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
    // SAFETY: no other access is under way.
    assert_eq!(cell.with(|value| unsafe { *value }), 2);
}

#[cfg(not(loom))]
#[test]
fn the_common_interface() {
    each_operation_does_what_its_name_says();
}

#[cfg(not(any(loom, stepped)))]
mod real {
    use super::*;

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
}

#[cfg(all(stepped, not(loom)))]
mod stepped {
    use core::cell::RefCell;
    use std::rc::Rc;

    use lockfree_core::sync::{
        Access::{Fence, Load, ReadModifyWrite, Store},
        stepped,
    };

    use super::*;

    #[test]
    fn each_access_reports_once_and_in_order() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let in_hook = Rc::clone(&seen);
        let word = AtomicUsize::new(0);
        let first_line = line!() + 2;
        stepped::install(move |step| in_hook.borrow_mut().push(step));
        word.store(1, Relaxed);
        word.load(Relaxed);
        let _ = word.compare_exchange(5, 6, Relaxed, Relaxed);
        fence(SeqCst);
        word.fetch_add(1, Relaxed);
        stepped::uninstall();
        word.load(Relaxed);

        let (kinds, lines): (Vec<_>, Vec<_>) =
            seen.borrow().iter().map(|step| (step.access, step.location.line())).unzip();
        assert_eq!(kinds, [Store, Load, ReadModifyWrite, Fence, ReadModifyWrite]);
        assert_eq!(lines, [0, 1, 2, 3, 4].map(|line| first_line + line));
        assert!(seen.borrow().iter().all(|step| step.location.file() == file!()));
    }

    #[test]
    fn a_hook_is_of_its_thread_and_does_not_report_itself() {
        let count = Rc::new(RefCell::new(0));
        let in_hook = Rc::clone(&count);
        let word = std::sync::Arc::new(AtomicUsize::new(0));
        let its_word = std::sync::Arc::clone(&word);
        stepped::install(move |_| {
            its_word.load(Relaxed);
            *in_hook.borrow_mut() += 1;
        });
        let other = std::sync::Arc::clone(&word);
        std::thread::spawn(move || other.store(1, Relaxed)).join().unwrap();
        word.load(Relaxed);
        stepped::uninstall();
        assert_eq!(*count.borrow(), 1);
    }
}

#[cfg(loom)]
mod modelled {
    use core::sync::atomic::AtomicUsize as Count;
    use std::sync::Arc;

    use testkit::model::{Model, thread};

    use super::*;

    #[test]
    fn the_common_interface_under_loom() {
        Model::new("the_common_interface_under_loom", 1)
            .check(each_operation_does_what_its_name_says);
    }

    #[test]
    fn parking_waits_for_its_token() {
        Model::new("parking_waits_for_its_token", 6).check(|| {
            let (sleeper, flag) =
                (lockfree_core::sync::thread::current(), Arc::new(AtomicBool::new(false)));
            let waker = thread::spawn({
                let flag = Arc::clone(&flag);
                move || {
                    flag.store(true, Relaxed);
                    sleeper.unpark();
                }
            });
            lockfree_core::sync::thread::park();
            assert!(flag.load(Relaxed));
            waker.join().unwrap();
        });
    }

    /// Two pushes and two pops through one slot, each side reading its own index back. Written
    /// once for both kinds of atomics.
    macro_rules! one_slot_ring {
        ($Atomic:ty) => {
            || {
                let ring = Arc::new((<$Atomic>::new(0), <$Atomic>::new(0), <$Atomic>::new(0)));
                let producer = thread::spawn({
                    let ring = Arc::clone(&ring);
                    move || {
                        for value in [1, 2] {
                            let tail = ring.1.load(Relaxed);
                            if tail == ring.0.load(Acquire) {
                                ring.2.store(value, Relaxed);
                                ring.1.store(tail + 1, Release);
                            }
                        }
                    }
                });
                let mut last = 0;
                for _ in 0..2 {
                    let head = ring.0.load(Relaxed);
                    if head != ring.1.load(Acquire) {
                        let value = ring.2.load(Relaxed);
                        assert!(value > last);
                        last = value;
                        ring.0.store(head + 1, Release);
                    }
                }
                producer.join().unwrap();
            }
        };
    }

    /// Iterations at the bound of the models.
    fn explored(body: impl Fn() + Send + Sync + 'static) -> usize {
        let count = Arc::new(Count::new(0));
        let in_body = Arc::clone(&count);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(move || {
            in_body.fetch_add(1, Relaxed);
            body();
        });
        count.load(Relaxed)
    }

    /// What the dummy swap in the face is there for. If loom learns to explore on its own, the
    /// second assertion fails, and the swap can go.
    #[test]
    fn it_sees_what_loom_alone_does_not() {
        let face = explored(one_slot_ring!(AtomicUsize));
        let raw = explored(one_slot_ring!(loom::sync::atomic::AtomicUsize));
        println!("two pushes, two pops: {face} iterations through the face, {raw} without");
        assert!(face >= 60, "the face explores {face}");
        assert!(raw < face / 2, "loom alone explores {raw}");
    }
}
