//! Plots as SVG that stands in the page.

use super::{figure, html::escape};
use crate::case::Role;
use crate::schedule::{Finding, NEAR_BELOW, Outcome};
use crate::team::float;
use core::fmt::Write as _;

const WIDTH: f64 = 900.0;
const LABELS: f64 = 210.0;
const ROW: f64 = 26.0;
const RIGHT: f64 = 70.0;

/// A row for each contender: a dot a round, hollow where the cores were not near, a bar over the
/// middle half, a mark at the median. The scale is logarithmic, so that equal ratios are equally
/// far.
pub(super) fn rounds(finding: &Finding) -> String {
    let timed: Vec<&Outcome> =
        finding.outcomes.iter().filter(|outcome| !outcome.samples.is_empty()).collect();
    let figures = timed.iter().flat_map(|outcome| &outcome.samples);
    let figures: Vec<f64> = figures.map(|sample| finding.unit.figure(sample.speed)).collect();
    let Some(scale) = Scale::around(&figures) else { return String::new() };

    let height = ROW * float(timed.len() as u64) + 34.0;
    let mut out = open(height, &format!("{}, each round of each contender", finding.name));
    for tick in scale.ticks() {
        let x = scale.x(tick);
        let _ = writeln!(
            out,
            "<line class=\"rule\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{:.1}\"/>\
             <text class=\"faint\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            height - 30.0,
            height - 16.0,
            figure(tick),
        );
    }
    let _ = writeln!(
        out,
        "<text class=\"faint\" x=\"{WIDTH}\" y=\"{:.1}\" text-anchor=\"end\">{}, {}</text>",
        height - 2.0,
        finding.unit.symbol(),
        finding.unit.direction(),
    );
    for (row, outcome) in timed.iter().enumerate() {
        out += &contender(finding, outcome, &scale, ROW * (float(row as u64) + 0.5));
    }
    out + "</svg>\n"
}

fn contender(finding: &Finding, outcome: &Outcome, scale: &Scale, y: f64) -> String {
    let class = match outcome.role {
        Role::Ours => "ours",
        Role::Peer => "peer",
        Role::Floor => "floor",
    };
    let mut out = format!("<text x=\"0\" y=\"{:.1}\">{}</text>\n", y + 4.0, escape(outcome.name));
    for sample in &outcome.samples {
        let far = sample.distance.is_some_and(|distance| distance >= NEAR_BELOW);
        let away = if far { " away" } else { "" };
        let x = scale.x(finding.unit.figure(sample.speed));
        let _ = write!(out, "<circle class=\"{class}{away}\" cx=\"{x:.1}\" cy=\"{y}\" r=\"2.5\"/>");
    }
    if let Some(figures) = outcome.figures(finding.unit, &finding.counted()) {
        let (left, right) = (scale.x(figures.lower), scale.x(figures.upper));
        let middle = scale.x(figures.median);
        let _ = writeln!(
            out,
            "<rect class=\"{class} box\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\"/>\
             <line class=\"{class} mark\" x1=\"{middle:.1}\" x2=\"{middle:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            y - 7.0,
            right - left,
            y - 9.0,
            y + 9.0,
            WIDTH - RIGHT + 14.0,
            y + 4.0,
            figure(figures.median),
        );
    }
    out
}

/// The distance before every sample, in the order of time, or nothing where none was measured.
pub(super) fn distances(findings: &[Finding]) -> String {
    const HEIGHT: f64 = 160.0;
    let all: Vec<f64> = findings
        .iter()
        .flat_map(|finding| {
            let samples = |round: usize| {
                let samples = finding.outcomes.iter().filter_map(move |one| one.samples.get(round));
                samples.filter_map(|sample| sample.distance)
            };
            finding.rounds().into_iter().flat_map(samples)
        })
        .collect();
    let Some(most) = all.iter().copied().reduce(f64::max) else { return String::new() };
    let top = most.max(2.0 * NEAR_BELOW);
    let y = |distance: f64| (HEIGHT - 10.0) * (1.0 - distance / top) + 5.0;
    let mut out = open(HEIGHT, "the distance between the cores over the run");
    for (value, name) in [
        (0.0, "0".to_owned()),
        (NEAR_BELOW, "near, 250 ns".to_owned()),
        (top, format!("{top:.0} ns")),
    ] {
        let _ = writeln!(
            out,
            "<line class=\"rule\" x1=\"90\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text class=\"faint\" x=\"0\" y=\"{1:.1}\">{name}</text>",
            y(value),
            y(value) + 4.0,
        );
    }
    let step = (WIDTH - 100.0) / float(all.len() as u64);
    for (place, &distance) in all.iter().enumerate() {
        let x = 95.0 + step * float(place as u64);
        let _ = write!(
            out,
            "<circle class=\"peer\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"1.5\"/>",
            y(distance)
        );
    }
    out + "</svg>\n"
}

fn open(height: f64, label: &str) -> String {
    let label = escape(label);
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n")
}

/// A logarithmic axis.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn around(figures: &[f64]) -> Option<Self> {
        let low = figures.iter().copied().reduce(f64::min)?;
        let high = figures.iter().copied().reduce(f64::max)?;
        Some(Self { low: low / 1.1, high: high * 1.1 })
    }

    fn x(&self, figure: f64) -> f64 {
        let share = (figure / self.low).ln() / (self.high / self.low).ln();
        LABELS + share * (WIDTH - LABELS - RIGHT)
    }

    /// 1, 2 and 5 times each power of ten that lies on it.
    fn ticks(&self) -> Vec<f64> {
        (-3..=9)
            .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10.0_f64.powi(power)))
            .filter(|tick| (self.low..=self.high).contains(tick))
            .collect()
    }
}
