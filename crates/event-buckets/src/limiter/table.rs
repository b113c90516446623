//! The states of many keys in a table that never grows: one word a key, and one that the keys without
//! a word share.
//!
//! After the set-associative caches of processors: a key's hash names a line, and it may be anywhere in
//! there; first one looks into its favourite word. The way in which two threads
//! that bring the same new key agree on one word is that of Lamport's bakery: announce, then look at
//! everybody.
//!
//! # State
//!
//! | word | means |
//! | --- | --- |
//! | word 0 of a line | the debt of the keys that found no word |
//! | the other words | a key's tag and debt, see [`state::slot`](crate::state::slot); claimed, or confirmed |
//! | `era` | the newest era that somebody acquired in |
//! | `terms` | the interval between events and the longest debt, in units of 2^`unit` nanoseconds |
//!
//! # Invariants
//!
//! * I1: an event is admitted by the compare-exchange that adds it to a word of its key that is
//!   confirmed; or by one on word 0, if the key had no word after that.
//! * I2: at most one word of a tag is confirmed. Who confirms one has looked at the whole line after
//!   it was claimed, seen no other that is confirmed and taken back every other claim. Two who claim
//!   both pass a fence between claim and look, so one of them sees the other's.
//! * I3: a word is given to another key only when its key owes nothing, so nothing is forgotten; and
//!   begins with what word 0 owes, which is no less than what its new key owes there. Who is admitted
//!   by word 0 passes a fence and looks for a word of its key; who confirms one passes a fence and looks
//!   at word 0: one of them sees the other.
//! * I4: no debt in a word is older than two eras.
//!
//! So no key is ever admitted more than its quota. Keys of one line with one tag, of 2^23, share a word.
//!
//! # Progress and linearization
//!
//! * `acquire`: lock-free: it repeats when another changed the line. A key that has its
//!   favourite word: 7 accesses; that has another: 15 more at most. Linearizes at the compare-exchange that
//!   admits; a denial writes nothing where the key has its word, and linearizes at its load. Once an era (2^38 units, for a burst that comes back
//!   in a second 70 minutes or more) a call sweeps the table: 2 accesses a word.
//!
//! # Orderings
//!
//! | edge | release side | acquire side | carries | loom test |
//! | --- | --- | --- | --- | --- |
//! | one-word | fence in `settle` | fence in `settle` | of two claims of a key, one sees the other | `one_word_is_all_that_a_key_gets` |
//! | swept | `fetch_max` of `era` | load of `era` | that words of past eras are free | `swept_words_owe_nothing` |

use alloc::boxed::Box;
use core::iter;

use lockfree_core::{
    Backoff,
    sync::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
        fence, hint,
    },
};

use super::{live::Live, quota::Pace};
use crate::{
    error::{BadQuota, Denied},
    state::slot::{self, Slot},
};

/// Words in a line: a cache line's. Few under the models: each is an access.
const WORDS: usize = if cfg!(loom) { 3 } else { 8 };
/// A line has a word that keys share, and these.
pub(super) const KEYS: usize = WORDS - 1;
/// The first longest debt is at least half as many units, if it is as many nanoseconds.
const RESOLUTION: u64 = 1 << 26;
const BURST: u64 = 1 << 20;
/// Who is admitted by word 0.
const NOBODY: u64 = 1;

#[repr(align(64))]
struct Line([AtomicU64; WORDS]);

pub(super) struct Table {
    lines: Box<[Line]>,
    era: AtomicU64,
    terms: Live<2>,
    unit: u32,
}

/// What a request costs, and who asks.
struct Request<'a> {
    line: &'a Line,
    tag: u64,
    cost: u64,
    /// The most that may be owed before it.
    most: u64,
}

/// A word of the line, and what it held.
type Seen<'a> = (&'a AtomicU64, Slot);

impl Table {
    pub(super) fn new(pace: Pace, keys: usize) -> Result<Self, BadQuota> {
        if pace.tolerance / pace.interval > BURST {
            return Err(BadQuota::TooMany);
        }
        let unit = (pace.tolerance / RESOLUTION).checked_ilog2().map_or(0, |log| log + 1);
        let lines = keys.div_ceil(KEYS).max(1).next_power_of_two();
        let line = || Line(core::array::from_fn(|_| AtomicU64::new(0)));
        let lines = (0..lines).map(|_| line()).collect();
        let terms = Live::new(in_units(pace, unit));
        Ok(Self { lines, era: AtomicU64::new(0), terms, unit })
    }

    pub(super) fn capacity(&self) -> usize {
        self.lines.len() * KEYS
    }

    /// How many keys owe something.
    pub(super) fn busy(&self, now: u64) -> usize {
        let now = self.units(now);
        self.enter(now);
        let busy = |word| !load(word).is_idle(now);
        self.lines.iter().flat_map(Line::keys).filter(|word| busy(word)).count()
    }

