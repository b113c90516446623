//! The stack beside a `Vec`.
#![no_main]

use aba_stack::Stack;
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Push(u16),
    Pop,
    PushMany(Vec<u16>),
    PopMany(u8),
    TakeAll,
    Reserve(u8),
    Clear,
}

fuzz_target!(|input: (Option<u8>, Vec<Step>)| {
    let (capacity, steps) = input;
    let mut stack = capacity.map_or_else(Stack::new, |capacity| Stack::bounded(capacity.into()));
    let most = capacity.map_or(usize::MAX, usize::from);
    let mut twin = Vec::new();
    for step in steps {
        match step {
            Step::Push(value) => {
                let fits = twin.len() < most;
                assert_eq!(stack.try_push(value).is_ok(), fits);
                twin.extend(fits.then_some(value));
            }
            Step::Pop => assert_eq!(stack.pop(), twin.pop()),
            Step::PushMany(values) => {
                let fits = values.len() <= most - twin.len();
                assert_eq!(stack.try_push_many(values.iter().copied()).is_ok(), fits);
                twin.extend(values.into_iter().filter(|_| fits));
            }
            Step::PopMany(n) => {
                let left = twin.len().saturating_sub(n.into());
                assert!(stack.pop_many(n.into()).eq(twin.drain(left..).rev()));
            }
            Step::TakeAll => assert!(stack.take_all().eq(twin.drain(..).rev())),
            Step::Reserve(n) => stack.reserve(n.into()),
            Step::Clear => {
                stack.clear();
                twin.clear();
            }
        }
        assert_eq!(stack.is_empty(), twin.is_empty());
        assert_eq!(stack.peek_mut().copied(), twin.last().copied());
        if let Some(len) = stack.len() {
            assert_eq!(len, twin.len());
        }
    }
    assert!(stack.into_iter().eq(twin.into_iter().rev()));
});
