//! What the structures are to reach against their peers, and whether a run shows it.

use crate::schedule::Finding;
use crate::stats::Summary;

/// What a ratio is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Our speed is at least this many times theirs.
    SpeedAtLeast(f64),
    /// Our time for an operation is at most this many times theirs.
    TimeAtMost(f64),
}

/// One goal: one of ours against the best of some peers in one case.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// The family whose case it is.
    pub family: &'static str,
    /// The case's name.
    pub case: &'static str,
    /// Ours, by name.
    pub ours: &'static str,
    /// The peers, by name: the one that is hardest to beat decides.
    pub peers: &'static [&'static str],
    /// What to reach.
    pub bound: Bound,
}

/// How a goal stands after a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// The ratio was measured.
    Measured {
        /// The peer that was hardest to beat.
        peer: &'static str,
        /// The ratio in the bound's own terms: of speeds, or of times.
        ratio: Summary,
        /// Whether its median keeps the bound.
        reached: bool,
    },
    /// The case was not run, or a contender of it failed.
    NotMeasured,
}

impl Bound {
    /// The bound in words.
    pub fn words(self) -> String {
        match self {
            Self::SpeedAtLeast(bound) => format!("speed at least {bound}x"),
            Self::TimeAtMost(bound) => format!("time at most {bound}x"),
        }
    }

    /// A ratio of speeds in the bound's own terms.
    fn terms(self, speed: Summary) -> Summary {
        match self {
            Self::SpeedAtLeast(_) => speed,
            Self::TimeAtMost(_) => Summary {
                min: speed.max.recip(),
                lower: speed.upper.recip(),
                median: speed.median.recip(),
                upper: speed.lower.recip(),
                max: speed.min.recip(),
            },
        }
    }

    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::SpeedAtLeast(bound) => ratio >= bound,
            Self::TimeAtMost(bound) => ratio <= bound,
        }
    }
}

impl Goal {
    /// Whom it is measured against, in words.
    pub fn against(&self) -> String {
        let best = if self.peers.len() > 1 { "best of " } else { "" };
        format!("{best}{}", self.peers.join(", "))
    }

    /// How it stands after `findings`.
    ///
    /// A goal against the best of several is measured only if all of them were.
    pub fn standing(&self, findings: &[Finding]) -> Standing {
        self.hardest(findings).map_or(Standing::NotMeasured, |(peer, speed)| {
            let ratio = self.bound.terms(speed);
            Standing::Measured { peer, ratio, reached: self.bound.holds(ratio.median) }
        })
    }

    fn hardest(&self, findings: &[Finding]) -> Option<(&'static str, Summary)> {
        let finding =
            findings.iter().find(|found| found.family == self.family && found.name == self.case)?;
        let ours = finding.outcome(self.ours)?;
        let rounds = finding.counted();
        let ratios = self
            .peers
            .iter()
            .map(|peer| Some((*peer, finding.ratio(ours, finding.outcome(peer)?, &rounds)?)));
        let ratios: Vec<_> = ratios.collect::<Option<_>>()?;
        ratios.into_iter().min_by(|(_, one), (_, other)| one.median.total_cmp(&other.median))
    }
}