    pub(super) fn reconfigure(&self, pace: Pace) -> Result<(), BadQuota> {
        let terms = in_units(pace, self.unit);
        if pace.tolerance / pace.interval > BURST {
            return Err(BadQuota::TooMany);
        }
        // An interval is rounded up to units: by a sixteenth at most.
        if terms[1] > slot::LONGEST || pace.interval >> self.unit < 16 && self.unit > 0 {
            return Err(BadQuota::OutOfScale);
        }
        self.terms.store(terms);
        Ok(())
    }

    #[inline]
    pub(super) fn acquire(&self, hash: u64, n: u32, clock: impl Fn() -> u64) -> Result<(), Denied> {
        let request = self.request(hash, n)?;
        let now = self.units(clock());
        // The era comes first: it has shown us that a word of its key is not too old to be told.
        let own = (slot::era(now) <= self.era()).then(|| request.favourite());
        let outcome = own.filter(|own| request.is_of(own.1)).and_then(|own| request.take(own, now));
        let outcome = outcome.filter(|outcome| !request.is_late(*outcome));
        let outcome = outcome.unwrap_or_else(|| self.search(&request, now, || self.units(clock())));
        outcome.map_err(|units| Denied::for_nanos(units << self.unit))
    }

    /// The same wherever the key's word may be, if it has one.
    #[inline(never)]
    fn search(
        &self,
        request: &Request<'_>,
        mut now: u64,
        read: impl Fn() -> u64,
    ) -> Result<(), u64> {
        let backoff = Backoff::new();
        let mut was_late = false;
        let lose = || {
            backoff.spin();
            None
        };
        loop {
            self.enter(now);
            let outcome = match request.find() {
                Some((_, seen)) if seen.is_claimed() => {
                    request.settle(&read);
                    hint::spin_loop();
                    None
                }
                Some(own) => request.take(own, now).or_else(lose),
                None => match request.idle(now) {
                    Some(idle) => {
                        request.claim(idle, now);
                        hint::spin_loop();
                        None
                    }
                    None => request.take_shared(now).or_else(lose),
                },
            };
            match outcome {
                // Once: a clock that has stepped back is not waited for.
                Some(outcome) if !was_late && request.is_late(outcome) => was_late = true,
                Some(outcome) => return outcome,
                None => {}
            }
            now = read();
        }
    }

    #[inline]
    fn request(&self, hash: u64, n: u32) -> Result<Request<'_>, Denied> {
        let [interval, tolerance] = self.terms.load();
        let cost = interval.saturating_mul(n.into());
        let Some(most) = tolerance.checked_sub(cost) else { return Err(Denied::NEVER) };
        #[expect(clippy::cast_possible_truncation, reason = "the mask is below the length")]
        let line = &self.lines[hash as usize & (self.lines.len() - 1)];
        Ok(Request { line, tag: slot::tag(hash), cost, most })
    }

    /// Whether `n` events would be admitted, as far as one look tells.
    pub(super) fn peek(&self, hash: u64, n: u32, now: u64) -> Result<(), Denied> {
        let request = self.request(hash, n)?;
        let now = self.units(now);
        self.enter(now);
        let own = request.find().filter(|(_, seen)| !seen.is_claimed());
        let seen = own.map_or_else(|| load(request.line.shared()), |(_, seen)| seen);
        request.after(seen, now).map(|_| ()).map_err(|units| Denied::for_nanos(units << self.unit))
    }

    /// A time in units, of which sums with debts do not overflow.
    #[inline]
    fn units(&self, nanos: u64) -> u64 {
        nanos.min(u64::MAX >> 1) >> self.unit
    }

    /// Frees the words of past eras, where a new one begins. Each thread that comes meanwhile does the
    /// same, and none goes on before one is done.
    fn enter(&self, now: u64) {
        let era = self.era();
        if slot::era(now) > era {
            self.sweep(era, now);
        }
    }

    #[inline]
    fn era(&self) -> u64 {
        // Acquire [swept]: pairs with `sweep`.
        self.era.load(Acquire)
    }

    #[cold]
    fn sweep(&self, era: u64, now: u64) {
        // After a whole era without a request nobody owes anything.
        let all = slot::era(now) > era + 1;
        for word in self.lines.iter().flat_map(|line| &line.0) {
            let seen = load(word);
            if seen == Slot::FREE || !all && !seen.is_idle(now) {
                continue;
            }
            if self.era() != era {
                return;
            }
            replace(word, seen, Slot::FREE);
        }
        // Release [swept]: who sees the era sees its words free.
        self.era.fetch_max(slot::era(now), Release);
    }
}

fn in_units(pace: Pace, unit: u32) -> [u64; 2] {
    let interval = pace.interval.div_ceil(1 << unit);
    [interval, interval * (pace.tolerance / pace.interval)]
}

