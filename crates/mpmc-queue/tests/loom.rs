//! Every edge of the two rings, what breaking an invariant does, and the twins that fail.
#![cfg(loom)]

mod fixtures;

use std::sync::Arc;

use fixtures::Reference;

use lockfree_core::sync::{UnsafeCell, hint};
use mpmc_queue::{
    Bounded,
    ring::{IndexRing, LockFreeRing, Rules, WaitFreeRing},
};
use testkit::{
    history::{
        BoundedQueue,
        QueueOperation::{ForcePush, Pop, Push},
        Recorder, check,
    },
    model::{Model, must_fail, thread},
};

/// A wait-free ring whose every operation is a request; `BROKEN` is the invariant that a twin breaks.
struct Asking<const BROKEN: u8 = 0>;

// SAFETY: the values of a `Player` are modelled: a broken ring is seen to break.
unsafe impl<const BROKEN: u8> Rules for Asking<BROKEN> {
    const DELAY: usize = 1;
    const BROKEN: u8 = BROKEN;

    fn patience(_hand: usize) -> u32 {
        0
    }
}

/// One whose first hand asks; the others try, and look at its requests at each second place.
struct Mixed<const BROKEN: u8 = 0>;

// SAFETY: as above.
unsafe impl<const BROKEN: u8> Rules for Mixed<BROKEN> {
    const DELAY: usize = 2;
    const BROKEN: u8 = BROKEN;

    fn patience(hand: usize) -> u32 {
        if hand == 0 { 0 } else { 8 }
    }
}

type AskedRing<const BROKEN: u8 = 0> = WaitFreeRing<Asking<BROKEN>>;
type MixedRing<const BROKEN: u8 = 0> = WaitFreeRing<Mixed<BROKEN>>;

/// A ring and the values in its cells; 0 is none.
struct Board<R> {
    ring: R,
    values: Vec<UnsafeCell<u32>>,
}

/// A thread with a hand.
struct Player<R: IndexRing> {
    board: Arc<Board<R>>,
    hand: R::Hand,
}

/// A board of `capacity` with `values` inside, and `N` players.
fn players<R: IndexRing, const N: usize>(capacity: usize, values: &[u32]) -> [Player<R>; N] {
    let (ring, hands) = R::with_hands(capacity, N);
    let values_of_cells = (0..capacity + N).map(|_| UnsafeCell::new(0)).collect();
    let hands: Vec<R::Hand> = hands.collect();
    let board = Arc::new(Board { ring, values: values_of_cells });
    let mut players = hands.into_iter().map(|hand| Player { board: Arc::clone(&board), hand });
    let mut players = core::array::from_fn(|_| players.next().unwrap());
    for &value in values {
        assert!(players[0].push(value));
    }
    players
}

impl<R: IndexRing> Player<R> {
    fn exchange(&self, value: u32) -> u32 {
        // SAFETY: the cell is in the hand; if it is not, the model fails.
        self.board.values[R::cell(&self.hand)]
            .with_mut(|place| core::mem::replace(unsafe { &mut *place }, value))
    }

    fn push(&mut self, value: u32) -> bool {
        assert_eq!(self.exchange(value), 0, "a free cell has a value");
        let Self { board, hand } = self;
        let pushed = board.ring.push_next(hand) || board.ring.push(hand);
        if !pushed {
            assert_eq!(self.exchange(0), value, "a value has vanished");
        }
        pushed
    }

    fn pop(&mut self) -> Option<u32> {
        let Self { board, hand } = self;
        (board.ring.pop_next(hand) || board.ring.pop(hand)).then(|| {
            let value = self.exchange(0);
            assert_ne!(value, 0, "a full cell has no value");
            value
        })
    }

    fn force_push(&mut self, value: u32) -> Option<u32> {
        assert_eq!(self.exchange(value), 0, "a free cell has a value");
        self.board.ring.replace(&mut self.hand).then(|| {
            let value = self.exchange(0);
            assert_ne!(value, 0, "a full cell has no value");
            value
        })
    }

    fn drain(&mut self) -> Vec<u32> {
        core::iter::from_fn(|| self.pop()).collect()
    }
}

/// Three values through one slot or two, in order.
fn through<R: IndexRing + 'static>(capacity: usize, count: u32) {
    let [mut one, mut other] = players::<R, 2>(capacity, &[]);
    let pushing = thread::spawn(move || {
        for value in 1..=count {
            while !one.push(value) {
                hint::spin_loop();
            }
        }
    });
    for expected in 1..=count {
        let value = loop {
            match other.pop() {
                Some(value) => break value,
                None => hint::spin_loop(),
            }
        };
        assert_eq!(value, expected);
    }
    assert_eq!(other.pop(), None);
    pushing.join().unwrap();
}

