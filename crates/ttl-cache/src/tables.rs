//! The table that there is, and its move into another one, group by group, by whoever comes.
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
//! * M3: the root becomes `next` when all groups were found moved. Then the old table is retired.
//!   `next` has no `next` of its own before it is the root. So who loads `next` and *then* finds its
//!   table still the root has found it in reach; from an older table it may be freed by now.
//!
//! # Progress and linearization
//!
//! A move blocks nobody: who comes upon a frozen word moves that group himself, in a number of steps
//! that its chains bound, and goes on. The move as a whole is advanced by whoever calls `advance`.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | freeze | the exchanges in `freeze` | the load in `Session::load` | that there is a next table | `freeze_leads_to_the_next_table` |
//! | found | the maximum in `advance` | the load in `advance` | that the groups before are moved, to who makes the table the root | `found_groups_are_whole` |
//! | moved | the exchange of the last link | the load of it in `is_moved` | that the whole group was copied | `moved_group_is_whole` |

use core::{marker::PhantomData, ptr};

use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    entry::Entry,
    reclaim::{Garbage, Session},
    state::{self, Content, DEAD, EMPTY, FROZEN, SLOTS},
    table::{Bucket, Found, LEAST, Seat, Table, entry_of},
};

/// The table, and the one it moves into.
pub(crate) struct Tables<K, V> {
    root: AtomicPtr<Table<K, V>>,
    owns: PhantomData<Table<K, V>>,
}

/// What came of putting an entry in.
pub(crate) enum Put<'s, K, V> {
    /// Its key had none.
    New {
        /// Whether the table is full now, or moves already.
        crowded: bool,
    },
    /// This one was replaced, and is the caller's.
    Replaced(&'s Entry<K, V>),
}

impl<K, V> Tables<K, V> {
    pub(crate) fn new() -> Self {
        let root = Box::into_raw(Box::new(Table::empty(LEAST, 1)));
        Self { root: AtomicPtr::new(root), owns: PhantomData }
    }

