//! The edges of the table, its moves and its reclamation, and what two threads may see of a cache.
//!
//! Under the models a bucket has two slots, the smallest table one bucket, and a batch of garbage is
//! two: so three entries make a table move, and two removals are a batch. Each entry and each table
//! has a witness: to look at one that was not seen made, or that was freed, is a failure.
#![cfg(loom)]

use core::sync::atomic::{
    AtomicUsize,
    Ordering::{Acquire, Relaxed},
};
use std::sync::Arc;

use testkit::{
    drops::Drops,
    model::{Model, must_fail, thread},
};
use ttl_cache::{
    Cache, Loaded,
    parts::{Numbers as Pile, Rows, Shelf},
};

type Numbers = Cache<u32, u32, Plain>;

/// The key is its hash.
#[derive(Clone, Debug, Default)]
struct Plain(u64);

impl core::hash::BuildHasher for Plain {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl core::hash::Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers")
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = number.into();
    }
}

/// A cache with these keys, each with its own number times ten.
fn with(keys: &[u32]) -> Numbers {
    let cache = Cache::builder().hasher(Plain(0)).build();
    for &key in keys {
        cache.set(key, key * 10);
    }
    cache
}

/// Runs `one` on a thread of its own and `other` on this; the cache afterwards.
fn both(
    keys: &[u32],
    one: impl FnOnce(&Numbers) + Send + 'static,
    other: impl FnOnce(&Numbers),
) -> Numbers {
    let cache = with(keys);
    let theirs = cache.clone();
    let running = thread::spawn(move || one(&theirs));
    other(&cache);
    running.join().unwrap();
    cache
}

fn entries(cache: &Numbers) -> Vec<(u32, u32)> {
    let mut entries: Vec<_> = cache.iter().map(|entry| (*entry.key(), *entry)).collect();
    entries.sort_unstable();
    entries
}

macro_rules! models {
    ($(fn $name:ident() [$floor:literal $(, $bound:literal)?] => $body:expr;)*) => {$(
        #[test]
        fn $name() {
            Model::new(stringify!($name), $floor)$(.preemptions($bound))?.check(|| $body);
        }
    )*};
}

/// One sets, the other gets.
fn set_and_get() {
    both(
        &[],
        |cache| cache.set(1, 10),
        |cache| assert!(cache.get(&1).is_none_or(|value| value == 10)),
    );
}

/// One replaces a value three times, which fills a batch; the other looks at it.
fn replace_and_get() {
    let cache = both(
        &[1],
        |cache| (11..14).for_each(|value| cache.set(1, value)),
        |cache| assert!((10..14).contains(&cache.get(&1).unwrap())),
    );
    assert_eq!(entries(&cache), [(1, 13)]);
}

/// One has its first session, whose record the other may not know of.
fn replace_and_get_first() {
    both(
        &[1],
        |cache| assert!((10..14).contains(&cache.get(&1).unwrap())),
        |cache| (11..14).for_each(|value| cache.set(1, value)),
    );
}

/// One looks and is done, twice; the other replaces.
fn get_twice_and_replace() {
    both(
        &[1],
        |cache| (11..13).for_each(|value| cache.set(1, value)),
        |cache| {
            let first = cache.get(&1).unwrap();
            assert!(cache.get(&1).unwrap() >= first);
        },
    );
}

/// Both replace the same value.
fn replace_and_replace() {
    let cache = both(&[1], |cache| cache.set(1, 11), |cache| cache.set(1, 12));
    assert_eq!(cache.len(), 1);
    assert!(matches!(entries(&cache)[..], [(1, 11 | 12)]));
}

/// Two lay numbers down, one of them takes what is there.
fn lay_and_take() {
    let pile = Arc::new(Pile::new());
    let theirs = Arc::clone(&pile);
    let laying = thread::spawn(move || (1..3).for_each(|number| theirs.lay(number)));
    pile.lay(3);
    let mut taken = pile.take();
    laying.join().unwrap();
    taken.extend(pile.take());
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
}

/// One reads, the other replaces.
fn read_and_replace(reads: u32, replaces: u32) {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || {
        let read: Vec<u32> = (0..reads).map(|_| theirs.read()).collect();
        assert!(read.is_sorted());
    });
    (1..=replaces).for_each(|number| shelf.replace(number));
    reading.join().unwrap();
    assert_eq!(shelf.read(), replaces);
}

/// One replaces, whose bag the other empties.
fn replace_and_collect() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let replacing = thread::spawn(move || theirs.replace(1));
    shelf.collect();
    shelf.collect();
    replacing.join().unwrap();
    assert_eq!(shelf.read(), 1);
}