/// Two pushes into `capacity`: as many succeed as there is room for.
fn two_pushes<R: IndexRing + 'static>(capacity: usize) {
    let [mut one, mut other] = players::<R, 2>(capacity, &[]);
    let pushing = thread::spawn(move || (one.push(1), one).0);
    let pushed = usize::from(other.push(2)) + usize::from(pushing.join().unwrap());
    assert_eq!(pushed, capacity.min(2));
    assert_eq!(other.drain().len(), pushed);
}

/// Two values, one pop each.
fn two_pops<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(2, &[1, 2]);
    let popping = thread::spawn(move || one.pop().unwrap());
    let mut popped = [other.pop().unwrap(), popping.join().unwrap()];
    popped.sort_unstable();
    assert_eq!(popped, [1, 2]);
    assert_eq!(other.pop(), None);
}

/// Two pushes against two pops.
fn pushes_and_pops<R: IndexRing + 'static>(capacity: usize) {
    let [mut one, mut other] = players::<R, 2>(capacity, &[]);
    let pushing = thread::spawn(move || (one.push(1), one.push(2)));
    let mut popped: Vec<u32> = [other.pop(), other.pop()].into_iter().flatten().collect();
    let (first, second) = pushing.join().unwrap();
    assert!(first);
    assert!(second || capacity == 1);
    popped.extend(other.drain());
    assert_eq!(popped, if second { vec![1, 2] } else { vec![1] });
}

/// Two threads that pop and then push never see it full.
fn pop_then_push<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(2, &[1, 2]);
    let play = |player: &mut Player<R>| {
        let value = player.pop().expect("the other has one at most");
        assert!(player.push(value), "there is room for what was popped");
    };
    let playing = thread::spawn(move || play(&mut one));
    play(&mut other);
    playing.join().unwrap();
    let mut left = other.drain();
    left.sort_unstable();
    assert_eq!(left, [1, 2]);
}

/// Two threads that push and then pop never see it empty.
fn push_then_pop<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(2, &[]);
    let playing = thread::spawn(move || {
        assert!(one.push(1));
        one.pop().expect("as many are inside as threads that have not popped")
    });
    assert!(other.push(2));
    let mut popped = [other.pop().expect("as above"), playing.join().unwrap()];
    popped.sort_unstable();
    assert_eq!(popped, [1, 2]);
}

/// A full ring of one: a pop, and two pushes of which at most one finds room.
fn pop_against_pushes<R: IndexRing + 'static>() {
    let [mut one, mut other, mut third] = players::<R, 3>(1, &[9]);
    let popping = thread::spawn(move || one.pop());
    let pushing = thread::spawn(move || other.push(1));
    let pushed = third.push(2);
    assert_eq!(popping.join().unwrap(), Some(9));
    let pushed = u32::from(pushed) + u32::from(pushing.join().unwrap());
    assert!(pushed <= 1);
    assert_eq!(third.drain().len(), pushed as usize);
}

/// A replacement against a pop.
fn replace_against_pop<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(1, &[1]);
    let popping = thread::spawn(move || one.pop());
    let displaced = other.force_push(2);
    let popped = popping.join().unwrap().expect("it is never empty");
    let left = other.drain();
    match displaced {
        Some(displaced) => assert_eq!((displaced, popped, left), (1, 2, vec![])),
        None => assert_eq!((popped, left), (1, vec![2])),
    }
}

/// Two replacements.
fn replace_against_replace<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(1, &[1]);
    let replacing = thread::spawn(move || one.force_push(2));
    let mut displaced = [other.force_push(3).unwrap(), replacing.join().unwrap().unwrap()];
    displaced.sort_unstable();
    let left = other.drain();
    assert!(displaced == [1, 2] && left == [3] || displaced == [1, 3] && left == [2]);
}

/// The owner asks twice. Who helped with the first request may be stopped between its answer and
/// the slot (I5).
fn asks_twice<const BROKEN: u8>() {
    let [mut asking, mut helping] = players::<MixedRing<BROKEN>, 2>(2, &[]);
    let popping = thread::spawn(move || helping.pop());
    assert!(asking.push(1));
    assert!(asking.push(2));
    let mut popped: Vec<u32> = popping.join().unwrap().into_iter().collect();
    popped.extend(asking.drain());
    assert_eq!(popped, [1, 2]);
}

