//! Sequential behaviour, drops, panics, memory.
#![cfg(all(not(loom), feature = "alloc"))]

mod fixtures;

use core::{cell::RefCell, panic::AssertUnwindSafe};
use std::{
    panic::catch_unwind,
    sync::{Arc, Barrier},
    thread,
};

use aba_stack::{Full, Stack};
use fixtures::{NoMagazine, ShortTags, ShortTagsNoMagazine};
use testkit::drops::{Counted, Drops};

#[test]
fn last_in_is_first_out() {
    let stack = Stack::new();
    assert_eq!((stack.pop(), stack.is_empty()), (None, true));
    stack.push(1);
    stack.push_many([2, 3]);
    stack.push_many([]);
    assert!(!stack.is_empty());
    assert_eq!(
        (stack.pop(), stack.pop(), stack.pop(), stack.pop()),
        (Some(3), Some(2), Some(1), None)
    );
}

#[test]
fn all_or_many_come_in_one_step() {
    let stack: Stack<u32> = (0..10).collect();
    assert!(stack.pop_many(0).next().is_none());
    assert!(stack.pop_many(3).eq([9, 8, 7]));
    assert!(stack.take_all().eq((0..7).rev()));
    assert!(stack.take_all().next().is_none() && stack.pop_many(5).next().is_none());

    stack.push_many(0..3);
    assert!(stack.pop_many(usize::MAX).eq([2, 1, 0]));
    stack.push_many(0..3);
    let mut drain = stack.drain();
    assert_eq!(drain.next(), Some(2));
    stack.push(7);
    assert!(drain.eq([7, 1, 0]), "what is pushed meanwhile comes too");
}

#[test]
fn a_bound_is_exact_and_hands_values_back() {
    let stack = Stack::bounded(3);
    assert_eq!((stack.capacity(), stack.len()), (Some(3), Some(0)));
    stack.push_many(["a", "b"]);
    assert_eq!(stack.len(), Some(2));
    let refused = stack.try_push_many(["c", "d"]).err().map(Full::into_inner);
    assert!(refused.is_some_and(|values| values.eq(["d", "c"])));
    assert_eq!(stack.try_push("c"), Ok(()));
    assert_eq!(stack.try_push("d"), Err(Full("d")));
    assert_eq!((stack.len(), stack.pop(), stack.len()), (Some(3), Some("c"), Some(2)));
    assert!(stack.take_all().eq(["b", "a"]));
    assert_eq!(stack.len(), Some(0));
    assert!(catch_unwind(AssertUnwindSafe(|| stack.push_many(["a"; 4]))).is_err());
    assert!(stack.is_empty());

    let refused = stack.try_push_many(core::iter::repeat("z")).err().map(Full::into_inner);
    assert!(refused.is_some_and(|mut values| values.nth(1000) == Some("z")));
    assert_eq!(stack.len(), Some(0));

    let none = Stack::bounded(0);
    assert_eq!(none.try_push(1), Err(Full(1)));
    assert!(catch_unwind(AssertUnwindSafe(|| none.push(1))).is_err());
    assert_eq!((Stack::<u8>::new().len(), Stack::<u8>::new().capacity()), (None, None));
}

#[test]
fn who_has_it_alone_needs_no_locked_instruction() {
    let mut stack = Stack::bounded(3);
    assert_eq!(stack.push_mut(1), Ok(()));
    stack.extend([2, 3]);
    assert_eq!(stack.push_mut(4), Err(Full(4)));
    assert_eq!(stack.peek_mut().copied(), Some(3));
    for value in &mut stack {
        *value *= 10;
    }
    assert_eq!((stack.pop_mut(), stack.len()), (Some(30), Some(2)));
    assert!(stack.iter_mut().map(|value| *value).eq([20, 10]));
    stack.clear();
    assert_eq!((stack.pop_mut(), stack.peek_mut()), (None, None));
    stack.extend([5, 6]);
    assert!(stack.into_iter().eq([6, 5]));
}

#[test]
#[should_panic(expected = "there is no room")]
fn extending_beyond_the_bound_panics() {
    Stack::bounded(1).extend([1, 2]);
}

#[test]
#[should_panic(expected = "at most 2^28 - 1 nodes")]
fn a_bound_beyond_all_nodes_is_refused() {
    let _ = Stack::<u8>::bounded(Stack::<u8>::MAX_CAPACITY + 1);
}