/// A shelf, and a thread number on which there was a session before.
fn used_shelf() -> Arc<Shelf> {
    let shelf = Arc::new(Shelf::new(0));
    assert_eq!(shelf.read(), 0);
    let theirs = Arc::clone(&shelf);
    thread::spawn(move || assert_eq!(theirs.read(), 0)).join().unwrap();
    shelf
}

/// One has a session, and not his first; the other replaces and frees.
fn read_again_and_replace() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace(1);
    shelf.collect();
    assert!(reading.join().unwrap() <= 1);
}

/// As above, with eras that go on while the session begins.
fn read_again_and_replace_more() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace(1);
    shelf.collect();
    shelf.replace(2);
    shelf.replace(3);
    assert!(reading.join().unwrap() <= 3);
}

/// Both move a table of two groups; who has seen it moved finds all that is in it.
fn move_and_move() {
    let rows = Arc::new(Rows::new(2));
    rows.begin_move_and_stop(2);
    let theirs = Arc::clone(&rows);
    let moving = thread::spawn(move || {
        theirs.advance(1);
        assert!(theirs.has(0));
    });
    rows.advance(1);
    moving.join().unwrap();
}

/// One begins to move a table; the other comes upon it.
fn begin_and_find() {
    let rows = Arc::new(Rows::new(1));
    let theirs = Arc::clone(&rows);
    let moving = thread::spawn(move || {
        theirs.begin_move(1);
        theirs.advance(1)
    });
    assert!(rows.has(0));
    assert!(moving.join().unwrap());
}

/// Both replace, and each frees what the other has retired.
fn replace_both() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let replacing = thread::spawn(move || (1..3).for_each(|number| theirs.replace(number)));
    (3..5).for_each(|number| shelf.replace(number));
    replacing.join().unwrap();
    assert!(matches!(shelf.read(), 2 | 4));
}

/// Both put in a value for one key.
fn put_in_and_put_in() {
    let cache = both(&[], |cache| cache.set(1, 11), |cache| cache.set(1, 12));
    assert_eq!(cache.len(), 1);
    assert!(matches!(entries(&cache)[..], [(1, 11 | 12)]));
}

/// Both put in keys of their own: the table moves, or gets a bucket more.
fn put_in_others(before: &[u32]) {
    let cache = both(before, |cache| cache.set(2, 20), |cache| cache.set(3, 30));
    let expected: Vec<_> = before.iter().chain(&[2, 3]).map(|key| (*key, key * 10)).collect();
    assert_eq!(entries(&cache), expected);
}

/// One makes the table move; what is in it is found all the while.
fn move_and_get() {
    both(
        &[1],
        |cache| {
            cache.set(2, 20);
            cache.set(3, 30);
        },
        |cache| assert_eq!(cache.get(&1), Some(10)),
    );
}

/// One makes the table move; the other removes a key from it, for good.
fn move_and_remove() {
    let cache = both(
        &[1],
        |cache| {
            cache.set(2, 20);
            cache.set(3, 30);
        },
        |cache| assert_eq!(cache.remove(&1).as_deref(), Some(&10)),
    );
    assert_eq!(entries(&cache), [(2, 20), (3, 30)]);
}

/// One makes the table move; the other replaces a value.
fn move_and_replace() {
    let cache = both(
        &[1],
        |cache| {
            cache.set(2, 20);
            cache.set(3, 30);
        },
        |cache| cache.set(1, 11),
    );
    assert_eq!(entries(&cache), [(1, 11), (2, 20), (3, 30)]);
}

/// One removes what the other has found.
fn remove_and_remove() {
    let drops = Drops::new();
    let cache = Cache::builder().build();
    cache.set(1_u32, drops.counted(()));
    let theirs = cache.clone();
    let removing = thread::spawn(move || theirs.remove(&1).is_some());
    let ours = cache.remove(&1).is_some();
    assert!(ours ^ removing.join().unwrap(), "one of them has removed it");
    drop(cache);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

/// A reference on each thread, and the cache's.
fn references() {
    let drops = Drops::new();
    let cache = Cache::builder().build();
    cache.set(1_u32, drops.counted(7));
    let entry = cache.get_ref(&1).unwrap();
    let reading = thread::spawn(move || assert_eq!(entry.value, 7));
    let entry = cache.get_ref(&1).unwrap();
    drop(cache);
    assert_eq!(entry.value, 7);
    drop(entry);
    reading.join().unwrap();
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

/// One leaves garbage in its bag; the other empties it.
fn retire_and_maintain() {
    let drops = Drops::new();
    let cache = Cache::builder().build();
    cache.set(1_u32, drops.counted(()));
    let theirs = cache.clone();
    let removing = thread::spawn(move || drop(theirs.remove(&1)));
    cache.maintain();
    removing.join().unwrap();
    drop(cache);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));
}