/// The owner finds the ring full; then the other makes room, and binds the request to it (I4).
fn asks_a_full_ring<const BROKEN: u8>() {
    let [mut asking, mut helping] = players::<MixedRing<BROKEN>, 2>(1, &[9]);
    let popping = thread::spawn(move || {
        assert_eq!(helping.pop(), Some(9));
        helping.pop()
    });
    let pushed = asking.push(1);
    let popped = popping.join().unwrap();
    let left = asking.drain();
    match popped {
        Some(value) => assert_eq!((value, pushed, left), (1, true, vec![])),
        None => assert_eq!(left, if pushed { vec![1] } else { vec![] }),
    }
}

/// The owner finds an empty ring; then the other fills it, and binds the request to that (I4).
fn asks_an_empty_ring<const BROKEN: u8>() {
    let [mut asking, mut helping] = players::<MixedRing<BROKEN>, 2>(1, &[]);
    let pushing = thread::spawn(move || (helping.push(1), helping.push(2)));
    let popped = asking.pop();
    let (first, second) = pushing.join().unwrap();
    assert!(first);
    match popped {
        Some(value) => {
            assert_eq!((value, asking.drain()), (1, if second { vec![2] } else { vec![] }));
        }
        None => assert_eq!((second, asking.drain()), (false, vec![1])),
    }
}

/// Who is refused by another's look has seen what that one saw.
fn asks_and_is_refused_by_another() {
    let [mut asking, mut helping] = players::<MixedRing, 2>(1, &[]);
    let pushing = thread::spawn(move || (helping.push(2), helping.push(3)));
    if !asking.push(1) {
        assert_eq!(asking.pop(), Some(2), "it was full, and nobody else pops");
    }
    let (first, second) = pushing.join().unwrap();
    assert!(first || !second);
}

/// The owner finds a position; then the other takes that, and binds the request to the next (I3).
fn asks_for_a_position_that_is_taken<const BROKEN: u8>() {
    let [mut asking, mut helping] = players::<MixedRing<BROKEN>, 2>(3, &[]);
    let pushing = thread::spawn(move || {
        assert!(helping.push(2));
        helping.pop().expect("there is one at least")
    });
    assert!(asking.push(1));
    let mut got = vec![pushing.join().unwrap()];
    got.extend(asking.drain());
    got.sort_unstable();
    assert_eq!(got, [1, 2]);
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
    fn exchange_through_one_slot() [320] => through::<LockFreeRing>(1, 3);
    fn exchange_through_two_slots() [600] => through::<LockFreeRing>(2, 4);
    fn exchange_of_two_pushes() [120] => two_pushes::<LockFreeRing>(1);
    fn exchange_of_two_pops() [120] => two_pops::<LockFreeRing>();
    fn exchange_of_a_pop_and_two_pushes() [250] => pop_against_pushes::<LockFreeRing>();
    fn exchange_of_a_replacement_and_a_pop() [18] => replace_against_pop::<LockFreeRing>();
    fn exchange_of_two_replacements() [135] => replace_against_replace::<LockFreeRing>();
    fn passed_positions_are_final_to_who_pops_and_pushes() [1700] => pop_then_push::<LockFreeRing>();
    fn passed_positions_are_final_to_who_pushes_and_pops() [1250] => push_then_pop::<LockFreeRing>();
    fn request_of_two_pushes_for_one_slot() [4100] => two_pushes::<AskedRing>(1);
    fn request_of_two_pushes() [5000] => two_pushes::<AskedRing>(2);
    fn request_of_two_pops() [5000] => two_pops::<AskedRing>();
    fn request_of_a_replacement_and_a_pop() [12_000] => replace_against_pop::<AskedRing>();
    fn request_of_two_replacements() [20_000] => replace_against_replace::<AskedRing>();
    fn claim_for_an_owner_that_asks_twice() [55_000] => asks_twice::<0>();
    fn request_of_a_full_ring() [4700] => asks_a_full_ring::<0>();
    fn request_of_an_empty_ring() [1200] => asks_an_empty_ring::<0>();
    fn request_refused_by_another() [14_000] => asks_and_is_refused_by_another();
    fn final_position_that_another_has_taken() [10_000] => asks_for_a_position_that_is_taken::<0>();
}

/// The values of a whole queue travel by the same edges, and its hands by those of the thread slots
/// and handles.
fn through_a_queue<R: IndexRing + 'static>() {
    let queue = Arc::new(Bounded::<Box<u32>, R>::with_hands(1, 1, 1));
    let pushing = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            let mut handle = queue.handle().expect("there is one");
            handle.push(Box::new(1)).is_ok()
        })
    };
    let displaced = queue.force_push(Box::new(2));
    let pushed = pushing.join().unwrap();
    assert!(displaced.is_none_or(|value| pushed && *value == 1));
    assert_eq!(queue.pop().as_deref(), Some(&2));
}

