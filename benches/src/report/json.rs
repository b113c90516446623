//! The report as JSON, with every sample: for those who want another statistic.

use super::Report;
use crate::goals::{Goal, Standing};
use crate::schedule::{Finding, Outcome};
use crate::stamp::version;
use serde_json::{Value, json};

/// The whole report.
pub fn render(report: &Report) -> Value {
    let stamp = report.stamp.rows().map(|(name, value)| (name.to_owned(), Value::from(value)));
    json!({
        "stamp": Value::Object(stamp.into_iter().collect()),
        "near_below_ns": crate::schedule::NEAR_BELOW,
        "rounds": report.plan.rounds,
        "budget_ms": report.plan.budget.as_secs_f64() * 1e3,
        "cases": report.findings.iter().map(case).collect::<Vec<_>>(),
        "goals": report.goals.iter().map(|one| goal(one, &report.findings)).collect::<Vec<_>>(),
    })
}

fn case(finding: &Finding) -> Value {
    let contender = |outcome: &Outcome| {
        let samples = outcome.samples.iter().map(|sample| {
            json!({ "figure": finding.unit.figure(sample.speed), "distance_ns": sample.distance })
        });
        json!({
            "name": outcome.name,
            "package": outcome.package.unwrap_or("std"),
            "version": version(outcome.package),
            "role": format!("{:?}", outcome.role),
            "failure": outcome.failure,
            "rounds": samples.collect::<Vec<_>>(),
        })
    };
    json!({
        "family": finding.family,
        "case": finding.name,
        "unit": finding.unit.symbol(),
        "contenders": finding.outcomes.iter().map(contender).collect::<Vec<_>>(),
    })
}

fn goal(goal: &Goal, findings: &[Finding]) -> Value {
    let mut value = json!({
        "family": goal.family,
        "case": goal.case,
        "ours": goal.ours,
        "bound": goal.bound.words(),
        "against": goal.against(),
    });
    if let Standing::Measured { peer, ratio, reached } = goal.standing(findings) {
        value["hardest"] = peer.into();
        value["ratio"] = ratio.median.into();
        value["reached"] = reached.into();
    }
    value
}
