//! Inputs guided by coverage, for each structure beside a sequential twin: `fuzz/fuzz_targets`.
//!
//! The compiler's own passes count the edges, on a stable toolchain too, and libFuzzer is built from its
//! crate. Where the compiler came with `AddressSanitizer`, the inputs run under it.

use core::time::Duration;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};

use super::{
    Ready, Rung,
    context::Context,
    table::{Row, Verdict},
    toolchain::Toolchain,
};
use crate::{
    cargo::{self, Face},
    process, workspace,
    workspace::Crate,
};

/// How long each target runs.
const TIME: Duration = Duration::from_secs(40);
/// What makes the compiler count edges and show comparisons to libFuzzer.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Fuzz(Option<Toolchain>);

impl Rung for Fuzz {
    fn prepare(&mut self, _: &Context) -> Result<Ready> {
        let mut compiler = Command::new("c++");
        compiler.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        if !compiler.status().is_ok_and(|status| status.success()) {
            return Ok(Ready::No(
                "libFuzzer needs a C++ compiler, and there is no `c++`".to_owned(),
            ));
        }
        self.0 = Some(Toolchain::in_use()?);
        Ok(Ready::Yes)
    }

    /// A target is one thread.
    fn is_for_one_core(&self) -> bool {
        true
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let Some(toolchain) = &self.0 else { return Ok(Vec::new()) };
        let target = workspace::root().join("fuzz/fuzz_targets").join(&one.name);
        if !target.with_extension("rs").exists() {
            let (verdict, why) = if one.is_structure() {
                (Verdict::Failed, "has no target in fuzz/fuzz_targets")
            } else {
                (Verdict::Skipped, "what it has is no structure with a sequential twin")
            };
            return Ok(vec![Row::new(one, "", verdict, why.to_owned())]);
        }
        let executable = match build(context, toolchain, &one.name)? {
            Ok(executable) => executable,
            Err(output) => {
                let log = context.log(&format!("fuzz-{}", one.name), &output)?;
                let why = format!("does not build, see {log}");
                return Ok(vec![Row::new(one, "", Verdict::Failed, why)]);
            }
        };
        let folder = context.dir().join("fuzz");
        let (corpus, found) = (folder.join("corpus").join(&one.name), folder.join("found"));
        for dir in [&corpus, &found] {
            fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        }
        let time = context.share(TIME);
        let mut command = Command::new(executable);
        command.arg(format!("-max_total_time={}", time.as_secs()));
        command.arg(format!("-artifact_prefix={}/{}-", found.display(), one.name));
        command.args(["-timeout=30", "-rss_limit_mb=4096", "-print_final_stats=1"]).arg(&corpus);
        let outcome = process::run(command, time + Duration::from_mins(2))?;
        let told = inputs_and_edges(&outcome.output);
        let (what, verdict, note) = match told {
            Some((inputs, edges)) if outcome.success() => {
                let with = if toolchain.runtime("asan").is_some() { ", under asan" } else { "" };
                (format!("{inputs} inputs, {edges} edges{with}"), Verdict::Passed, String::new())
            }
            _ => {
                let log = context.log(&format!("fuzz-{}", one.name), &outcome.output)?;
                let why = format!("{}, see {log} and {}", outcome.describe(), found.display());
                (String::new(), Verdict::Failed, why)
            }
        };
        Ok(vec![Row::new(one, &what, verdict, note).took(outcome.elapsed)])
    }
}

/// The executable of the target `name`, or what the compiler said.
fn build(context: &Context, toolchain: &Toolchain, name: &str) -> Result<Result<PathBuf, String>> {
    let target_dir = context.dir().join("fuzz/target");
    let mut flags = COVERAGE.map(str::to_owned).to_vec();
    let mut build = cargo::cargo(Face::Real);
    if toolchain.runtime("asan").is_some() {
        flags.push("-Zsanitizer=address".to_owned());
        build.env("RUSTC_BOOTSTRAP", "1");
    }
    build.current_dir(workspace::root().join("fuzz")).env("CARGO_INCREMENTAL", "0");
    build.env("CARGO_TARGET_DIR", &target_dir).env_remove("RUSTFLAGS");
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    // For the host by name: build scripts are then built without these flags.
    build.args(["build", "--release", "--target", &toolchain.host, "--bin", name]);
    let outcome = process::run(build, Duration::from_mins(20))?;
    if !outcome.success() {
        return Ok(Err(outcome.output));
    }
    Ok(Ok(target_dir.join(&toolchain.host).join("release").join(name)))
}

/// How many inputs were run, and how many edges they have covered, as libFuzzer tells it.
fn inputs_and_edges(output: &str) -> Option<(u64, u64)> {
    let after = |line: &str, key: &str| {
        let (_, rest) = line.rsplit_once(key)?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let inputs =
        output.lines().rev().find_map(|line| after(line, "stat::number_of_executed_units:"))?;
    let edges = output.lines().rev().find_map(|line| after(line, " cov: "))?;
    Some((inputs, edges))
}

#[cfg(test)]
mod tests {
    use super::inputs_and_edges;

    #[test]
    fn what_libfuzzer_tells_is_read() {
        let output = "#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 30Mb\n\
                      #524288\tpulse  cov: 312 ft: 990 corp: 88/1Kb lim: 4096 exec/s: 8000\n\
                      Done 600000 runs in 61 second(s)\n\
                      stat::number_of_executed_units: 600000\nstat::peak_rss_mb: 500\n";
        assert_eq!(inputs_and_edges(output), Some((600_000, 312)));
        assert_eq!(inputs_and_edges("==1==ERROR: AddressSanitizer"), None);
    }
}
