//! The stack against `Vec`, over random sequences of operations.
#![cfg(all(not(loom), feature = "alloc"))]

mod fixtures;

use aba_stack::{
    Full, Stack,
    rules::{Rules, Sound},
};
use fixtures::{NoMagazine, ShortTags, SmallMagazine};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};

#[derive(Clone, Debug)]
enum Operation {
    Push,
    PushMut,
    Pop,
    PopMut,
    PushMany(usize),
    PopMany(usize),
    TakeAll,
    Drain(usize),
    Change,
    Reserve(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation::*;
    let operation = prop_oneof![
        6 => Just(Push),
        2 => Just(PushMut),
        6 => Just(Pop),
        2 => Just(PopMut),
        2 => (0..50_usize).prop_map(PushMany),
        2 => (0..50_usize).prop_map(PopMany),
        1 => Just(TakeAll),
        1 => (0..10_usize).prop_map(Drain),
        1 => Just(Change),
        1 => (0..100_usize).prop_map(Reserve),
    ];
    vec(operation, 0..200)
}

fn is_a_vec<R: Rules>(bound: Option<usize>, operations: Vec<Operation>) -> TestCaseResult {
    let mut stack = match bound {
        Some(bound) => Stack::<usize, R>::bounded_with_rules(bound),
        None => Stack::with_rules(),
    };
    let (mut twin, mut next) = (Vec::new(), 0);
    let room = |twin: &Vec<usize>| bound.map_or(usize::MAX, |bound| bound - twin.len());
    for operation in operations {
        match operation {
            Operation::Push | Operation::PushMut => {
                let pushed = match operation {
                    Operation::Push => stack.try_push(next),
                    _ => stack.push_mut(next),
                };
                if room(&twin) > 0 {
                    prop_assert_eq!(pushed, Ok(()));
                    twin.push(next);
                } else {
                    prop_assert_eq!(pushed, Err(Full(next)));
                }
                next += 1;
            }
            Operation::Pop => prop_assert_eq!(stack.pop(), twin.pop()),
            Operation::PopMut => prop_assert_eq!(stack.pop_mut(), twin.pop()),
            Operation::PushMany(count) => {
                let refused = stack.try_push_many(next..next + count).err().map(Full::into_inner);
                if count <= room(&twin) {
                    prop_assert!(refused.is_none());
                    twin.extend(next..next + count);
                } else {
                    // What was asked for, the last first; then the rest.
                    let asked = next + count.min(bound.unwrap_or(usize::MAX));
                    let expected = (next..asked).rev().chain(asked..next + count);
                    prop_assert!(refused.unwrap().eq(expected));
                }
                next += count;
            }
            Operation::PopMany(count) => {
                let popped: Vec<usize> = stack.pop_many(count).collect();
                let left = twin.len().saturating_sub(count);
                prop_assert!(popped.into_iter().eq(twin.drain(left..).rev()));
            }
            Operation::TakeAll => prop_assert!(stack.take_all().eq(twin.drain(..).rev())),
            Operation::Drain(count) => {
                let drained: Vec<usize> = stack.drain().take(count).collect();
                let left = twin.len().saturating_sub(count);
                prop_assert!(drained.into_iter().eq(twin.drain(left..).rev()));
            }
            Operation::Change => {
                for value in stack.iter_mut().chain(&mut twin) {
                    *value += 1;
                }
                prop_assert_eq!(stack.peek_mut(), twin.last_mut());
            }
            Operation::Reserve(additional) => stack.reserve(additional),
        }
        prop_assert_eq!(stack.is_empty(), twin.is_empty());
        prop_assert_eq!(stack.len(), bound.map(|_| twin.len()));
    }
    prop_assert!(stack.into_iter().eq(twin.into_iter().rev()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn without_a_bound(operations in operations()) {
        is_a_vec::<Sound>(None, operations)?;
    }

    #[test]
    fn with_a_bound(bound in 0..60_usize, operations in operations()) {
        is_a_vec::<Sound>(Some(bound), operations)?;
    }

    #[test]
    fn with_tags_that_end_soon(bound in 0..60_usize, operations in operations()) {
        is_a_vec::<ShortTags>(Some(bound), operations)?;
    }

    #[test]
    fn with_small_magazines(operations in operations()) {
        is_a_vec::<SmallMagazine>(None, operations)?;
    }

    #[test]
    fn without_magazines(bound in 0..60_usize, operations in operations()) {
        is_a_vec::<NoMagazine>(Some(bound), operations)?;
    }
}
