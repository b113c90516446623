//! The edges of the table, its moves and its reclamation, and what two threads may see of a cache.
//!
//! Under the models a bucket has two slots, the smallest table one bucket, and a batch of garbage is
//! two: so three entries make a table move, and two removals are a batch. Each entry and each table
//! has a witness: to look at one that was not seen made, or that was freed, is a failure.
#![cfg(loom)]

mod parts;

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;

use parts::{
    begin_and_find, collect_and_collect, evict_and_free_at_once, give_back_and_close,
    give_back_and_free, give_back_and_refill, give_back_both, lay_and_take, move_and_move,
    put_and_put, read_again_and_replace, read_again_and_replace_more, read_and_replace,
    read_unguarded, replace_and_collect, replace_both, replace_twice_and_collect,
    write_what_is_read,
};
use testkit::{
    drops::{Counted, Drops},
    model::{Model, must_fail, thread},
};
use ttl_cache::{Cache, Loaded};

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
    let cache = Cache::builder().hasher(Plain(0)).build();
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
    let cache = Cache::builder().hasher(Plain(0)).build();
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
    let cache = Cache::builder().hasher(Plain(0)).build();
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

/// A cache that has room for one, with that one in it; `one` runs on a thread of its own, `other` on
/// this. In the end the capacity holds, and each value was dropped once.
fn crowd(
    one: impl FnOnce(&Cache<u32, Counted<u32>, Plain>, &Drops) + Send + 'static,
    other: impl FnOnce(&Cache<u32, Counted<u32>, Plain>, &Drops),
    values: usize,
) {
    let drops = Drops::new();
    let cache = Cache::builder().hasher(Plain(0)).capacity(1).build();
    cache.set(1, drops.counted(10));
    let (theirs, counts) = (cache.clone(), drops.clone());
    let running = thread::spawn(move || one(&theirs, &counts));
    other(&cache, &drops);
    running.join().unwrap();
    assert_eq!(cache.len(), 1);
    let stats = cache.stats();
    assert_eq!(stats.evicted + stats.removed, 1, "the first one has left once");
    assert!(cache.iter().all(|entry| entry.value == entry.key() * 10));
    drop(cache);
    assert_eq!((drops.alive(), drops.dropped()), (0, values));
}

/// One evicts what the other looks at.
fn evict_and_get() {
    crowd(
        |cache, drops| cache.set(2, drops.counted(20)),
        |cache, _| assert!(cache.get_with(&1, |value| value.value).is_none_or(|value| value == 10)),
        2,
    );
}

/// One evicts what the other removes.
fn evict_and_remove() {
    crowd(
        |cache, drops| cache.set(2, drops.counted(20)),
        |cache, _| assert!(cache.remove(&1).is_none_or(|value| value.value == 10)),
        2,
    );
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
    fn publish_shows_a_whole_entry() [2500] => set_and_get();
    fn publish_shows_a_whole_bucket() [4300, 1] => put_in_others(&[]);
    fn publish_shows_a_whole_table() [53_000, 1] => put_and_put();
    fn seal_shows_what_is_out_of_reach() [9900] => replace_and_get();
    fn announce_keeps_what_is_read() [14_000] => replace_and_get_first();
    fn leave_lets_go_of_what_was_read() [160, 1] => get_twice_and_replace();
    fn freeze_leads_to_the_next_table() [150, 1] => move_and_get();
    fn moved_group_is_whole() [250, 1] => move_and_remove();
    fn a_move_loses_no_replacement() [270, 1] => move_and_replace();
    fn last_reference_drops_after_all_reads() [120] => references();
    fn claim_or_session_is_seen() [4800] => replace_and_collect();
    fn returned_purse_is_whole() [2900] => replace_twice_and_collect();
    fn two_empty_one_purse() [210, 1] => collect_and_collect();
    fn give_back_ends_the_last_use() [27] => give_back_and_refill();
    fn open_shows_the_listed_blocks() [1000] => give_back_both();
    fn a_block_is_freed_by_one() [740] => give_back_and_free();
    fn a_block_outlives_its_heap() [2000] => give_back_and_close();
    fn a_purse_is_emptied_under_its_thread() [2400, 1] => retire_and_maintain();
    fn pile_shows_what_was_laid_down() [5400, 1] => batches_of_two();
    fn pile_of_two() [100] => lay_and_take();
    fn seal_on_a_shelf() [2500] => read_and_replace(1, 2);
    fn leave_on_a_shelf() [8300] => read_and_replace(2, 2);
    fn seal_after_a_session() [1200] => read_again_and_replace();
    fn looks_again_at_the_era() [14_000] => read_again_and_replace_more();
    fn found_groups_are_whole() [340, 1] => move_and_move();
    fn freeze_by_who_begins() [1300] => begin_and_find();
    fn pile_of_a_shelf() [1700, 1] => replace_both();
    fn one_key_has_one_entry_if_two_put_it_in() [24_000] => put_in_and_put_in();
    fn one_key_has_one_entry_if_two_replace_it() [910] => replace_and_replace();
    fn one_of_two_removes() [570] => remove_and_remove();
    fn an_evicted_entry_stays_for_who_reads_it() [480, 1] => evict_and_get();
    fn an_entry_is_evicted_or_removed() [1300, 1] => evict_and_remove();
    fn one_of_two_loads() [21_000] => load_and_load(false);
    fn a_failed_load_is_taken_over() [1000] => load_and_load(true);
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
    /// `engine`, C1: what is evicted is retired, and not freed.
    fn twin_an_eviction_that_frees_at_once() ["Causality violation"] => evict_and_free_at_once();
    /// `reclaim`, I1, and `entry`, I1: what can be reached is not written.
    fn twin_a_write_after_publication() ["Causality violation"] => write_what_is_read();
}