#[test]
fn what_is_not_taken_out_is_dropped_once() {
    let drops = Drops::new();
    let stack = Stack::new();
    stack.push_many((0..100).map(|value| drops.counted(value)));
    drop(stack.pop());
    drop(stack.pop_many(9));
    assert_eq!(drops.alive(), 90);
    let mut taken = stack.take_all();
    assert_eq!(taken.next().map(|one| one.value), Some(89));
    stack.push(drops.counted(0));
    drop(taken);
    assert_eq!(drops.alive(), 1);
    stack.push_many((0..5).map(|value| drops.counted(value)));
    let mut rest = stack.into_iter();
    drop(rest.next());
    drop(rest);
    assert_eq!((drops.alive(), drops.dropped()), (0, 106));
}

#[test]
fn values_of_no_size_and_of_many_bytes_come_back() {
    struct Nothing;

    #[repr(align(256))]
    struct Aligned(u8);

    let drops = Drops::new();
    let stack = Stack::new();
    stack.push_many((0..1000).map(|_| Nothing));
    assert_eq!(stack.take_all().count(), 1000);
    let stack = Stack::new();
    stack.push_many((0..100_u64).map(|value| ([value; 100], drops.counted(()))));
    let values = stack.take_all().map(|(words, _)| (words[0], words[99]));
    assert!(values.eq((0..100).rev().map(|value| (value, value))));
    assert_eq!(drops.alive(), 0);

    let stack = Stack::new();
    stack.push(Aligned(7));
    assert!(stack.pop().is_some_and(|value| value.0 == 7 && (&raw const value).addr() % 256 == 0));
}

#[test]
fn an_iterator_that_panics_adds_nothing() {
    let drops = Drops::new();
    let stack = Stack::new();
    stack.push(drops.counted(0));
    let values = (1..10).map(|value| {
        assert!(value < 5, "the fifth panics");
        drops.counted(value)
    });
    assert!(catch_unwind(AssertUnwindSafe(|| stack.push_many(values))).is_err());
    assert_eq!((drops.alive(), drops.dropped()), (1, 4));
    assert_eq!(stack.pop().map(|one| one.value), Some(0));
    assert!(stack.is_empty());
    let nodes = stack.nodes();
    stack.push_many((0..5).map(|value| drops.counted(value)));
    assert_eq!(stack.nodes(), nodes, "the nodes came back");
}

#[test]
fn an_iterator_may_use_the_stack() {
    let stack = Stack::new();
    stack.push_many([1, 2, 3]);
    stack.push_many(core::iter::from_fn(|| stack.pop()));
    assert!(stack.take_all().eq([1, 2, 3]));
}

#[test]
fn a_drop_that_panics_keeps_nothing_from_being_dropped() {
    let drops = Drops::new();
    let fill = || {
        let stack = Stack::new();
        stack.push_many((0..3).map(|value| drops.counted(value)));
        stack.push(drops.panicking(3));
        stack.push(drops.counted(4));
        stack
    };
    let panics = |action: &mut dyn FnMut()| {
        assert!(catch_unwind(AssertUnwindSafe(action)).is_err());
        assert_eq!(drops.alive(), 0);
    };
    panics(&mut || drop(fill()));
    panics(&mut || fill().clear());
    panics(&mut || drop(fill().into_iter()));

    let stack = fill();
    panics(&mut || drop(stack.take_all()));
    stack.push(drops.counted(5));
    assert!(stack.take_all().map(|one| one.value).eq([5]), "it is as good as before");
}

#[test]
fn iterators_may_go_to_other_threads_and_may_be_forgotten() {
    let stack = Stack::new();
    stack.push_many(0..1000);
    let mut taken = stack.take_all();
    assert_eq!(taken.next(), Some(999));
    let sum: u32 = thread::scope(|scope| scope.spawn(|| taken.sum()).join().unwrap());
    assert_eq!(sum, (0..999).sum());
    stack.push_many(0..10);
    core::mem::forget(stack.pop_many(5));
    assert!(stack.take_all().eq((0..5).rev()));
}

/// A node is linked three times and then retired; nothing is lost or doubled, and the stack goes on.
fn outlives_its_tags(push_and_pop: impl Fn(u64) -> Option<u64>, nodes: impl Fn() -> usize) {
    for value in 0..3000 {
        assert_eq!(push_and_pop(value), Some(value));
    }
    assert!((1000..=4095).contains(&nodes()), "{} nodes", nodes());
}

