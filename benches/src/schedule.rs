//! Runs the rounds of a case: each contender once a round, so that whatever drifts hits all alike.

use crate::case::{Case, Contender, Role, Round, Unit};
use crate::stats::{Summary, paired};
use crate::team::Sample;
use core::{panic::AssertUnwindSafe, time::Duration};
use std::panic::catch_unwind;

/// A round trip of one line in less than this is *near*: the cores share a cache. In nanoseconds.
pub const NEAR_BELOW: f64 = 250.0;

/// A round trip that takes longer than this is none between two cores: the system let the threads
/// take turns. In nanoseconds.
pub const CROWDED_ABOVE: f64 = 5_000.0;

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds that count. A shorter one comes first to warm up; a crowded one is made good by
    /// another, as long as there are not more than twice as many.
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

/// Fewer rounds than these have no median worth a table.
pub const FEWEST: usize = 3;

/// Where the cores were in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Distance {
    /// Below [`NEAR_BELOW`] before each contender.
    Near,
    /// Above it before each.
    Far,
    /// They moved within the round.
    Mixed,
    /// Before some contender, the threads were not running side by side: another program took a
    /// core. Such a round says nothing about two cores and is set aside.
    Crowded,
}

impl Distance {
    fn of(distances: Summary) -> Self {
        match distances {
            Summary { max, .. } if max > CROWDED_ABOVE => Self::Crowded,
            Summary { max, .. } if max < NEAR_BELOW => Self::Near,
            Summary { min, .. } if min >= NEAR_BELOW => Self::Far,
            _ => Self::Mixed,
        }
    }

    /// In words, for tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Mixed => "mixed",
            Self::Crowded => "crowded",
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
/// follows the same neighbour. `tick` is called after each round with how many count by then.
pub fn run(case: Case, plan: Plan, mut tick: impl FnMut(usize)) -> Finding {
    let mut lanes: Vec<(Outcome, Round)> = case.contenders.into_iter().map(enter).collect();
    work(&mut lanes, 0, plan.budget / 4);
    for (outcome, _) in &mut lanes {
        outcome.samples.clear();
    }
    let mut counted = 0;
    for round in 1..=2 * plan.rounds {
        let distances = work(&mut lanes, round, plan.budget);
        counted += usize::from(distances.map(Distance::of) != Some(Distance::Crowded));
        tick(counted);
        if counted == plan.rounds {
            break;
        }
    }
    let outcomes = lanes.into_iter().map(|(outcome, _)| outcome).collect();
    Finding { family: case.family, name: case.name, unit: case.unit, outcomes }
}

/// One round; returns the distances that were measured in it.
fn work(lanes: &mut [(Outcome, Round)], round: usize, budget: Duration) -> Option<Summary> {
    let mut distances = Vec::new();
    for lane in order(lanes.len(), round) {
        let (outcome, work) = &mut lanes[lane];
        if outcome.failure.is_some() {
            continue;
        }
        match guarded(|| work(budget)) {
            Ok(sample) => {
                distances.extend(sample.distance);
                outcome.samples.push(sample);
            }
            Err(failure) => {
                outcome.samples.clear();
                outcome.failure = Some(failure);
            }
        }
    }
    Summary::of(distances)
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
        self.distances(round).map(Distance::of)
    }

    /// The rounds that count: those that were not crowded, or all where hardly any was not.
    pub fn counted(&self) -> Vec<usize> {
        let clear = |round: &usize| self.distance(*round) != Some(Distance::Crowded);
        let (clear, crowded): (Vec<_>, Vec<_>) = self.rounds().into_iter().partition(clear);
        if clear.len() >= FEWEST { clear } else { [clear, crowded].concat() }
    }

    /// The rounds at each distance that was seen.
    pub fn rounds_by_distance(&self) -> Vec<(Distance, Vec<usize>)> {
        [Distance::Near, Distance::Far, Distance::Mixed, Distance::Crowded]
            .into_iter()
            .map(|distance| {
                let here = |round: &usize| self.distance(*round) == Some(distance);
                (distance, self.rounds().into_iter().filter(here).collect::<Vec<_>>())
            })
            .filter(|(_, rounds)| !rounds.is_empty())
            .collect()
    }
}
