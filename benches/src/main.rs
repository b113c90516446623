//! Times the structures against their peers, where there is no toolchain too.

use anyhow::{Context as _, Result, ensure};
use benches::case::Case;
use benches::contenders::{FAMILIES, Family};
use benches::report::{Report, criterion, html, json, markdown, terminal};
use benches::schedule::{self, Finding, Plan};
use benches::stamp::Stamp;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Write as _, stdout};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Times the structures of atomworks against their peers, interleaved round by round.
///
/// Exits with 1 if a contender did its work wrong. A missed goal is reported and is no failure.
#[derive(Debug, Parser)]
#[command(name = "atomworks-bench", version)]
struct Arguments {
    /// Families to run; all of them without it.
    #[arg(long, value_delimiter = ',')]
    families: Vec<String>,
    /// Numbers of threads for the workloads that take any.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Only cases with this in their name, as "round trip".
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    only: String,
    /// 21 rounds of 20 ms a contender: this is the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// 61 rounds of 50 ms a contender: for figures that are written down.
    #[arg(long)]
    full: bool,
    /// Writes every sample here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the tables here.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Writes one page with tables and plots here; it needs no other file and no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Adds what criterion left in this folder to the report.
    #[arg(long, value_name = "FOLDER")]
    criterion: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    ensure!(!arguments.threads.contains(&0), "a team needs at least one thread");
    let families = families(&arguments.families)?;
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures mean nothing");
    }
    let plan = if arguments.full { Plan::FULL } else { Plan::QUICK };
    let stamp = Stamp::now();
    let report = Report {
        stamp,
        plan,
        findings: measure(cases(&families, &arguments), plan),
        goals: families.iter().flat_map(|family| family.goals).copied().collect(),
        estimates: arguments.criterion.as_deref().map_or(Ok(Vec::new()), criterion::read)?,
    };

    let colour = stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
    stdout().write_all(terminal::render(&report, colour).as_bytes())?;
    let outputs = [
        (&arguments.json, format!("{:#}\n", json::render(&report))),
        (&arguments.markdown, markdown::render(&report)),
        (&arguments.html, html::render(&report)),
    ];
    for (path, text) in outputs {
        if let Some(path) = path {
            write(path, &text)?;
        }
    }
    Ok(ExitCode::from(u8::from(report.has_failures())))
}

fn families(names: &[String]) -> Result<Vec<Family>> {
    if names.is_empty() {
        return Ok(FAMILIES.to_vec());
    }
    let known = || FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        let family = FAMILIES.iter().find(|family| family.name == name).copied();
        family.with_context(|| format!("no family is called {name}; there are {}", known()))
    };
    names.iter().map(find).collect()
}

fn cases(families: &[Family], arguments: &Arguments) -> Vec<Case> {
    let cases = families.iter().flat_map(|family| (family.cases)(&arguments.threads));
    let all = arguments.full || !arguments.only.is_empty();
    cases
        .filter(|case| all || !case.full_only)
        .filter(|case| case.name.contains(&arguments.only))
        .collect()
}

fn measure(cases: Vec<Case>, plan: Plan) -> Vec<Finding> {
    let rounds = cases.len() * plan.rounds;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} rounds, {eta} left: {msg}");
    let bar = ProgressBar::new(rounds as u64).with_style(style.expect("the template is right"));
    let findings = cases.into_iter().map(|case| {
        bar.set_message(format!("{}: {}", case.family, case.name));
        let before = bar.position();
        let finding = schedule::run(case, plan, |round| bar.set_position(before + round as u64));
        bar.set_position(before + plan.rounds as u64);
        finding
    });
    let findings = findings.collect();
    bar.finish_and_clear();
    findings
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
