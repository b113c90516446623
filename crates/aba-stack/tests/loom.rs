//! Every edge of the stack, what tags are for, and the twins that fail.
#![cfg(all(loom, feature = "alloc"))]

mod fixtures;

use std::sync::Arc;

use aba_stack::{Full, Stack, rules::Rules};
use fixtures::{NoMagazine, ShortTagsNoMagazine, SmallMagazine, Untagged};
use lockfree_core::slots;
use testkit::{
    history::{
        BoundedStack, Recorder,
        StackOperation::{Pop, PopMany, Push, TakeAll},
        check,
    },
    model::{Model, must_fail, thread},
};

type Shared<R> = Arc<Stack<u32, R>>;

/// A stack, and another reference to it. `values` are inside, the last on top.
fn pair<R: Rules>(values: impl IntoIterator<Item = u32>) -> (Shared<R>, Shared<R>) {
    let stack = Arc::new(Stack::with_rules());
    stack.push_many(values);
    (Arc::clone(&stack), stack)
}

/// The same with a bound.
fn bounded<R: Rules>(
    bound: usize,
    values: impl IntoIterator<Item = u32>,
) -> (Shared<R>, Shared<R>) {
    let stack = Arc::new(Stack::bounded_with_rules(bound));
    stack.push_many(values);
    (Arc::clone(&stack), stack)
}

/// Whether these are the numbers from 1, in any order.
fn are_all(mut values: Vec<u32>, count: u32) -> bool {
    values.sort_unstable();
    values.into_iter().eq(1..=count)
}

/// Two pushes against two pops.
fn pushes_against_pops<R: Rules>() {
    let (one, other) = pair::<R>([]);
    let pushing = thread::spawn(move || (1..=2).for_each(|value| one.push(value)));
    let mut popped: Vec<u32> = [other.pop(), other.pop()].into_iter().flatten().collect();
    pushing.join().unwrap();
    popped.extend(other.drain());
    assert!(are_all(popped, 2));
}

/// Each thread pushes and pops: the nodes go round.
fn two_that_push_and_pop<R: Rules>() {
    let (one, other) = pair::<R>([]);
    let play = |stack: &Stack<u32, R>, value| {
        stack.push(value);
        stack.pop().expect("as many are inside as threads that have not popped")
    };
    let playing = thread::spawn(move || play(&one, 1));
    let popped = vec![play(&other, 2), playing.join().unwrap()];
    assert!(are_all(popped, 2) && other.is_empty());
}

/// What fools a stack without tags: 3 on 2 on 1. One thread pops; the other takes 3 and 2 out, keeps 2
/// and puts 3 back.
fn a_head_that_comes_back<R: Rules>() {
    let (one, other) = pair::<R>([1, 2, 3]);
    let popping = thread::spawn(move || one.pop());
    let mut popped = Vec::new();
    popped.extend(other.pop());
    // Its nodes are neither in the stack nor free.
    let mut held = other.pop_many(1);
    other.push(4);
    popped.extend(popping.join().unwrap());
    popped.extend(held.by_ref());
    drop(held);
    popped.extend(other.drain().take(10));
    assert!(are_all(popped, 4), "a value is lost or doubled");
}

/// A pop takes many while the others change what lies beneath.
fn many_against_push_and_pop<R: Rules>() {
    let (one, other) = pair::<R>([1, 2, 3]);
    let taking = thread::spawn(move || one.pop_many(2).collect::<Vec<_>>());
    let mut popped: Vec<u32> = other.pop().into_iter().collect();
    other.push_many([4, 5]);
    let taken = taking.join().unwrap();
    let pieces: [&[u32]; 4] = [&[3, 2], &[2, 1], &[5, 4], &[]];
    assert!(pieces.contains(&&taken[..]), "{taken:?} is no piece of the stack");
    popped.extend(taken);
    popped.extend(other.drain());
    assert!(are_all(popped, 5));
}

/// `take_all` against two pushes: it gets what is there, in order.
fn all_against_pushes<R: Rules>() {
    let (one, other) = pair::<R>([1]);
    let pushing = thread::spawn(move || {
        one.push(2);
        one.push_many([3, 4]);
    });
    let taken: Vec<u32> = other.take_all().collect();
    let pieces: [&[u32]; 3] = [&[1], &[2, 1], &[4, 3, 2, 1]];
    assert!(pieces.contains(&&taken[..]), "{taken:?} was never all");
    pushing.join().unwrap();
    let all: Vec<u32> = taken.into_iter().chain(other.take_all()).collect();
    assert!(are_all(all, 4));
}

