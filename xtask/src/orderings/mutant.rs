//! One ordering, weakened by one step, and what the models say to it.

use core::{fmt, str::FromStr};

use super::Site;
use crate::{process::Outcome, scan::Order};

/// What an access does, as the modelled face records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Reads and writes in one step.
    ReadModifyWrite,
    /// Orders the accesses around it.
    Fence,
}

impl Kind {
    /// The orderings one step weaker.
    pub(super) fn weaker(self, order: Order) -> &'static [Order] {
        match (self, order) {
            (_, Order::Relaxed) => &[],
            (Self::Load, Order::SeqCst) => &[Order::Acquire],
            (Self::Store, Order::SeqCst) => &[Order::Release],
            (Self::ReadModifyWrite | Self::Fence, Order::SeqCst) => &[Order::AcqRel],
            (_, Order::AcqRel) => &[Order::Acquire, Order::Release],
            (_, Order::Acquire | Order::Release) => &[Order::Relaxed],
        }
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "Load" => Self::Load,
            "Store" => Self::Store,
            "ReadModifyWrite" => Self::ReadModifyWrite,
            "Fence" => Self::Fence,
            _ => return Err(()),
        })
    }
}

/// A site with a weaker ordering.
#[derive(Clone, Debug)]
pub(crate) struct Mutant<'a> {
    pub(super) site: Site<'a>,
    pub(super) to: Order,
}

pub(super) fn of(site: Site<'_>, kind: Kind) -> impl Iterator<Item = Mutant<'_>> {
    kind.weaker(site.order).iter().map(move |&to| Mutant { site, to })
}

impl Mutant<'_> {
    /// The value of `ATOMWORKS_WEAKEN`.
    pub(super) fn variable(&self) -> String {
        format!("{}:{}:{}", self.site.place(), self.site.slot, self.to)
    }
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A model failed: the ordering is needed, and shown to be.
    Killed { by: String, how: Cause },
    /// Every model that visits it holds: too strong, or a model is missing.
    Survived { tests: usize },
    /// A model broke off.
    Inconclusive { why: String },
    /// Survived or broke off, for a reason that is written down.
    Allowed { why: String },
}

/// How a model failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Plain data was accessed without an edge between the accesses.
    Causality,
    /// A thread waits for ever.
    Deadlock,
    /// What was allocated is never freed.
    Leak,
    /// The process died.
    Abort,
    /// An assertion of the model or of the code failed.
    Assertion,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Causality => "causality",
            Self::Deadlock => "deadlock",
            Self::Leak => "leak",
            Self::Abort => "abort",
            Self::Assertion => "assertion",
        })
    }
}

impl FromStr for Cause {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Causality, Self::Deadlock, Self::Leak, Self::Abort, Self::Assertion];
        all.into_iter().find(|cause| cause.to_string() == text).ok_or(())
    }
}

/// Why a model failed, `None` if it held.
///
/// # Errors
/// It broke off: its failure says nothing about the ordering.
pub(super) fn cause(outcome: &Outcome) -> Result<Option<Cause>, &'static str> {
    let said = |what: &str| outcome.output.contains(what);
    let Some(status) = outcome.status else { return Err("ran out of time") };
    if status.success() {
        Ok(None)
    } else if said("exceeded maximum number of branches") {
        Err("ran out of branches")
    } else if said("iterations, the floor is") {
        Err("explored less than its floor")
    } else if said("running 0 tests") {
        Err("was not run")
    } else if said("Causality violation") {
        Ok(Some(Cause::Causality))
    } else if said("deadlock") {
        Ok(Some(Cause::Deadlock))
    } else if said("object leaked") {
        Ok(Some(Cause::Leak))
    } else if said("panicked at") {
        Ok(Some(Cause::Assertion))
    } else {
        Ok(Some(Cause::Abort))
    }
}
