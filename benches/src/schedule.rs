//! Runs the rounds of a case: each contender once a round, so that whatever drifts hits all alike.

use crate::case::{Case, Contender, Role, Round, Unit};
use crate::stats::{Summary, paired};
use crate::team::Sample;
use core::{panic::AssertUnwindSafe, time::Duration};
use std::panic::catch_unwind;

/// A round trip of one line in less than this is *near*: the cores share a cache. In nanoseconds.
pub const NEAR_BELOW: f64 = 250.0;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds that count; one more, shorter one comes first to warm up.
    pub rounds: usize,
    /// How long each contender works in each round.
    pub budget: Duration,
}

impl Plan {
    /// Under a minute for one family on two threads.
    pub const QUICK: Self = Self { rounds: 21, budget: Duration::from_millis(20) };
    /// For figures that are written down.
    pub const FULL: Self = Self { rounds: 61, budget: Duration::from_millis(50) };
}

/// Where the cores were in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distance {
    /// Below [`NEAR_BELOW`] before each contender.
    Near,
    /// Above it before each.
    Far,
    /// They moved within the round.
    Mixed,
}

impl Distance {
    /// In words, for tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Mixed => "mixed",
        }
    }
}

/// What one contender did in a case.
#[derive(Debug)]
pub struct Outcome {
    /// See [`Contender::name`].
    pub name: &'static str,
    /// See [`Contender::package`].
    pub package: Option<&'static str>,
    /// See [`Contender::role`].
    pub role: Role,
    /// A sample for each round; empty where `failure` tells why.
    pub samples: Vec<Sample>,
    /// What it did wrong in its check or in a round: then it has no figures at all.
    pub failure: Option<String>,
}

/// What a case yielded.
#[derive(Debug)]
pub struct Finding {
    /// See [`Case::family`].
    pub family: &'static str,
    /// See [`Case::name`].
    pub name: String,
    /// See [`Case::unit`].
    pub unit: Unit,
    /// In the case's order.
    pub outcomes: Vec<Outcome>,
}

/// Checks each contender, then times those that passed, all of them in each round.
///
/// The order turns by one from round to round and its direction changes, so that nobody always
/// follows the same neighbour. `tick` is called before each round with its number.
pub fn run(case: Case, plan: Plan, mut tick: impl FnMut(usize)) -> Finding {
    let mut lanes: Vec<(Outcome, Round)> = case.contenders.into_iter().map(enter).collect();
    for round in 0..=plan.rounds {
        tick(round);
        let budget = if round == 0 { plan.budget / 4 } else { plan.budget };
        for lane in order(lanes.len(), round) {
            let (outcome, work) = &mut lanes[lane];
            if outcome.failure.is_some() {
                continue;
            }
            match guarded(|| work(budget)) {
                Ok(_) if round == 0 => {}
                Ok(sample) => outcome.samples.push(sample),
                Err(failure) => {
                    outcome.samples.clear();
                    outcome.failure = Some(failure);
                }
            }
        }
    }
    let outcomes = lanes.into_iter().map(|(outcome, _)| outcome).collect();
    Finding { family: case.family, name: case.name, unit: case.unit, outcomes }
}

fn enter(contender: Contender) -> (Outcome, Round) {
    let Contender { name, package, role, check, round } = contender;
    let failure = guarded(check).err();
    (Outcome { name, package, role, samples: Vec::new(), failure }, round)
}

/// A panic is a failure like another: one bad peer does not end the run.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Err(message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
    })
}

/// The contenders' order in a round.
fn order(contenders: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..contenders).collect();
    order.rotate_left(round % contenders.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

impl Outcome {
    /// The figures of the rounds in `rounds`, in the unit of the case.
    pub fn figures(&self, unit: Unit, rounds: &[usize]) -> Option<Summary> {
        Summary::of(self.speeds(rounds).into_iter().flatten().map(|speed| unit.figure(speed)))
    }

    fn speeds(&self, rounds: &[usize]) -> Vec<Option<f64>> {
        rounds.iter().map(|&round| Some(self.samples.get(round)?.speed)).collect()
    }
}

impl Finding {
    /// How often as fast `ours` was as `theirs`, round by round, over the rounds in `rounds`.
    pub fn ratio(&self, ours: &Outcome, theirs: &Outcome, rounds: &[usize]) -> Option<Summary> {
        paired(&ours.speeds(rounds), &theirs.speeds(rounds))
    }

    /// The contender of that name.
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.name == name)
    }

    /// The rounds that were run, by number from 0.
    pub fn rounds(&self) -> Vec<usize> {
        (0..self.outcomes.iter().map(|outcome| outcome.samples.len()).max().unwrap_or(0)).collect()
    }

    /// The distances that were measured in a round, in nanoseconds.
    pub fn distances(&self, round: usize) -> Option<Summary> {
        let samples = self.outcomes.iter().filter_map(|outcome| outcome.samples.get(round));
        Summary::of(samples.filter_map(|sample| sample.distance))
    }

    /// Where the cores were in a round; none where one thread worked alone.
    pub fn distance(&self, round: usize) -> Option<Distance> {
        let distances = self.distances(round)?;
        Some(match (distances.min < NEAR_BELOW, distances.max < NEAR_BELOW) {
            (_, true) => Distance::Near,
            (false, _) => Distance::Far,
            (true, false) => Distance::Mixed,
        })
    }

    /// The rounds at each distance that was seen.
    pub fn rounds_by_distance(&self) -> Vec<(Distance, Vec<usize>)> {
        [Distance::Near, Distance::Far, Distance::Mixed]
            .into_iter()
            .map(|distance| {
                let here = |round: &usize| self.distance(*round) == Some(distance);
                (distance, self.rounds().into_iter().filter(here).collect::<Vec<_>>())
            })
            .filter(|(_, rounds)| !rounds.is_empty())
            .collect()
    }
}
