//! What criterion measured, read from where it keeps its results.

use super::{Cell, Table, figure, span, strings};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{fs, path::Path};

/// One benchmark's median, in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The group: a family and its workload.
    pub group: String,
    /// The contender.
    pub contender: String,
    /// The median of its samples.
    pub median: f64,
    /// The interval that holds the median with the confidence that criterion was set to.
    pub interval: (f64, f64),
}

/// Every benchmark's latest estimate under criterion's folder, by group and speed.
///
/// # Errors
///
/// If a file there cannot be read or is not what criterion writes.
pub fn read(folder: &Path) -> Result<Vec<Estimate>> {
    let mut estimates = Vec::new();
    visit(folder, &mut estimates)
        .with_context(|| format!("reading criterion's results in {}", folder.display()))?;
    estimates.sort_by(|one, other| {
        one.group.cmp(&other.group).then(one.median.total_cmp(&other.median))
    });
    Ok(estimates)
}

fn visit(folder: &Path, estimates: &mut Vec<Estimate>) -> Result<()> {
    if folder.ends_with("new") && folder.join("estimates.json").exists() {
        estimates.push(estimate(folder)?);
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, estimates)?;
        }
    }
    Ok(())
}

fn estimate(folder: &Path) -> Result<Estimate> {
    let parse = |file: &str| -> Result<Value> {
        Ok(serde_json::from_str(&fs::read_to_string(folder.join(file))?)?)
    };
    let (benchmark, estimates) = (parse("benchmark.json")?, parse("estimates.json")?);
    let text = |key: &str| benchmark[key].as_str().map(str::to_owned).context("no name");
    let median = &estimates["median"];
    let interval = &median["confidence_interval"];
    let number = |value: &Value| value.as_f64().context("no estimate");
    Ok(Estimate {
        group: text("group_id")?,
        contender: text("function_id")?,
        median: number(&median["point_estimate"])?,
        interval: (number(&interval["lower_bound"])?, number(&interval["upper_bound"])?),
    })
}

/// The estimates as a table.
pub(super) fn table(estimates: &[Estimate]) -> Table {
    let row = |estimate: &Estimate| {
        let (lower, upper) = estimate.interval;
        vec![
            Cell::plain(&estimate.group),
            Cell::plain(&estimate.contender),
            Cell::plain(figure(estimate.median)),
            Cell::plain(span(lower, upper, figure)),
        ]
    };
    Table {
        caption: "one contender after the other, not interleaved: drift is not cancelled"
            .to_owned(),
        header: strings(&["workload", "contender", "median, ns", "95 % interval of the median"]),
        rows: estimates.iter().map(row).collect(),
    }
}