    pub(crate) fn root<'s, T: Default>(&'s self, session: &'s Session<'_, T>) -> &'s Table<K, V> {
        // SAFETY: M3: the root is never null; the session keeps it.
        unsafe { &*session.load(&self.root) }
    }

    /// The root, and the table that it moves into.
    fn moving<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
    ) -> (&'s Table<K, V>, Option<&'s Table<K, V>>) {
        loop {
            let old = self.root(session);
            let next = session.load(&old.next);
            // A table that is no longer the root may lead to one that is freed by now (M3).
            if next.is_null() || ptr::eq(self.root(session), old) {
                // SAFETY: M3: as long as `old` was the root, `next` was in reach.
                return (old, unsafe { next.as_ref() });
            }
        }
    }

    /// The table that one who has seen a frozen word goes on in; the hash's group is moved by then.
    #[cold]
    fn after<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        frozen: &Table<K, V>,
        hash: u32,
    ) -> &'s Table<K, V> {
        match self.moving(session) {
            (old, Some(new)) if ptr::eq(old, frozen) => {
                let groups = state::groups(old.buckets.len(), new.buckets.len());
                move_group(session, old, new, hash as usize & (groups - 1));
                new
            }
            // It has moved as a whole meanwhile.
            (root, _) => root,
        }
    }

    /// Where the entry is that `matches`, or where it would go: in the table where its group is.
    #[inline]
    pub(crate) fn seat<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        matches: &mut impl FnMut(&Entry<K, V>) -> bool,
    ) -> (&'s Table<K, V>, Seat<'s, K, V>) {
        let mut table = self.root(session);
        loop {
            match table.seat(session, hash, matches) {
                Seat::Moving => table = self.after(session, table, hash),
                seat => return (table, seat),
            }
        }
    }

    /// The entry that `matches`, if there is one.
    #[inline]
    pub(crate) fn find<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        mut matches: impl FnMut(&Entry<K, V>) -> bool,
    ) -> Option<Found<'s, K, V>> {
        match self.seat(session, hash, &mut matches).1 {
            Seat::Found(found) => Some(found),
            _ => None,
        }
    }

    /// Puts `word` in the place of the entry that `matches`, or in one of its own. `before` is told
    /// of that entry first.
    ///
    /// # Panics
    /// `matches` does; then nothing was put in.
    pub(crate) fn put<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        word: *mut Entry<K, V>,
        mut matches: impl FnMut(&Entry<K, V>) -> bool,
        before: impl Fn(&Entry<K, V>),
    ) -> Put<'s, K, V> {
        loop {
            let (table, seat) = self.seat(session, hash, &mut matches);
            let is_in = match seat {
                Seat::Found(found) => {
                    before(found.entry);
                    if found.replace(word) {
                        return Put::Replaced(found.entry);
                    }
                    false
                }
                Seat::Vacant(slot) => {
                    let empty = ptr::without_provenance_mut(EMPTY);
                    // Release [publish]: the entry, to whoever loads it.
                    // Relaxed: the search begins again.
                    slot.compare_exchange(empty, word, Release, Relaxed).is_ok()
                }
                Seat::Full(link) => extend(link, word),
                Seat::Moving => unreachable!("`seat` goes on where the group moves"),
            };
            if is_in {
                // Relaxed: a hint.
                let used = table.used.fetch_add(1, Relaxed) + 1;
                let crowded = used > state::limit(table.buckets.len());
                return Put::New { crowded };
            }
        }
    }

    /// Begins to move into a table for `live` entries, unless a move is under way.
    pub(crate) fn begin_move<T: Default>(&self, session: &Session<'_, T>, live: usize) {
        let root = self.root(session);
        if session.load(&root.next).is_null() {
            let buckets = state::buckets_for(live, LEAST);
            let next = Box::into_raw(Box::new(Table::unmade(buckets, session.birth())));
            // Release [publish]: the table, to whoever loads it.
            // Relaxed: somebody else has begun.
            if root.next.compare_exchange(ptr::null_mut(), next, Release, Relaxed).is_err() {
                // SAFETY: nobody else has seen it.
                drop(unsafe { Box::from_raw(next) });
            }
        }
    }

    /// Moves up to `count` groups on, if a move is under way; false if none is.
    pub(crate) fn advance<T: Default>(&self, session: &Session<'_, T>, count: usize) -> bool {
        let (old, Some(new)) = self.moving(session) else { return false };
        let groups = state::groups(old.buckets.len(), new.buckets.len());
        // Relaxed: which thread begins where.
        if new.begun.load(Relaxed) < groups {
            // Relaxed: as above.
            let begun = new.begun.fetch_add(count, Relaxed);
            (begun..groups.min(begun + count))
                .for_each(|group| move_group(session, old, new, group));
            return true;
        }
        // Somebody may have begun and stopped: all are looked at once more.
        // Acquire [found]: pairs with the maximum below, of who has found moved what lies before it.
        let found = new.moved.load(Acquire);
        let end = groups.min(found + 8 * count);
        (found..end).for_each(|group| move_group(session, old, new, group));
        // Release [found]: that these groups are moved, to whoever goes on from here.
        new.moved.fetch_max(end, Release);
        if end == groups {
            let (root, next) = (ptr::from_ref(old).cast_mut(), ptr::from_ref(new).cast_mut());
            // Release [publish]: the table, to whoever loads it.
            // Relaxed: somebody else has done it.
            if self.root.compare_exchange(root, next, Release, Relaxed).is_ok() {
                // SAFETY: M3: it came out of a box and is out of reach; the entries are not its own.
                session.retire(unsafe { Garbage::new(root, old.birth, free_table::<K, V>) });
            }
        }
        true
    }

    /// The entries of one group, and the cursor of the next; none after the last.
    ///
    /// Cursors count bit-reversed, so that an entry which stays is met at least once, whatever the
    /// table's size does in between (as `SCAN` of Redis, by Noordhuis).
    pub(crate) fn scan<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        cursor: u32,
    ) -> (Vec<Found<'s, K, V>>, Option<u32>) {
        loop {
            let (old, next) = self.moving(session);
            let (table, mask) = match next {
                None => (old, old.buckets.len() - 1),
                Some(new) => {
                    let groups = state::groups(old.buckets.len(), new.buckets.len());
                    move_group(session, old, new, cursor as usize & (groups - 1));
                    (new, groups - 1)
                }
            };
            let group = table.buckets.iter().skip(cursor as usize & mask).step_by(mask + 1);
            if let Some(found) =
                group.map(|first| found_in(session, first)).collect::<Option<Vec<_>>>()
            {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a hash chooses among 2^32 buckets"
                )]
                return (
                    found.into_iter().flatten().collect(),
                    state::next_cursor(cursor, mask as u32),
                );
            }
        }
    }

    /// Every entry of the root, for one who has the tables for himself; taken out as it comes.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = *mut Entry<K, V>> {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let root = self.root.load(Relaxed);
        // SAFETY: M3: the root is never null.
        let table = unsafe { &*root };
        let slots = table.buckets.iter().flat_map(|first| Chain(Some(first))).flatten();
        // Relaxed: as above.
        let words = slots.map(|slot| slot.swap(ptr::without_provenance_mut(DEAD), Relaxed));
        words
            .filter(|word| state::content(word.addr()) == Content::Taken)
            .map(|word| word.map_addr(state::address))
    }
}

