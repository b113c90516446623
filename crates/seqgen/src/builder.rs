//! The limits of a sequence, one by one.

use lockfree_core::const_unless_loom;

use crate::{error::BuildError, sequence::Sequence, state::Rule};

/// Describes a sequence as databases do: least and greatest id, a step of either sign, the first id,
/// and whether it begins anew after the last one.
///
/// | | SQL | default |
/// | --- | --- | --- |
/// | [`step`](Self::step) | `INCREMENT BY` | 1 |
/// | [`min`](Self::min) | `MINVALUE` | 1 |
/// | [`max`](Self::max) | `MAXVALUE` | as great as it may be: `u64::MAX` with steps of 1 |
/// | [`start_with`](Self::start_with) | `START WITH` | `min`, or `max` where ids fall |
/// | [`cycle`](Self::cycle) | `CYCLE` | `false`: an error after the last id |
///
/// Unlike the start of [`Sequence::new`], that of `start_with` is the first id itself.
///
/// ```
/// use seqgen::{Exhausted, Sequence};
///
/// const COUNTDOWN: seqgen::Builder = Sequence::builder().min(0).max(10).step(-5);
///
/// let countdown = COUNTDOWN.build()?;
/// assert_eq!((countdown.next(), countdown.next(), countdown.next()), (Ok(10), Ok(5), Ok(0)));
/// assert_eq!(countdown.next(), Err(Exhausted));
///
/// let again = COUNTDOWN.start_with(5).cycle(true).build()?;
/// assert_eq!((again.next(), again.next(), again.next()), (Ok(5), Ok(0), Ok(10)));
/// # Ok::<(), seqgen::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it builds nothing by itself"]
pub struct Builder {
    min: u64,
    max: Option<u64>,
    step: i64,
    first: Option<u64>,
    cycle: bool,
}

impl Builder {
    pub(crate) const fn new() -> Self {
        Self { min: 1, max: None, step: 1, first: None, cycle: false }
    }

    /// The least id.
    pub const fn min(self, min: u64) -> Self {
        Self { min, ..self }
    }

    /// The greatest id. `max - min + |step|` is at most `u64::MAX`.
    pub const fn max(self, max: u64) -> Self {
        Self { max: Some(max), ..self }
    }

    /// What lies between two ids; ids fall where it is negative. It may be larger than the range,
    /// which then has one id.
    pub const fn step(self, step: i64) -> Self {
        Self { step, ..self }
    }

    /// The first id.
    pub const fn start_with(self, first: u64) -> Self {
        Self { first: Some(first), ..self }
    }

    /// Whether `min` follows the last id (`max`, where ids fall), instead of an error.
    pub const fn cycle(self, cycle: bool) -> Self {
        Self { cycle, ..self }
    }

    const_unless_loom! {
        /// The sequence.
        ///
        /// # Errors
        /// See [`BuildError`].
        pub fn build(self) -> Result<Sequence, BuildError> {
            match self.plan() {
                Ok((rule, first)) => Ok(Sequence::from_parts(rule, first)),
                Err(error) => Err(error),
            }
        }
    }

    /// The rule and the position of the first id.
    pub(crate) const fn plan(self) -> Result<(Rule, u64), BuildError> {
        let max = match self.max {
            Some(max) => max,
            None => match self.min.checked_add(u64::MAX - self.step.unsigned_abs()) {
                Some(max) => max,
                None => u64::MAX,
            },
        };
        let rule = match Rule::between(self.min, max, self.step, self.cycle) {
            Ok(rule) => rule,
            Err(error) => return Err(error),
        };
        let Some(first) = self.first else { return Ok((rule, 0)) };
        match rule.position_of(first) {
            Ok(first) => Ok((rule, first)),
            Err(_) => Err(BuildError::StartOutOfRange { start: first, min: self.min, max }),
        }
    }
}
