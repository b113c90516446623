//! What a stack is held to, for those who want to see it break.

use crate::state;

/// How the nodes of a stack are tagged and kept.
///
/// [`Sound`] is what everybody uses. Tests shorten the tags until they end, leave them out, or keep no
/// nodes for a thread.
///
/// # Safety
/// Unless [`TAGGED`](Self::TAGGED) is true the stack loses and doubles values: it may then be used by
/// one thread only, or in a model.
pub unsafe trait Rules: 'static {
    /// Whether a node's tag grows each time that it is linked.
    const TAGGED: bool = true;

    /// The last tag. A node that has it is linked no more: it is retired, and another one takes its
    /// place. No greater than [`Sound`]'s.
    const LAST_TAG: u64 = state::LAST_TAG;

    /// How many free nodes a thread keeps for itself: at most [`Sound`]'s.
    const MAGAZINE: usize = MAGAZINE;
}

/// Free nodes that a thread keeps: with their count, four cache lines of 64 bytes.
pub(crate) const MAGAZINE: usize = 31;

/// Tags of 36 bits, and 31 free nodes a thread.
#[derive(Clone, Copy, Debug)]
pub struct Sound;

// SAFETY: nothing is changed.
unsafe impl Rules for Sound {}
