//! The move of a group of buckets into the next table, by any number of threads at once.
//!
//! # State
//!
//! While a table moves, its `next` is the table it moves into, whose words are unmade at first. The
//! groups (`state::groups`) move independently. A group is moved in three steps, which any number of
//! threads may take at once, each from the beginning:
//!
//! 1. *freeze* each word of the old chains;
//! 2. *copy*: what the frozen words hold determines what each word of the new chains is to hold, and
//!    where; each is put in the place of an unmade word;
//! 3. the link of the group's last new bucket comes last: once it is made, the group *is moved*.
//!
//! Only those who have found a group moved look at its new chains.
//!
//! # Invariants
//!
//! * M1: all who copy a group copy the same words to the same places: what is frozen does not change.
//!   So a late copy finds a word that is no longer unmade, and does nothing.
//! * M2: who loads a frozen word and *then* finds its group not moved, may look at its entry in that
//!   session: it is removed after the group is moved, so it was in reach when the load was announced.
//!   A frozen word that was loaded after that may lead to an entry that is freed by now.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | freeze | the exchange in `freeze_word` | the load in `Session::load` | that there is a next table | `freeze_leads_to_the_next_table` |
//! | moved | the exchange of the last link in `fill` | the load of it in `is_moved` | that the whole group was copied | `moved_group_is_whole` |

use core::ptr;

use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    entry::Entry,
    session::Session,
    state::{self, Content, EMPTY, FROZEN},
    table::{Bucket, Table, entry_of},
};

/// Whether the group is moved: its last word is made.
fn is_moved<K, V>(new: &Table<K, V>, groups: usize, group: usize) -> bool {
    let last = &new.buckets[new.buckets.len() - groups + group].link;
    // Acquire [moved]: pairs with the exchange in `fill`.
    state::content(last.load(Acquire).addr()) != Content::Unmade
}

pub(crate) fn move_group<K, V, T: Default>(
    session: &Session<'_, T>,
    old: &Table<K, V>,
    new: &Table<K, V>,
    group: usize,
) {
    let groups = state::groups(old.buckets.len(), new.buckets.len());
    if is_moved(new, groups, group) {
        return;
    }
    let sources = || old.buckets.iter().skip(group).step_by(groups);
    sources().for_each(|first| freeze(session, first));
    for (index, target) in new.buckets.iter().enumerate().skip(group).step_by(groups) {
        let words =
            sources().flat_map(|first| first.chain(session)).flat_map(|bucket| &bucket.slots);
        let words = words.map(|slot| session.load(slot).map_addr(|word| word & !FROZEN));
        let mask = new.buckets.len() - 1;
        let goes_here = |word: &*mut Entry<K, V>| {
            // Once the group is moved all is made: what is left out then, is left out of nothing.
            if state::content(word.addr()) != Content::Taken || is_moved(new, groups, group) {
                return false;
            }
            // SAFETY: M2.
            unsafe { entry_of(*word) }.hash as usize & mask == index
        };
        fill(new, target, words.filter(goes_here));
    }
}

/// Ends all changes to a chain.
fn freeze<K, V, T: Default>(session: &Session<'_, T>, first: &Bucket<K, V>) {
    let mut bucket = first;
    loop {
        for slot in &bucket.slots {
            freeze_word(session, slot);
        }
        let link = freeze_word(session, &bucket.link);
        // SAFETY: the table is good in this session.
        match unsafe { Bucket::linked(link) } {
            Some(next) => bucket = next,
            None => return,
        }
    }
}

/// Freezes a word; what it holds for good.
fn freeze_word<P, T: Default>(session: &Session<'_, T>, place: &AtomicPtr<P>) -> *mut P {
    let mut word = session.load(place);
    while !state::is_frozen(word.addr()) {
        let frozen = word.map_addr(|word| word | FROZEN);
        // Release [freeze]: the next table is there, to whoever loads this.
        // Relaxed: it is loaded again.
        match place.compare_exchange_weak(word, frozen, Release, Relaxed) {
            Ok(_) => return frozen,
            Err(_) => word = session.load(place),
        }
    }
    word
}

/// Puts the words into the chain that begins here, from its first slot on, wherever it is unmade.
fn fill<K, V>(
    new: &Table<K, V>,
    target: &Bucket<K, V>,
    mut words: impl Iterator<Item = *mut Entry<K, V>>,
) {
    let empty = ptr::without_provenance_mut(EMPTY);
    let (mut count, mut rest) = (0, 0);
    for slot in &target.slots {
        let word = words.next().inspect(|_| count += 1).unwrap_or(empty);
        // Relaxed: who looks here has found the group moved, by one who has loaded the same words.
        // Relaxed: somebody has put the same there.
        let _ = slot.compare_exchange(ptr::null_mut(), word, Relaxed, Relaxed);
    }
    let link = chain_of(words.inspect(|_| rest += 1)).unwrap_or(ptr::without_provenance_mut(EMPTY));
    // Release [moved]: all words that were made before are there.
    // Relaxed: somebody has put an equal chain there.
    if target.link.compare_exchange(ptr::null_mut(), link, Release, Relaxed).is_ok() {
        // Relaxed: a hint.
        new.used.fetch_add(count + rest, Relaxed);
    } else {
        // SAFETY: nobody else has seen the chain.
        unsafe { Bucket::free_chain(link) }
    }
}

/// A chain of these words, if there are any.
fn chain_of<K, V>(words: impl Iterator<Item = *mut Entry<K, V>>) -> Option<*mut Bucket<K, V>> {
    let mut words = words.peekable();
    let (mut first, mut last) = (None, None::<&Bucket<K, V>>);
    while words.peek().is_some() {
        let made = Box::into_raw(Box::new(Bucket::filled(EMPTY)));
        // SAFETY: nobody else has seen it.
        let bucket = unsafe { &*made };
        for (slot, word) in bucket.slots.iter().zip(&mut words) {
            // Relaxed: nobody else has seen it.
            slot.store(word, Relaxed);
        }
        if let Some(last) = last.replace(bucket) {
            // Relaxed: as above.
            last.link.store(made, Relaxed);
        }
        first.get_or_insert(made);
    }
    first
}