/// `take_all` against a pop, and what it gives back against a push.
fn all_against_pop_and_push<R: Rules>() {
    let (one, other) = pair::<R>([1, 2]);
    let popping = thread::spawn(move || {
        let popped = one.pop();
        one.push(3);
        popped
    });
    let mut all: Vec<u32> = other.take_all().collect();
    all.extend(popping.join().unwrap());
    all.extend(other.drain());
    assert!(are_all(all, 3));
}

/// One place, and two who want it.
fn two_pushes_for_one_place<R: Rules>() {
    let (one, other) = bounded::<R>(2, [1]);
    let pushing = thread::spawn(move || one.try_push(2).is_ok());
    let refused = other.try_push(3).err().map(Full::into_inner);
    let pushed = pushing.join().unwrap();
    assert_eq!((refused, pushed), if pushed { (Some(3), true) } else { (None, false) });
    assert_eq!((other.len(), other.drain().count()), (Some(2), 2));
}

/// The length is one that the stack had: 3, 2, 0, 3 again, and never 1.
fn length_against_change<R: Rules>() {
    let (one, other) = bounded::<R>(3, [1, 2, 3]);
    let changing = thread::spawn(move || {
        let _ = one.pop();
        let held = one.take_all();
        // The node that was on top comes to lie at the bottom.
        one.push_many([4, 5, 6]);
        drop(held);
    });
    let len = other.len();
    assert!([Some(0), Some(2), Some(3)].contains(&len), "{len:?} was never its length");
    changing.join().unwrap();
    assert_eq!(other.len(), Some(3));
}

/// Who pops and pushes back is not refused by a height of another stay.
fn pairs_are_not_refused<R: Rules>() {
    let (one, other) = bounded::<R>(2, [1, 2]);
    let play = |stack: &Stack<u32, R>| {
        let value = stack.pop().expect("the other has one at most");
        assert!(stack.try_push(value).is_ok(), "there is room for what was popped");
    };
    let playing = thread::spawn(move || play(&one));
    play(&other);
    playing.join().unwrap();
    assert!(are_all(other.drain().collect(), 2));
}

/// A push has written a height that it would have, were it done: who reads that is not refused by it.
fn a_height_that_is_only_laid<R: Rules>() {
    let (one, other) = bounded::<R>(2, [1]);
    let pushing = thread::spawn(move || {
        let held = one.pop_many(1);
        let _ = one.try_push(2);
        // The node that was on top comes to lie higher.
        drop(held);
        let _ = one.try_push(3);
    });
    let is_refused = other.try_push(4).is_err();
    let count = other.take_all().count();
    assert!(!is_refused || count == 2, "refused, and there was room");
    pushing.join().unwrap();
}

/// What two threads saw, held against a stack for one thread.
fn is_linearizable<R: Rules>() {
    let (one, other) = bounded::<R>(2, []);
    let recorder = Arc::new(Recorder::new());
    let recording = {
        let recorder = Arc::clone(&recorder);
        thread::spawn(move || {
            recorder.record(Push(vec![1]), || refused(&one, [1]));
            recorder.record(PopMany(2), || one.pop_many(2).collect());
        })
    };
    recorder.record(Push(vec![2, 3]), || refused(&other, [2, 3]));
    recorder.record(Pop, || other.pop().into_iter().collect());
    recording.join().unwrap();
    recorder.record(TakeAll, || other.take_all().collect());
    check(&BoundedStack::new(2), recorder.take());
}

fn refused<R: Rules, const N: usize>(stack: &Stack<u32, R>, values: [u32; N]) -> Vec<u32> {
    stack.try_push_many(values).err().into_iter().flat_map(Full::into_inner).collect()
}

/// The node of a thread that ends goes to who needs it.
fn a_thread_ends<R: Rules>() {
    let (one, other) = pair::<R>([1]);
    let ending = thread::spawn(move || one.pop());
    other.push_many([2, 3, 4]);
    let mut popped: Vec<u32> = ending.join().unwrap().into_iter().collect();
    other.push_many([5, 6, 7, 8]);
    popped.extend(other.drain());
    assert!(are_all(popped, 8));
}

