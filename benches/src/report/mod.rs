//! What a run found, as sections of tables that every output draws in its own way.

pub mod criterion;
pub mod html;
pub mod json;
pub mod markdown;
mod plot;
pub mod terminal;

use crate::case::Role;
use crate::goals::{Goal, Standing};
use crate::schedule::{Distance, FEWEST, Finding, Outcome, Plan};
use crate::stamp::{Stamp, version};
use crate::stats::Summary;
use criterion::Estimate;

/// Everything that a run found.
#[derive(Debug)]
pub struct Report {
    /// Where, when and from what.
    pub stamp: Stamp,
    /// How much was measured.
    pub plan: Plan,
    /// The cases, in the order in which they were run.
    pub findings: Vec<Finding>,
    /// The goals of the families that were run.
    pub goals: Vec<Goal>,
    /// What criterion had measured before, where it was asked.
    pub estimates: Vec<Estimate>,
}

/// How a cell is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// One of ours.
    Ours,
    /// A goal that is reached.
    Good,
    /// A loss, a missed goal, a failure: red, and never left out.
    Bad,
    /// Beside the point, as a floor is.
    Faint,
}

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How it is seen.
    pub tone: Tone,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// What all of it has in common.
    pub caption: String,
    /// The columns.
    pub header: Vec<String>,
    /// As long as the header, each.
    pub rows: Vec<Vec<Cell>>,
}

/// A heading and what stands under it.
#[derive(Debug)]
pub struct Section<'a> {
    /// The heading.
    pub title: String,
    /// The case, where the section is about one.
    pub finding: Option<&'a Finding>,
    /// Its tables.
    pub tables: Vec<Table>,
}

impl Cell {
    fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }

    fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }
}

impl Report {
    /// Whether any contender did its work wrong.
    pub fn has_failures(&self) -> bool {
        self.failures().next().is_some()
    }

    fn failures(&self) -> impl Iterator<Item = &Outcome> {
        let outcomes = self.findings.iter().flat_map(|finding| &finding.outcomes);
        outcomes.filter(|outcome| outcome.failure.is_some())
    }

    /// All of it, the goals first.
    pub fn sections(&self) -> Vec<Section<'_>> {
        let section = |title: &str, table| Section {
            title: title.to_owned(),
            finding: None,
            tables: vec![table],
        };
        let mut sections = Vec::new();
        if !self.goals.is_empty() {
            sections.push(section("Goals", self.goals_table()));
        }
        sections.extend(self.findings.iter().map(|finding| Section {
            title: format!("{}: {}", finding.family, finding.name),
            finding: Some(finding),
            tables: case_tables(finding),
        }));
        if !self.estimates.is_empty() {
            sections.push(section("One thread, by criterion", criterion::table(&self.estimates)));
        }
        sections
    }

    fn goals_table(&self) -> Table {
        let row = |goal: &Goal| {
            let mut row = [
                format!("{}: {}", goal.family, goal.case),
                goal.ours.to_owned(),
                goal.bound.words(),
            ]
            .map(Cell::plain)
            .to_vec();
            match goal.standing(&self.findings) {
                Standing::NotMeasured => {
                    row.push(Cell::new("not measured", Tone::Faint));
                    row.extend([Cell::new("", Tone::Faint), Cell::plain(goal.against())]);
                }
                Standing::Measured { peer, ratio, reached } => {
                    let (verdict, tone) =
                        if reached { ("reached", Tone::Good) } else { ("MISSED", Tone::Bad) };
                    row.extend([Cell::new(times(ratio), tone), Cell::new(verdict, tone)]);
                    row.push(Cell::plain(peer));
                }
            }
            row
        };
        Table {
            caption:
                "against the peer that is hardest to beat: median of the ratios of each round \
                      (middle half)"
                    .to_owned(),
            header: strings(&["case", "ours", "goal", "measured", "", "against"]),
            rows: self.goals.iter().map(row).collect(),
        }
    }
}

