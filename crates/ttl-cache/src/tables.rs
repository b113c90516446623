//! The table that there is, and its move into another one, group by group (`moving`), by whoever comes.
//!
//! # Invariants
//!
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
//! | found | the maximum in `advance` | the load in `advance` | that the groups before are moved, to who makes the table the root | `found_groups_are_whole` |

use core::{
    marker::PhantomData,
    ptr::{self, NonNull},
};

use lockfree_core::sync::{
    AtomicPtr,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    entry::Entry,
    garbage::Garbage,
    kept::Kept,
    moving::move_group,
    session::Session,
    state::{self, Content, DEAD, EMPTY, SLOTS},
    table::{Bucket, Found, LEAST, Seat, Table},
};

/// How many groups are looked at in the time in which one is moved.
const LOOK: usize = if cfg!(loom) { 1 } else { 8 };

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
    Replaced(Kept<'s, K, V>),
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
            (root, _) => {
                assert!(!ptr::eq(root, frozen), "a frozen table leads to the next one");
                root
            }
        }
    }

    /// Where the entry is that `matches`, or where it would go: in the table where its group is.
    #[inline]
    pub(crate) fn seat<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
    ) -> (&'s Table<K, V>, Seat<'s, K, V>) {
        let root = self.root(session);
        if let Some(found) = root.likely(session, hash, matches) {
            return (root, Seat::Found(found));
        }
        self.search(session, hash, matches)
    }

    /// As `seat`, slot by slot.
    #[inline(never)]
    fn search<'s, T: Default>(
        &'s self,
        session: &'s Session<'_, T>,
        hash: u32,
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
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
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
    ) -> Option<Found<'s, K, V>> {
        match self.seat(session, hash, matches).1 {
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
        matches: impl Fn(&Entry<K, V>) -> bool + Copy,
        before: impl Fn(&Entry<K, V>),
    ) -> Put<'s, K, V> {
        loop {
            let (table, seat) = self.seat(session, hash, matches);
            let is_in = match seat {
                Seat::Found(found) => {
                    before(&found.entry);
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
        let end = groups.min(found + LOOK * count);
        (found..end).for_each(|group| move_group(session, old, new, group));
        // Release [found]: that these groups are moved, to whoever goes on from here.
        new.moved.fetch_max(end, Release);
        if end == groups {
            let (root, next) = (ptr::from_ref(old).cast_mut(), ptr::from_ref(new).cast_mut());
            // Release [publish]: the table, to whoever loads it.
            // Relaxed: somebody else has done it.
            if self.root.compare_exchange(root, next, Release, Relaxed).is_ok() {
                // SAFETY: M3: it came out of a box and is out of reach.
                session.retire_large(unsafe { Garbage::new(root, Table::<K, V>::GARBAGE) });
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
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = NonNull<Entry<K, V>>> {
        // Relaxed: exclusive access; whoever gave it to us ordered the rest.
        let root = self.root.load(Relaxed);
        // SAFETY: M3: the root is never null.
        let table = unsafe { &*root };
        let slots = table.buckets.iter().flat_map(|first| Chain(Some(first))).flatten();
        // Relaxed: as above.
        let words = slots.map(|slot| slot.swap(ptr::without_provenance_mut(DEAD), Relaxed));
        words
            .filter(|word| state::content(word.addr()) == Content::Taken)
            // SAFETY: I1 of `table`: it points to an entry.
            .map(|word| unsafe { NonNull::new_unchecked(word.map_addr(state::address)) })
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
