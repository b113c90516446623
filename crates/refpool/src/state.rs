//! The words of a count and of a slot, as pure functions.

/// The word of a [`RefCount`](crate::RefCount): the count in the low bits, and a bit that says that
/// it has come to zero, for good.
pub(crate) mod count {
    /// Set once, when the count has come to zero.
    pub(crate) const ZERO: usize = 1 << (usize::BITS - 1);

    /// The most references. Above it each thread that is being refused holds one number of the lower
    /// half of the guard band. Small in tests, which come near it.
    pub(crate) const MOST: usize = if cfg!(any(loom, test)) { 5 } else { ZERO >> 1 };

    /// The upper half of the guard band: the count has come to zero, and each thread that is just
    /// releasing what nobody had holds one number below `ZERO`.
    pub(super) const OVERDRAWN: usize = ZERO - (ZERO >> 2);

    /// Whether a word with one reference more is a count with one reference more.
    #[inline]
    pub(crate) const fn may_grow(before: usize) -> bool {
        before < MOST
    }

    /// Whether a word counts at least one reference, so that there is one to give back.
    #[inline]
    pub(crate) const fn is_held(before: usize) -> bool {
        before.wrapping_sub(1) < OVERDRAWN - 1
    }

    /// The count of a word. While the last release is between its two steps the word is 0, and the
    /// count is still 1: a `try_retain` may come in between, and then that release was not the last.
    pub(crate) const fn references(word: usize) -> usize {
        match word {
            0 => 1,
            word if word >= OVERDRAWN => 0,
            word => word,
        }
    }
}

/// The word of a pool's slot: whose its resource is.
#[cfg(feature = "std")]
pub(crate) mod slot {
    /// A resource is inside, and idle.
    pub(crate) const FREE: usize = 0;
    /// The last reference has gone, and the resource is being reset or dropped.
    pub(crate) const LEAVING: usize = 1;
    /// One reference. `n + 1` are `n` of them.
    pub(crate) const ONE: usize = 2;
    /// No resource is inside.
    pub(crate) const VACANT: usize = usize::MAX;

    /// The most references; between it and [`VACANT`] lies the guard band, as for a count. Small in
    /// tests, which come near it.
    pub(crate) const MOST: usize = if cfg!(any(loom, test)) { 3 } else { usize::MAX >> 1 };

    /// What a thread looks for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Wanted {
        /// A resource.
        Resource,
        /// A resource, or room for one.
        ResourceOrRoom,
    }

    /// Whether whoever wants this may take a slot whose word this is.
    #[inline]
    pub(crate) const fn is_claimable(word: usize, wanted: Wanted) -> bool {
        word == FREE || (word == VACANT && matches!(wanted, Wanted::ResourceOrRoom))
    }

    /// Whether another reference may be added to this word of a slot that is held.
    #[inline]
    pub(crate) const fn may_grow(before: usize) -> bool {
        before <= MOST
    }

    /// How many references a word counts.
    pub(crate) const fn references(word: usize) -> usize {
        match word {
            FREE | VACANT => 0,
            word => word - 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::count::{MOST, OVERDRAWN, ZERO, is_held, may_grow, references};

    #[test]
    fn a_count_grows_below_its_limit_and_above_zero() {
        assert!(may_grow(0) && may_grow(1) && may_grow(MOST - 1));
        assert!(!may_grow(MOST) && !may_grow(MOST + 1));
        assert!(!may_grow(ZERO) && !may_grow(ZERO + 1) && !may_grow(ZERO - 1) && !may_grow(!0));
    }

    #[test]
    fn only_a_count_above_zero_has_a_reference_to_give_back() {
        assert!(is_held(1) && is_held(2) && is_held(MOST + 5));
        assert!(!is_held(0) && !is_held(ZERO) && !is_held(ZERO + 1) && !is_held(!0));
        assert!(!is_held(ZERO - 1) && !is_held(ZERO - 2), "another one who had none is ahead");
        assert!(is_held(OVERDRAWN - 1) && !is_held(OVERDRAWN));
    }

    #[test]
    fn a_word_of_zero_is_not_yet_the_end() {
        assert_eq!([0, 1, 2, ZERO - 1, ZERO, ZERO + 1].map(references), [1, 1, 2, 0, 0, 0]);
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_slot_is_claimed_when_nobody_has_it() {
        use super::slot::{
            FREE, LEAVING, MOST, ONE, VACANT, Wanted, is_claimable, may_grow, references,
        };
        for held in [LEAVING, ONE, ONE + 1, MOST + 1] {
            assert!(!is_claimable(held, Wanted::Resource));
            assert!(!is_claimable(held, Wanted::ResourceOrRoom));
        }
        assert!(is_claimable(FREE, Wanted::Resource) && !is_claimable(VACANT, Wanted::Resource));
        assert!(is_claimable(VACANT, Wanted::ResourceOrRoom));
        assert_eq!([FREE, LEAVING, ONE, ONE + 1, VACANT].map(references), [0, 0, 1, 2, 0]);
        assert!(may_grow(ONE) && may_grow(MOST) && !may_grow(MOST + 1) && !may_grow(VACANT));
    }
}