/// One table over the rounds that count; one for each distance, where several were seen often.
fn case_tables(finding: &Finding) -> Vec<Table> {
    let counted = finding.counted();
    let mut tables = vec![case_table(finding, &counted, &caption(finding, &counted))];
    let often = |(distance, rounds): &(Distance, Vec<usize>)| {
        matches!(distance, Distance::Near | Distance::Far) && rounds.len() >= FEWEST
    };
    let often: Vec<_> = finding.rounds_by_distance().into_iter().filter(often).collect();
    if often.len() > 1 {
        tables.extend(often.iter().map(|(distance, rounds)| {
            let caption = format!("{}: {} rounds alone", distance.word(), rounds.len());
            case_table(finding, rounds, &caption)
        }));
    }
    tables
}

fn caption(finding: &Finding, counted: &[usize]) -> String {
    let seen = finding.rounds_by_distance();
    let seen = seen.iter().map(|(distance, here)| format!("{} {}", here.len(), distance.word()));
    let seen = seen.collect::<Vec<_>>().join(", ");
    let trips = counted.iter().filter_map(|&round| Some(finding.distances(round)?.median));
    let whereabouts = Summary::of(trips).map_or_else(String::new, |trip| {
        format!(" out of {seen} (one-line round trip {:.0} ns)", trip.median)
    });
    let (symbol, direction) = (finding.unit.symbol(), finding.unit.direction());
    format!(
        "{symbol}, {direction}; ratios of speeds, above 1 ours is faster; {} rounds{whereabouts}",
        counted.len()
    )
}

fn case_table(finding: &Finding, rounds: &[usize], caption: &str) -> Table {
    let ours: Vec<_> = finding.outcomes.iter().filter(|one| one.role == Role::Ours).collect();
    let mut header = strings(&["contender", "version", finding.unit.symbol(), "middle half"]);
    header.extend(ours.iter().map(|ours| format!("{} over it", ours.name)));
    let rows = finding.outcomes.iter().map(|one| {
        let tone = match one.role {
            Role::Ours => Tone::Ours,
            Role::Peer => Tone::Plain,
            Role::Floor => Tone::Faint,
        };
        let mut row = vec![Cell::new(one.name, tone), Cell::plain(origin(one))];
        match (one.figures(finding.unit, rounds), &one.failure) {
            (Some(figures), _) => {
                row.push(Cell::new(figure(figures.median), tone));
                row.push(Cell::plain(span(figures.lower, figures.upper, figure)));
            }
            (None, failure) => {
                let reason = failure.as_deref().unwrap_or("not timed");
                row.push(Cell::new("FAILED", Tone::Bad));
                row.push(Cell::new(reason, Tone::Bad));
            }
        }
        row.extend(ours.iter().map(|ours| ratio_cell(finding, ours, one, rounds)));
        row
    });
    Table { caption: caption.to_owned(), rows: rows.collect(), header }
}

/// Red is what reads as less than 1; a floor is nobody to lose against.
fn ratio_cell(finding: &Finding, ours: &Outcome, other: &Outcome, rounds: &[usize]) -> Cell {
    match (other.role, finding.ratio(ours, other, rounds)) {
        (Role::Ours, _) | (_, None) => Cell::new("-", Tone::Faint),
        (Role::Floor, Some(ratio)) => Cell::new(times(ratio), Tone::Faint),
        (Role::Peer, Some(ratio)) => {
            Cell::new(times(ratio), if ratio.median < 0.995 { Tone::Bad } else { Tone::Plain })
        }
    }
}

fn origin(outcome: &Outcome) -> String {
    match (outcome.role, outcome.package) {
        (Role::Floor, _) => String::new(),
        (_, package) => format!("{} {}", package.unwrap_or("std"), version(package)),
    }
}

fn times(ratio: Summary) -> String {
    let two = |value: f64| format!("{value:.2}");
    format!("{:.2}x ({})", ratio.median, span(ratio.lower, ratio.upper, two))
}

fn span(lower: f64, upper: f64, figure: impl Fn(f64) -> String) -> String {
    format!("{} to {}", figure(lower), figure(upper))
}

/// Three digits, more before the point where there are more.
fn figure(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        9.995..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
