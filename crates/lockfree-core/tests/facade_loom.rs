//! The façade under the models.
#![cfg(loom)]

#[path = "facade/interface.rs"]
mod interface;

use core::sync::atomic::AtomicUsize as Count;
use std::sync::Arc;

use lockfree_core::sync::{
    AtomicBool, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
    heavy_fence, light_fence,
};
use testkit::model::{Model, must_fail, thread};

#[test]
fn the_common_interface_under_loom() {
    Model::new("the_common_interface_under_loom", 1)
        .check(interface::each_operation_does_what_its_name_says);
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

/// What the dummy swap in the face is there for. If loom learns to explore on its own, the last
/// assertion fails, and the swap can go.
#[test]
fn it_sees_what_loom_alone_does_not() {
    let face =
        Model::new("it_sees_what_loom_alone_does_not", 60).check(one_slot_ring!(AtomicUsize));

    let raw = Arc::new(Count::new(0));
    let in_body = Arc::clone(&raw);
    let body = one_slot_ring!(loom::sync::atomic::AtomicUsize);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || {
        in_body.fetch_add(1, Relaxed);
        body();
    });
    let raw = raw.load(Relaxed);
    println!("two pushes, two pops: {face} iterations through the face, {raw} without");
    assert!(raw < face / 2, "loom alone explores {raw}");
}

/// Two threads write a word each and read the other's; the first passes `light` between the two.
fn each_writes_and_reads(light: fn()) -> impl Fn() + Send + Sync + 'static {
    move || {
        let words = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let frequent = thread::spawn({
            let words = Arc::clone(&words);
            move || {
                words[0].store(1, Relaxed);
                light();
                words[1].load(Relaxed)
            }
        });
        words[1].store(1, Relaxed);
        assert!(heavy_fence(SeqCst));
        let seen = words[0].load(Relaxed);
        assert!(seen + frequent.join().unwrap() > 0, "neither saw the other");
    }
}

#[test]
fn a_light_and_a_heavy_fence_are_a_pair() {
    Model::new("a_light_and_a_heavy_fence_are_a_pair", 5)
        .check(each_writes_and_reads(|| light_fence(SeqCst)));
}

#[test]
fn twin_with_one_fence() {
    must_fail("twin_with_one_fence", "neither saw the other", each_writes_and_reads(|| {}));
}