#[inline]
#[track_caller]
fn load(word: &AtomicU64) -> Slot {
    // Relaxed: a compare-exchange checks it, or a fence comes before.
    Slot(word.load(Relaxed))
}

#[inline]
#[track_caller]
fn replace(word: &AtomicU64, seen: Slot, next: Slot) -> bool {
    // Relaxed: admits, and publishes nothing.
    word.compare_exchange(seen.0, next.0, Relaxed, Relaxed).is_ok()
}

impl Line {
    fn shared(&self) -> &AtomicU64 {
        &self.0[0]
    }

    fn keys(&self) -> &[AtomicU64] {
        &self.0[1..]
    }
}

impl<'a> Request<'a> {
    /// The word that its key has if it was free when the key came.
    #[inline]
    fn favourite(&self) -> Seen<'a> {
        let word = &self.line.0[1 + slot::place(self.tag, KEYS)];
        (word, load(word))
    }

    /// Whether the word is its key's, and confirmed.
    #[inline]
    fn is_of(&self, seen: Slot) -> bool {
        seen.is_of(self.tag) && !seen.is_claimed()
    }

    /// Its key's word: the confirmed one, else the first that is claimed.
    fn find(&self) -> Option<Seen<'a>> {
        let mut claimed = None;
        for own in self.words() {
            if !own.1.is_claimed() {
                return Some(own);
            }
            claimed = claimed.or(Some(own));
        }
        claimed
    }

    fn words(&self) -> impl Iterator<Item = Seen<'a>> {
        let words = self.line.keys().iter().map(|word| (word, load(word)));
        words.filter(|(_, seen)| seen.is_of(self.tag))
    }

    /// The word whose key has owed nothing for longest; of several that nobody had, the favourite.
    fn idle(&self, now: u64) -> Option<Seen<'a>> {
        let others = self.line.keys().iter().map(|word| (word, load(word)));
        let words = iter::once(self.favourite()).chain(others);
        let idle = words.filter_map(|own| Some((own.1.idle_for(now)?, own)));
        idle.reduce(|first, next| if next.0 > first.0 { next } else { first }).map(|(_, own)| own)
    }

    /// The time of a word after this request, or in how many units it would be admitted.
    #[inline]
    fn after(&self, seen: Slot, now: u64) -> Result<u64, u64> {
        let debt = seen.debt(now);
        if debt <= self.most { Ok(now + debt + self.cost) } else { Err(debt - self.most) }
    }

    /// Whether it was denied what can be owed at a later time only: somebody has read the clock since, and
    /// was admitted.
    #[inline]
    fn is_late(&self, outcome: Result<(), u64>) -> bool {
        outcome.is_err_and(|units| units > self.cost)
    }

    /// Takes it from a word; none if another was faster.
    #[inline]
    fn take(&self, (word, seen): Seen<'_>, now: u64) -> Option<Result<(), u64>> {
        match self.after(seen, now) {
            Ok(after) => replace(word, seen, seen.at(after)).then_some(Ok(())),
            Err(units) => Some(Err(units)),
        }
    }

    /// Takes it from the word that keys share, and is admitted by that unless its key has a word now.
    fn take_shared(&self, now: u64) -> Option<Result<(), u64>> {
        let shared = self.line.shared();
        let seen = load(shared);
        let after = match self.after(seen, now) {
            Ok(after) => after,
            Err(units) => return Some(Err(units)),
        };
        if !replace(shared, seen, Slot::new(NOBODY, after)) {
            return None;
        }
        // SeqCst [one-word]: of this debt and a claim, one is seen.
        fence(SeqCst);
        self.find().is_none().then_some(Ok(()))
    }

    /// Claims a word that owes nothing. Nobody else does until a whole burst has passed: so who is
    /// stopped here holds it no longer than that.
    fn claim(&self, (word, seen): Seen<'_>, now: u64) {
        replace(word, seen, Slot::new(self.tag, now + self.cost + self.most).claimed());
    }

    /// Confirms one of its key's claims and takes back the others.
    #[cold]
    fn settle(&self, now: impl Fn() -> u64) {
        // SeqCst [one-word]: the claim that we made or saw comes before the look at the others.
        fence(SeqCst);
        let mut kept: Option<Seen<'_>> = None;
        for own in self.words() {
            let lost = match kept {
                None => {
                    kept = Some(own);
                    continue;
                }
                // A confirmed word stays, whoever was first.
                Some(first) if !own.1.is_claimed() => kept.replace(own).unwrap_or(first),
                Some(_) => own,
            };
            if lost.1.is_claimed() && !replace(lost.0, lost.1, Slot::FREE) {
                return;
            }
        }
        if let Some((word, claim)) = kept.filter(|(_, seen)| seen.is_claimed()) {
            let debt = load(self.line.shared()).time(now());
            replace(word, claim, Slot::new(self.tag, debt));
        }
    }
}
