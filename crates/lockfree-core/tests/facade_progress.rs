//! The façade under the progress tests.
#![cfg(stepped)]

#[path = "facade/interface.rs"]
mod interface;

use core::cell::RefCell;
use std::rc::Rc;

use lockfree_core::sync::{
    Access::{Fence, Load, ReadModifyWrite, Store},
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
    fence, stepped,
};

#[test]
fn the_common_interface() {
    interface::each_operation_does_what_its_name_says();
    println!("progress façade: the common interface does what its names say");
}

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
    println!("progress façade: each access reports once, in order, with its place");
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
    println!("progress façade: a hook is of its thread and does not report itself");
}
