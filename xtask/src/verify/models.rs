//! The loom models with more preemptions than the floors were measured with, and those that take long
//! as it is.

use core::time::Duration;

use anyhow::Result;

use super::{
    Ready, Rung,
    context::Context,
    table::{Row, Verdict},
};
use crate::{
    cargo::{self, Face, Test},
    process::{self, Outcome},
    test_loom,
    workspace::Crate,
};

/// How long a model may explore.
const LIMIT: Duration = Duration::from_secs(10);
/// How long one that is deep as it is may.
const DEEP_LIMIT: Duration = Duration::from_mins(2);
/// By how many preemptions the bounds grow; the last where that was quick with the one before.
const DEEPER: [usize; 2] = [1, 2];
/// The exit code of a test that stopped at its limit: the testkit's `model::STOPPED`.
const STOPPED: i32 = 75;

/// Models that are not explored more deeply: loom would go to another thread within an unwinding, and
/// its own locks, which take all threads for one, would be poisoned.
const NOT_DEEPER: [&str; 1] = ["who_waits_is_woken_by_a_loss"];

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Models(Vec<Test>);

impl Rung for Models {
    /// Builds all of them at once: what they stand on is then built once.
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        let packages: Vec<_> = context.crates().iter().map(|one| one.name.as_str()).collect();
        self.0 = cargo::build_tests(cargo::cargo(Face::Modelled), &packages, "loom")?;
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        // Those that must fail have failed at the usual bound.
        let tests = self.0.iter().filter(|test| test.package == one.name && !test.is_twin());
        let (left_out, tests): (Vec<_>, Vec<_>) =
            tests.partition(|test| NOT_DEEPER.contains(&test.name.as_str()));
        let runs = process::on_every_core(tests, |test| {
            let (depths, limit): (&[_], _) =
                if test.is_deep() { (&[0], DEEP_LIMIT) } else { (&DEEPER, LIMIT) };
            let limit = context.share(limit);
            let mut runs = Vec::new();
            for &deeper in depths {
                let mut command = command(test, deeper, limit);
                if test.is_deep() {
                    command.env("ATOMWORKS_DEEP", "1");
                }
                let outcome = process::run(command, 10 * limit)?;
                let again = outcome.success() && outcome.elapsed < limit / 20;
                runs.push((deeper, outcome));
                if !again {
                    break;
                }
            }
            anyhow::Ok((test, runs))
        });
        let why = "loom's own locks do not stand a switch within an unwinding";
        let skip = |test: &Test| Row::new(one, &test.name, Verdict::Skipped, why.to_owned());
        let mut rows: Vec<_> = left_out.into_iter().map(skip).collect();
        for run in runs {
            let (test, outcomes) = run?;
            // A second one that was stopped takes nothing from the first.
            let passed = outcomes.iter().rposition(|(_, outcome)| outcome.success());
            let failed = outcomes.iter().rposition(|(_, outcome)| is_failure(outcome));
            let told = failed.or(passed).unwrap_or_default();
            if let Some((deeper, outcome)) = outcomes.get(told) {
                rows.push(row(context, one, test, *deeper, outcome)?);
            }
        }
        Ok(rows)
    }
}

/// Runs a model with `deeper` more preemptions, for at most `limit`.
pub(super) fn command(test: &Test, deeper: usize, limit: Duration) -> std::process::Command {
    let mut command = test.command();
    command.env("ATOMWORKS_DEEPER", deeper.to_string());
    command.env("ATOMWORKS_MODEL_SECONDS", limit.as_secs().max(1).to_string());
    command
}

/// Whether a model failed; one that ran out of time has not.
pub(super) fn is_failure(outcome: &Outcome) -> bool {
    outcome.status.is_some_and(|status| !status.success() && status.code() != Some(STOPPED))
}

fn row(
    context: &Context,
    one: &Crate,
    test: &Test,
    deeper: usize,
    outcome: &Outcome,
) -> Result<Row> {
    let (verdict, note) = match outcome.status {
        Some(status) if status.success() => (Verdict::Passed, told(&outcome.output)),
        Some(_) if is_failure(outcome) => {
            (Verdict::Failed, context.fault(&format!("models-{}", test.file_name()), outcome)?)
        }
        _ => (Verdict::Inconclusive, told(&outcome.output)),
    };
    let what = match deeper {
        0 => test.name.clone(),
        _ => format!("{}, {deeper} deeper", test.name),
    };
    Ok(Row::new(one, &what, verdict, note).took(outcome.elapsed))
}

/// What the models of a test told of themselves, the last last.
fn told(output: &str) -> String {
    let lines = output.lines().map(test_loom::told_in);
    let told = lines.filter_map(|line| line.strip_prefix("model ")?.split_once(": "));
    let told: Vec<_> = told.map(|(_, told)| told).collect();
    if told.is_empty() { "ran out of time".to_owned() } else { told.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn models_are_quoted() {
        let output = "test a ... model one: 12 iterations, 0.10 s, preemption bound 3\n\
                      model two: stopped after 7 iterations, 20.00 s, preemption bound 3\nother\n";
        let expected = "12 iterations, 0.10 s, preemption bound 3; \
                        stopped after 7 iterations, 20.00 s, preemption bound 3";
        assert_eq!(told(output), expected);
        assert_eq!(told("nothing\n"), "ran out of time");
    }
}