/// Threads beside each other until one has no slot, and so no magazine.
fn use_deeper<R: Rules>(stack: &Shared<R>, depth: usize) {
    let has_slot = slots::with(|slot| slot.is_some());
    assert_eq!(has_slot, depth < slots::CAPACITY);
    stack.push_many([1, 2]);
    assert_eq!(stack.pop(), Some(2));
    if has_slot {
        let stack = Arc::clone(stack);
        thread::spawn(move || use_deeper(&stack, depth + 1)).join().unwrap();
    } else {
        assert_eq!(stack.pop_many(2).count(), 2);
    }
}

fn threads_without_a_slot<R: Rules>() {
    let (stack, _) = pair::<R>([]);
    use_deeper(&stack, 0);
    assert_eq!(stack.take_all().count(), slots::CAPACITY - 1);
}

macro_rules! models {
    ($(fn $name:ident() [$floor:literal] => $body:expr;)*) => {$(
        #[test]
        fn $name() {
            Model::new(stringify!($name), $floor).check(|| $body);
        }
    )*};
}

models! {
    fn link_shows_the_value_to_a_pop() [41] => pushes_against_pops::<NoMagazine>();
    fn link_shows_the_values_to_take_all() [112] => all_against_pushes::<NoMagazine>();
    fn link_gives_nodes_back_through_the_depot() [1700] => two_that_push_and_pop::<NoMagazine>();
    fn link_gives_nodes_back_through_magazines() [12_400] => two_that_push_and_pop::<SmallMagazine>();
    fn link_shows_the_height_to_a_push() [232] => two_pushes_for_one_place::<NoMagazine>();
    fn height_of_a_later_stay_is_not_taken_for_this_one() [658] => length_against_change::<NoMagazine>();
    fn height_of_another_stay_refuses_nobody() [2100] => pairs_are_not_refused::<NoMagazine>();
    fn height_that_is_only_laid_refuses_nobody() [3900] => a_height_that_is_only_laid::<NoMagazine>();
    fn tags_tell_a_head_that_comes_back() [1600] => a_head_that_comes_back::<NoMagazine>();
    fn tags_that_end_tell_it_too() [1600] => a_head_that_comes_back::<ShortTagsNoMagazine>();
    fn many_are_a_piece_of_the_stack() [1700] => many_against_push_and_pop::<NoMagazine>();
    fn all_are_taken_from_a_pop_or_by_it() [367] => all_against_pop_and_push::<NoMagazine>();
    fn history_of_a_bounded_stack() [7300] => is_linearizable::<NoMagazine>();
    fn threads_without_a_slot_use_the_depot() [60] => threads_without_a_slot::<SmallMagazine>();
    fn nodes_of_an_ended_thread_are_found() [813] => a_thread_ends::<SmallMagazine>();
}

/// Three threads, each of which pushes and pops.
fn three_that_push_and_pop<R: Rules>() {
    let stack = Arc::new(Stack::<u32, R>::with_rules());
    let play = |stack: &Stack<u32, R>, value| {
        stack.push(value);
        stack.pop().expect("as many are inside as threads that have not popped")
    };
    let playing = [1, 2].map(|value| {
        let stack = Arc::clone(&stack);
        thread::spawn(move || play(&stack, value))
    });
    let mut popped = vec![play(&stack, 3)];
    popped.extend(playing.map(|playing| playing.join().unwrap()));
    assert!(are_all(popped, 3) && stack.is_empty());
}

/// Models that take longer than a test may: run with `ATOMWORKS_DEEP` set.
macro_rules! deep_models {
    ($(fn $name:ident() [$floor:literal, $preemptions:literal] => $body:expr;)*) => {$(
        #[test]
        fn $name() {
            if std::env::var_os("ATOMWORKS_DEEP").is_some() {
                Model::new(stringify!($name), $floor).preemptions($preemptions).check(|| $body);
            } else {
                println!("model {}: skipped, ATOMWORKS_DEEP is not set", stringify!($name));
            }
        }
    )*};
}

deep_models! {
    fn deep_three_that_push_and_pop() [60_000, 1] => three_that_push_and_pop::<NoMagazine>();
    fn deep_tags_tell_a_head_that_comes_back() [12_800, 3] => a_head_that_comes_back::<NoMagazine>();
    fn deep_many_are_a_piece_of_the_stack() [14_800, 3] => many_against_push_and_pop::<NoMagazine>();
    fn deep_history_of_a_bounded_stack() [140_000, 3] => is_linearizable::<NoMagazine>();
}

/// The same stack without tags: a node gets into two hands, one of which writes it.
#[test]
fn twin_without_tags_doubles_a_value() {
    must_fail("twin_without_tags_doubles_a_value", "Causality violation", || {
        a_head_that_comes_back::<Untagged>();
    });
}