/// What two threads saw of a ring, held against a queue for one thread.
fn is_linearizable<R: IndexRing + 'static>() {
    let [mut one, mut other] = players::<R, 2>(1, &[]);
    let recorder = Arc::new(Recorder::new());
    let recording = {
        let recorder = Arc::clone(&recorder);
        thread::spawn(move || {
            recorder.record(Push(1), || (!one.push(1)).then_some(1));
            recorder.record(ForcePush(2), || one.force_push(2).map(u64::from));
        })
    };
    recorder.record(Pop, || other.pop().map(u64::from));
    recorder.record(Pop, || other.pop().map(u64::from));
    recording.join().unwrap();
    recorder.record(Pop, || other.pop().map(u64::from));
    check(&BoundedQueue::new(1), recorder.take());
}

models! {
    fn exchange_of_values_in_a_lock_free_queue() [145] => through_a_queue::<LockFreeRing>();
    fn exchange_of_values_in_a_wait_free_queue() [145] => through_a_queue::<WaitFreeRing>();
    fn history_of_the_lock_free_ring() [170] => is_linearizable::<LockFreeRing>();
    fn history_of_the_wait_free_ring() [56_000] => is_linearizable::<MixedRing>();
}

/// Models that take longer than a test may: run with `ATOMWORKS_DEEP` set.
macro_rules! deep_models {
    ($(fn $name:ident() [$floor:literal] => $body:expr;)*) => {$(
        #[test]
        fn $name() {
            if std::env::var_os("ATOMWORKS_DEEP").is_some() {
                Model::new(stringify!($name), $floor).check(|| $body);
            } else {
                println!("model {}: skipped, ATOMWORKS_DEEP is not set", stringify!($name));
            }
        }
    )*};
}

deep_models! {
    fn deep_two_pushes_against_two_pops_on_one() [60_000] => pushes_and_pops::<AskedRing>(1);
    fn deep_two_pushes_against_two_pops_on_two() [39_000] => pushes_and_pops::<AskedRing>(2);
    fn deep_two_that_push_and_pop() [140_000] => push_then_pop::<AskedRing>();
    fn deep_two_that_pop_and_push() [600_000] => pop_then_push::<AskedRing>();
}

macro_rules! twins {
    ($($(#[$attribute:meta])* fn $name:ident() [$message:literal] => $body:expr;)*) => {$(
        $(#[$attribute])*
        #[test]
        fn $name() {
            must_fail(stringify!($name), $message, || $body);
        }
    )*};
}

twins! {
    /// I1.
    fn twin_a_claim_that_is_undone() ["assertion"] => two_pushes::<AskedRing<1>>(1);
    /// I2.
    fn twin_a_slot_made_final_before_the_answer() ["assertion"] => two_pushes::<AskedRing<2>>(1);
    /// I3.
    fn twin_a_request_bound_to_an_earlier_position() ["a full cell has no value"] => asks_for_a_position_that_is_taken::<3>();
    /// I4, by a request to push.
    fn twin_a_refusal_of_a_word_read_late() ["Causality violation"] => asks_a_full_ring::<4>();
    /// I4, by a request to pop.
    fn twin_a_refusal_of_a_word_read_late_by_who_pops() ["assertion"] => asks_an_empty_ring::<4>();
    /// I5.
    fn twin_an_owner_that_leaves_early() ["a full cell has no value"] => asks_twice::<5>();
    /// I6.
    fn twin_a_hand_that_keeps_what_it_gave() ["has no value"] => two_pushes::<AskedRing<6>>(1);

    /// The reference program's queue: a consumer passes a position that is claimed and not stored to.
    fn twin_the_reference_queue_doubles_a_value() ["comes out twice"] => {
        let queue = Arc::new(Reference::new(1));
        assert!(queue.push(1));
        assert_eq!(queue.pop(), Some(1));
        let pushing = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.push(2)
        });
        assert_ne!(queue.pop(), Some(1), "a value comes out twice");
        pushing.join().unwrap();
    };
    /// The same, as the checker of histories sees it.
    fn twin_the_reference_queue_is_not_linearizable() ["not linearizable"] => {
        let (queue, recorder) = (Arc::new(Reference::new(1)), Arc::new(Recorder::new()));
        let recording = thread::spawn({
            let (queue, recorder) = (Arc::clone(&queue), Arc::clone(&recorder));
            move || {
                recorder.record(Push(1), || (!queue.push(1)).then_some(1));
            }
        });
        recorder.record(Pop, || queue.pop());
        recording.join().unwrap();
        recorder.record(Pop, || queue.pop());
        check(&BoundedQueue::new(1), recorder.take());
    };
}