/// One lays a batch down that the other takes up with its own.
fn batches_of_two() {
    let cache = both(
        &[1],
        |cache| (1..3).for_each(|value| cache.set(1, value)),
        |cache| (3..5).for_each(|value| cache.set(1, value)),
    );
    assert_eq!(cache.len(), 1);
}

/// Two ask for one key, which is loaded once.
fn load_and_load(fails: bool) {
    let loads = Arc::new(AtomicUsize::new(0));
    let cache = with(&[]);
    let ask = {
        let loads = Arc::clone(&loads);
        move |cache: &Numbers| {
            cache.try_get_or_insert_with(1, || match loads.fetch_add(1, Relaxed) {
                0 if fails => Err(()),
                _ => Ok(Loaded::new(10)),
            })
        }
    };
    let (theirs, asks) = (cache.clone(), ask.clone());
    let asking = thread::spawn(move || asks(&theirs));
    let got = [ask(&cache), asking.join().unwrap()];
    let failed = got.iter().filter(|got| got.is_err()).count();
    assert_eq!((failed, loads.load(Relaxed)), (usize::from(fails), 1 + usize::from(fails)));
    assert!(got.iter().all(|got| got.is_err() || *got == Ok(10)));
}

models! {
    fn publish_shows_a_whole_entry() [290] => set_and_get();
    fn publish_shows_a_whole_bucket() [6200] => put_in_others(&[]);
    fn publish_shows_a_whole_table() [5400, 1] => put_in_others(&[1]);
    fn seal_shows_what_is_out_of_reach() [1500] => replace_and_get();
    fn announce_keeps_what_is_read() [2200] => replace_and_get_first();
    fn first_session_is_seen_or_sees() [80, 1] => replace_and_get_first();
    fn leave_lets_go_of_what_was_read() [4000] => get_twice_and_replace();
    fn looked_at_too_early_shows_what_is_out_of_reach() [90, 1] => get_twice_and_replace();
    fn freeze_leads_to_the_next_table() [2300] => move_and_get();
    fn moved_group_is_whole() [6000] => move_and_remove();
    fn a_move_loses_no_replacement() [6200] => move_and_replace();
    fn last_reference_drops_after_all_reads() [19] => references();
    fn bag_is_taken_with_all_that_is_in_it() [1600, 1] => retire_and_maintain();
    fn pile_shows_what_was_laid_down() [1500, 1] => batches_of_two();
    fn pile_of_two() [85] => lay_and_take();
    fn seal_on_a_shelf() [850] => read_and_replace(1, 2);
    fn leave_on_a_shelf() [1750] => read_and_replace(2, 2);
    fn seal_after_a_session() [890] => read_again_and_replace();
    fn looks_again_at_the_era() [5400] => read_again_and_replace_more();
    fn found_groups_are_whole() [250, 1] => move_and_move();
    fn freeze_by_who_begins() [450] => begin_and_find();
    fn bag_on_a_shelf() [300] => replace_and_collect();
    fn pile_of_a_shelf() [16_000] => replace_both();
    fn one_key_has_one_entry_if_two_put_it_in() [480] => put_in_and_put_in();
    fn one_key_has_one_entry_if_two_replace_it() [160] => replace_and_replace();
    fn one_of_two_removes() [220] => remove_and_remove();
    fn one_of_two_loads() [1050] => load_and_load(false);
    fn a_failed_load_is_taken_over() [390] => load_and_load(true);
}

/// Reads by a load that looks at no era, after the session has begun.
fn read_unguarded() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    // SAFETY: the twin breaks what is promised.
    let reading =
        thread::spawn(move || unsafe { theirs.read_unguarded(|word| word.load(Acquire)) });
    shelf.replace(1);
    shelf.collect();
    shelf.replace(2);
    shelf.replace(3);
    reading.join().unwrap();
}

/// Writes what can be read already.
fn write_what_is_read() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace_and_write(1);
    reading.join().unwrap();
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
    /// `reclaim`, I3: without the second look at the era.
    fn twin_a_load_that_looks_at_no_era() ["Causality violation"] => read_unguarded();
    /// `reclaim`, I1, and `entry`, I1: what can be reached is not written.
    fn twin_a_write_after_publication() ["Causality violation"] => write_what_is_read();
}