#[test]
fn the_end_of_a_nodes_tags_is_the_end_of_the_node_alone() {
    let stack = Stack::<u64, ShortTags>::with_rules();
    outlives_its_tags(|value| (stack.push(value), stack.pop()).1, || stack.nodes());
    // Each time a node goes through the depot it is linked twice.
    let stack = Stack::<u64, ShortTagsNoMagazine>::bounded_with_rules(1);
    outlives_its_tags(|value| (stack.push(value), stack.pop()).1, || stack.nodes());
    let stack = Stack::<u64, ShortTagsNoMagazine>::with_rules();
    let many = |value| {
        stack.push_many([value; 3]);
        stack.pop_many(3).next()
    };
    (0..1000).for_each(|value| assert_eq!(many(value), Some(value)));
    let mut stack = Stack::<u64, ShortTags>::with_rules();
    for value in 0..1000 {
        stack.push_mut(value).unwrap();
        assert_eq!(stack.pop_mut(), Some(value));
    }
}

#[test]
fn threads_that_end_leave_their_nodes_to_the_others() {
    let stack = Arc::new(Stack::new());
    // Twenty threads at once take 31 nodes each, and end with them in their magazines.
    stack.push_many(0..20 * 31);
    let (start, end) = (Arc::new(Barrier::new(20)), Arc::new(Barrier::new(20)));
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let (stack, start, end) = (Arc::clone(&stack), Arc::clone(&start), Arc::clone(&end));
            thread::spawn(move || {
                start.wait();
                (0..31).for_each(|_| assert!(stack.pop().is_some()));
                end.wait();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(stack.is_empty());
    let nodes = stack.nodes();
    stack.push_many(0..20 * 31);
    assert_eq!(stack.nodes(), nodes);
}

#[test]
fn memory_that_is_reserved_is_used() {
    let stack = Stack::with_capacity(1000);
    let nodes = stack.nodes();
    assert!((1000..2000).contains(&nodes));
    (0..1000).for_each(|value| stack.push(value));
    assert_eq!(stack.nodes(), nodes);
    stack.reserve(0);
    assert_eq!(stack.nodes(), nodes);
    stack.reserve(1000);
    assert!((2000..4000).contains(&stack.nodes()));
    assert_eq!(Stack::<u8>::new().nodes(), 0);
    let stack = Stack::<u8>::bounded(100);
    let nodes = stack.nodes();
    stack.push_many(0..100);
    assert_eq!(stack.nodes(), nodes);
}

/// Uses a stack when its thread ends.
struct AtExit(Arc<Stack<u32>>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.0.push(1);
        self.0.push_many(2..40);
        assert!(self.0.pop_many(10).eq((30..40).rev()));
        assert_eq!(self.0.pop(), Some(29));
    }
}

#[test]
fn threads_use_it_to_their_very_end() {
    thread_local!(static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) });
    for uses_before in [false, true] {
        let stack = Arc::new(Stack::new());
        let inside = Arc::clone(&stack);
        let use_it = move || {
            let touch = || {
                inside.push(0);
                inside.pop();
            };
            // What is made first is dropped last.
            if uses_before {
                touch();
            }
            AT_EXIT.set(Some(AtExit(Arc::clone(&inside))));
            touch();
        };
        thread::spawn(use_it).join().unwrap();
        assert!(stack.take_all().eq((1..29).rev()));
    }
}

#[test]
fn it_is_shared_where_values_may_be_sent_and_tells_of_itself() {
    fn is_shared<S: Send + Sync>(_: &S) {}
    let stack = Stack::default();
    stack.push(core::cell::Cell::new(1));
    is_shared(&stack);
    assert!(format!("{stack:?}").contains("is_empty: false"));
    assert!(format!("{:?}", stack.drain()).contains("Drain"));
    assert!(format!("{:?}", stack.take_all()).contains("Taken"));
    let mut stack = Stack::<Counted, NoMagazine>::with_rules();
    assert!(format!("{:?}", stack.iter_mut()).contains("IterMut"));
    assert!(format!("{:?}", stack.into_iter()).contains("IntoIter"));
    let full = Full(1);
    assert_eq!(
        (full.to_string(), format!("{full:?}")),
        ("the stack is full".into(), "Full(..)".into())
    );
}
