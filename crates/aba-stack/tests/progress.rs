//! A thread stopped anywhere blocks nobody; the steps of what is wait-free, and of an undisturbed pair.
#![cfg(all(stepped, feature = "alloc"))]

mod fixtures;

use std::sync::Arc;

use aba_stack::{
    Full, Stack,
    rules::{Rules, Sound},
};
use fixtures::{NoMagazine, SmallMagazine};
use testkit::progress::{assert_steps, steps, stop_anywhere};

const BOUND: usize = 8;

/// Fills and empties the stack, whatever the stopped thread has left undone: of its values and of those
/// that it took nobody can know.
fn goes_on<R: Rules>(stack: &Stack<u64, R>) {
    for _ in 0..3 {
        let refused = (0..100).find(|&value| stack.try_push(value).is_err());
        assert_eq!(refused.is_some(), stack.capacity().is_some());
        assert!(stack.pop().is_some());
        assert!(stack.pop_many(3).count() == 3);
        stack.push_many(0..2);
        assert!(stack.len().is_none_or(|len| len <= BOUND) && !stack.is_empty());
        assert!(stack.take_all().count() > 0);
        assert!(stack.pop().is_none());
        stack.reserve(10);
        let refused = stack.try_push_many(0..100).err().map(Full::into_inner);
        assert_eq!(refused.map(Iterator::count), stack.capacity().map(|_| 100));
        assert_eq!(stack.drain().count(), if stack.capacity().is_some() { 0 } else { 100 });
    }
}

fn stopped_anywhere<R: Rules>(name: &str) {
    type Operation<R> = fn(&Stack<u64, R>);
    let operations: [(&str, Operation<R>); 9] = [
        ("push", |stack| _ = stack.try_push(1)),
        ("push of many", |stack| _ = stack.try_push_many(1..4).is_ok()),
        ("pop", |stack| _ = stack.pop()),
        ("pop of many", |stack| _ = stack.pop_many(2).count()),
        ("take_all", |stack| _ = stack.take_all().count()),
        ("len", |stack| _ = stack.len()),
        ("is_empty", |stack| _ = stack.is_empty()),
        ("drain", |stack| _ = stack.drain().count()),
        ("nodes", |stack| _ = stack.nodes()),
    ];
    for (operation, run) in operations {
        for (filled, bound) in [(0, None), (3, Some(BOUND)), (BOUND, Some(BOUND))] {
            let setup = || {
                let stack = match bound {
                    Some(bound) => Stack::<u64, R>::bounded_with_rules(bound),
                    None => Stack::with_rules(),
                };
                // No thread that comes has to grow it, and so none looks at the slots of all that were
                // stopped before.
                stack.reserve(400);
                stack.push_many(0..filled as u64);
                let stack = Arc::new(stack);
                (Arc::clone(&stack), stack)
            };
            let stops = stop_anywhere(
                &format!("{name}, {operation} with {filled} inside, bound {bound:?}"),
                setup,
                move |stack| run(&stack),
                |stack| goes_on(&stack),
            );
            // A stack without a bound does not look.
            assert!(stops > 0 || operation == "len");
        }
    }
}

#[test]
fn a_thread_stopped_with_a_magazine_blocks_nobody() {
    stopped_anywhere::<Sound>("magazines");
}

#[test]
fn a_thread_stopped_with_a_small_magazine_blocks_nobody() {
    stopped_anywhere::<SmallMagazine>("small magazines");
}

#[test]
fn a_thread_stopped_without_a_magazine_blocks_nobody() {
    stopped_anywhere::<NoMagazine>("no magazines");
}

/// A stack that must grow, without magazines to look into.
#[test]
fn a_thread_stopped_while_the_stack_grows_blocks_nobody() {
    for operation in [
        (|stack| stack.push_many(0..8)) as fn(&Stack<u64, NoMagazine>),
        |stack| stack.reserve(100),
        |stack| (0..4).for_each(|value| stack.push(value)),
    ] {
        let stops = stop_anywhere(
            "growth",
            || {
                let stack = Arc::new(Stack::<u64, NoMagazine>::with_rules());
                (Arc::clone(&stack), stack)
            },
            move |stack| operation(&stack),
            |stack| {
                stack.push_many(0..1000);
                assert!(stack.take_all().count() >= 1000);
            },
        );
        assert!(stops > 0);
    }
}

#[test]
fn take_all_and_is_empty_take_one_step() {
    let stack = Stack::new();
    stack.push_many(0..3);
    let (all, taking) = steps(|| stack.take_all());
    assert_eq!(all.count(), 3);
    assert_steps("take_all", taking, 1);
    let (empty, asking) = steps(|| stack.is_empty());
    assert!(empty);
    assert_steps("is_empty", asking, 1);
}

/// Undisturbed, a push is three looks at tables, a look at the head, a store and an exchange; a pop is
/// the same with a load for the store. Two of them are read-modify-writes.
#[test]
fn undisturbed_steps_are_few() {
    let stack = Stack::new();
    stack.push(0);
    stack.pop();
    let ((), pushing) = steps(|| stack.push(1));
    assert_steps("push, undisturbed", pushing, 6);
    let (popped, popping) = steps(|| stack.pop());
    assert_eq!(popped, Some(1));
    assert_steps("pop, undisturbed", popping, 6);
    stack.reserve(100);
    let ((), many) = steps(|| stack.push_many(0..100));
    // For 16 of them at once it looks into the depot, and has them from the arena.
    assert_steps("push_many of 100, undisturbed", many, 100 * 6 + 7 * 60);
}