/// The buckets of a chain that nobody else looks at, by their slots.
struct Chain<'t, K, V>(Option<&'t Bucket<K, V>>);

impl<'t, K, V> Iterator for Chain<'t, K, V> {
    type Item = &'t [AtomicPtr<Entry<K, V>>; SLOTS];

    fn next(&mut self) -> Option<Self::Item> {
        let bucket = self.0?;
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        // SAFETY: the table lives as long as the borrow.
        self.0 = unsafe { Bucket::linked(bucket.link.load(Relaxed)) };
        Some(&bucket.slots)
    }
}

impl<K, V> Drop for Tables<K, V> {
    /// Frees the tables. Entries are drained before.
    fn drop(&mut self) {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let mut table = self.root.load(Relaxed);
        while !table.is_null() {
            // SAFETY: M3: each table came out of a box.
            let table_of = unsafe { Box::from_raw(table) };
            // Relaxed: as above.
            table = table_of.next.load(Relaxed);
        }
    }
}

/// # Safety
/// It came out of a box, and nobody looks at it any more.
unsafe fn free_table<K, V>(table: *mut ()) {
    // SAFETY: as promised by the caller.
    drop(unsafe { Box::from_raw(table.cast::<Table<K, V>>()) });
}

/// Adds a bucket to a chain, with `word` in its first slot; false if somebody was faster.
fn extend<K, V>(link: &AtomicPtr<Bucket<K, V>>, word: *mut Entry<K, V>) -> bool {
    let bucket = Bucket::filled(EMPTY);
    // Relaxed: nobody else has seen it.
    bucket.slots[0].store(word, Relaxed);
    let made = Box::into_raw(Box::new(bucket));
    let empty = ptr::without_provenance_mut(EMPTY);
    // Release [publish]: the bucket and its entry, to whoever loads it.
    // Relaxed: the caller searches again.
    let is_in = link.compare_exchange(empty, made, Release, Relaxed).is_ok();
    if !is_in {
        // SAFETY: nobody else has seen it. The entry is still the caller's.
        drop(unsafe { Box::from_raw(made) });
    }
    is_in
}

/// Whether the group is moved: its last word is made.
fn is_moved<K, V>(new: &Table<K, V>, groups: usize, group: usize) -> bool {
    let last = &new.buckets[new.buckets.len() - groups + group].link;
    // Acquire [moved]: pairs with the exchange in `fill`.
    state::content(last.load(Acquire).addr()) != Content::Unmade
}

fn move_group<K, V, T: Default>(
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

/// The entries of a chain; none if it moves.
fn found_in<'s, K, V, T: Default>(
    session: &'s Session<'_, T>,
    first: &'s Bucket<K, V>,
) -> Option<Vec<Found<'s, K, V>>> {
    let mut found = Vec::new();
    for slot in first.chain(session).flat_map(|bucket| &bucket.slots) {
        let word = session.load(slot);
        if state::is_frozen(word.addr()) {
            return None;
        }
        if state::content(word.addr()) == Content::Taken {
            // SAFETY: it was loaded in this session and is not frozen.
            found.push(unsafe { Found::new(slot, word) });
        }
    }
    Some(found)
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
        // Release [publish]: the entry, to whoever loads it here.
        // Relaxed: somebody has put the same there.
        let _ = slot.compare_exchange(ptr::null_mut(), word, Release, Relaxed);
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
