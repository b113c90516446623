//! Counters beside plain numbers.
#![no_main]

use arbitrary::Arbitrary;
use atomic_counter::{Counter, ShardedCounter, SignedCounter};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Increment,
    Decrement,
    Add(u64),
    Sub(u64),
    CheckedAdd(u64),
    CheckedSub(u64),
    SaturatingAdd(u64),
    SaturatingSub(u64),
    Store(u64),
    Take,
    TakeDelta,
}

fuzz_target!(|steps: Vec<Step>| {
    let (counter, signed, sharded) =
        (Counter::new(0), SignedCounter::new(0), ShardedCounter::new());
    let (mut plain, mut number, mut sum, mut baseline, mut told) = (0_u64, 0_i64, 0_u64, 0, 0_u64);
    for step in steps {
        match step {
            Step::Increment => {
                assert_eq!((counter.increment(), signed.increment()), (plain, number));
                sharded.increment();
                (plain, number) = (plain.wrapping_add(1), number.wrapping_add(1));
                sum = sum.wrapping_add(1);
            }
            Step::Decrement => {
                assert_eq!((counter.decrement(), signed.decrement()), (plain, number));
                (plain, number) = (plain.wrapping_sub(1), number.wrapping_sub(1));
            }
            Step::Add(n) => {
                let m = n.cast_signed();
                assert_eq!((counter.add(n), signed.add(m)), (plain, number));
                sharded.add(n);
                (plain, number) = (plain.wrapping_add(n), number.wrapping_add(m));
                sum = sum.wrapping_add(n);
            }
            Step::Sub(n) => {
                let m = n.cast_signed();
                assert_eq!((counter.sub(n), signed.sub(m)), (plain, number));
                (plain, number) = (plain.wrapping_sub(n), number.wrapping_sub(m));
            }
            Step::CheckedAdd(n) => {
                let m = n.cast_signed();
                assert_eq!(counter.checked_add(n).is_ok(), plain.checked_add(n).is_some());
                assert_eq!(signed.checked_add(m).is_ok(), number.checked_add(m).is_some());
                plain = plain.checked_add(n).unwrap_or(plain);
                number = number.checked_add(m).unwrap_or(number);
            }
            Step::CheckedSub(n) => {
                let m = n.cast_signed();
                assert_eq!(counter.checked_sub(n).is_ok(), plain.checked_sub(n).is_some());
                assert_eq!(signed.checked_sub(m).is_ok(), number.checked_sub(m).is_some());
                plain = plain.checked_sub(n).unwrap_or(plain);
                number = number.checked_sub(m).unwrap_or(number);
            }
            Step::SaturatingAdd(n) => {
                let m = n.cast_signed();
                assert_eq!((counter.saturating_add(n), signed.saturating_add(m)), (plain, number));
                (plain, number) = (plain.saturating_add(n), number.saturating_add(m));
            }
            Step::SaturatingSub(n) => {
                let m = n.cast_signed();
                assert_eq!((counter.saturating_sub(n), signed.saturating_sub(m)), (plain, number));
                (plain, number) = (plain.saturating_sub(n), number.saturating_sub(m));
            }
            Step::Store(n) => {
                counter.store(n);
                signed.store(n.cast_signed());
                (plain, number) = (n, n.cast_signed());
            }
            Step::Take => {
                assert_eq!((counter.take(), signed.take()), (plain, number));
                (plain, number) = (0, 0);
            }
            Step::TakeDelta => told = told.wrapping_add(sharded.take_delta(&mut baseline)),
        }
        assert_eq!((counter.load(), signed.load(), sharded.sum()), (plain, number, sum));
    }
    assert_eq!(told.wrapping_add(sharded.take_delta(&mut baseline)), sum);
});
