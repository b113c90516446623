//! Mutation testing by cargo-mutants: of the packed words, as pure functions, and of the algorithms.
//!
//! It replaces bodies and operators, not orderings. The tests of one thread judge each mutant, and the
//! models those that survive that: what both miss is something that nothing looks at. Those that are
//! known stand in `xtask/survivors.md`, each with a reason; another one fails the rung. A run of the
//! default length tries each mutant of the words and every third of the algorithms.

mod jury;
mod survivors;

use core::time::Duration;
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use jury::Jury;
pub(crate) use jury::{Args, run};
use survivors::{Survivor, pattern, without_place};

use super::{
    Ready, Rung,
    context::{Context, MINUTES},
    kept,
    table::{Row, Verdict},
};
use crate::{
    process,
    workspace::{self, Crate},
};

/// How long the mutants of one crate may take, with another's at its side, where that much is left.
const TIME: Duration = Duration::from_mins(8);
/// Of how many mutants of the algorithms one is tried in a run of the default length.
const SAMPLE: u64 = 3;

/// Mutants that show nothing: of texts for debugging, and those that never compile.
const NO_MUTANTS: [&str; 3] = ["impl (fmt::)?(Debug|Display)", "Box::leak", "NonNull::"];

/// Where the tool keeps what it need not try again, and we what it missed, in a jury's folder.
const PASSED_OVER: &str = "mutants.out/previously_caught.txt";
const MISSED: &str = "missed.txt";

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Mutants {
    tool: PathBuf,
    known: Vec<Survivor>,
    /// For each crate.
    time: Duration,
}

impl Rung for Mutants {
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        self.known = survivors::known()?;
        let own = context.dir().join("tools/bin/cargo-mutants");
        self.tool = if own.exists() || !answers(Path::new("cargo-mutants")) {
            own
        } else {
            PathBuf::from("cargo-mutants")
        };
        if !answers(&self.tool) {
            eprintln!("    cargo install cargo-mutants, into target/verify/tools");
            let mut install = crate::cargo::cargo(crate::cargo::Face::Real);
            install.args(["install", "--quiet", "--locked", "cargo-mutants", "--root"]);
            install.arg(context.dir().join("tools"));
            let outcome = process::run(install, Duration::from_mins(20))?;
            if !outcome.success() {
                let log = context.log("mutants-install", &outcome.output)?;
                return Ok(Ready::No(format!("cargo-mutants cannot be installed, see {log}")));
            }
        }
        // Ends a tool with all that it has started; a kill would leave the tests of a mutant behind.
        if !answers(Path::new("timeout")) {
            return Ok(Ready::No("there is no `timeout`".to_owned()));
        }
        // Of what is left now that the tool is there.
        let crates = context.crates().len().div_ceil(process::cores());
        let crates = u32::try_from(crates).unwrap_or(u32::MAX).max(1);
        self.time = context.share(TIME).min(context.left() / crates);
        Ok(Ready::Yes)
    }

    /// Builds take one core.
    fn is_for_one_core(&self) -> bool {
        true
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let files = files(one)?;
        if files.is_empty() {
            let why = "no packed word and no algorithm".to_owned();
            return Ok(vec![Row::new(one, "", Verdict::Skipped, why)]);
        }
        // What is found of other sources lies in another folder, and is not gone on with.
        let folder = context.dir().join("mutants").join(&one.name);
        let folder = folder.join(kept::fingerprint(context, "mutants", one, &[])?);
        let started = Instant::now();
        let until = started + self.time;
        let mut tally = Tally::default();
        // The words first: the tool itself goes by the names of the files.
        let (words, algorithms): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| is_state(file));
        let sample = (SAMPLE * MINUTES).div_ceil(context.minutes().max(MINUTES));
        let sample = usize::try_from(sample).unwrap_or(usize::MAX);
        for (name, files, sample) in [("words", words, 1), ("algorithms", algorithms, sample)] {
            if !files.is_empty() {
                let all = self.list(one, &files)?;
                let mutants = all.iter().step_by(sample).collect();
                let (files, all, folder) = (&files, &all, folder.join(name));
                let trial = Trial { context, one, until, files, all, folder };
                self.try_all(&trial, &mutants, &mut tally)?;
            }
        }

        let mut rows = judge(one, &tally);
        let done = tally.done();
        let what = format!(
            "{done} of {} mutants: {} noticed by tests of one thread, {} by models",
            tally.all,
            tally.tests.noticed(),
            tally.models.noticed(),
        );
        let (verdict, note) = if done == tally.all {
            (Verdict::Passed, String::new())
        } else if done == 0 {
            let log = context.log(&format!("mutants-{}", one.name), &tally.output)?;
            (Verdict::Inconclusive, format!("none was judged in time, see {log}"))
        } else {
            (Verdict::Inconclusive, "the time was over; another run goes on from here".to_owned())
        };
        rows.push(Row::new(one, &what, verdict, note).took(started.elapsed()));
        Ok(rows)
    }
}

/// Whose mutants are judged and until when; all of those, and where what is found lies.
struct Trial<'a> {
    context: &'a Context,
    one: &'a Crate,
    until: Instant,
    files: &'a [PathBuf],
    all: &'a [String],
    folder: PathBuf,
}

/// What the juries said of the mutants of a crate.
#[derive(Default)]
struct Tally {
    all: usize,
    tests: Found,
    models: Found,
    /// Those that are known to survive, and did.
    known: usize,
    /// Those that are known to survive, and did not.
    gone: Vec<String>,
    /// What the tool printed.
    output: String,
}

impl Tally {
    /// How many have been judged by all who are to judge them.
    fn done(&self) -> usize {
        self.tests.noticed() + self.models.noticed() + self.models.missed.len() + self.known
    }
}

impl Mutants {
    /// Has mutants judged by the tests, and by the models those that survive.
    fn try_all(
        &self,
        trial: &Trial<'_>,
        mutants: &BTreeSet<&String>,
        tally: &mut Tally,
    ) -> Result<()> {
        let tests = self.hold(trial, Jury::Tests, mutants, tally)?;
        let is_known = |line: &&String| self.known.iter().any(|known| known.is(line));
        let (known, unknown): (BTreeSet<_>, BTreeSet<_>) = tests.missed.iter().partition(is_known);
        // All of them at once.
        if tests.judged() == mutants.len() {
            tally.gone.extend(self.gone(&tests));
            if !unknown.is_empty() {
                let models = self.hold(trial, Jury::Models, &unknown, tally)?;
                tally.models.add(models);
            }
        }
        tally.all += mutants.len();
        tally.known += known.len();
        tally.tests.add(tests);
        Ok(())
    }

    /// Has `jury` judge `mutants`, and goes on with what lies in the folder.
    fn hold(
        &self,
        trial: &Trial<'_>,
        jury: Jury,
        mutants: &BTreeSet<&String>,
        tally: &mut Tally,
    ) -> Result<Found> {
        let folder = trial.folder.join(jury.name());
        let before = Found::read(&folder, mutants)?;
        let left = trial.until.saturating_duration_since(Instant::now());
        if left.is_zero() || before.judged() == mutants.len() {
            return Ok(before);
        }
        // The tool tries again what was missed, and whatever it is told to choose, those that delete a field.
        let is_forced = |line: &String| line.contains(": delete field ") && !mutants.contains(line);
        let forced = trial.all.iter().filter(|line| is_forced(line));
        pass_over(&folder, forced.chain(&before.missed))?;
        before.keep(&folder)?;

        let mut command = Command::new("timeout");
        let seconds = format!("{}s", left.as_secs().max(1));
        command.arg("--signal=INT").arg(seconds).arg(&self.tool);
        command.args(["mutants", "--iterate", "--baseline=skip", "--build-timeout=300"]);
        command.args(["--colors=never", "--all-features", "--output"]).arg(&folder);
        command.args(selection(trial.one, trial.files));
        command.args(mutants.iter().flat_map(|line| ["--re".to_owned(), pattern(line)]));
        jury.instruct(&mut command, trial.one)?;
        command.current_dir(workspace::root());
        // The copies of the sources share what they stand on.
        let core = trial.context.core().to_string();
        let target = trial.context.dir().join("mutants/target").join(core);
        command.env("CARGO_TARGET_DIR", target);
        tally.output += &process::run(command, left + Duration::from_mins(5))?.output;
        Found::read(&folder, mutants)
    }

    /// All mutants of the files.
    fn list(&self, one: &Crate, files: &[PathBuf]) -> Result<Vec<String>> {
        let mut list = Command::new(&self.tool);
        list.args(["mutants", "--list"]).args(selection(one, files));
        let output =
            list.current_dir(workspace::root()).output().context("starting cargo-mutants")?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(told.lines().filter(|line| without_place(line).is_some()).map(str::to_owned).collect())
    }

    /// The words' mutants that are known to survive and were caught: of the algorithms some are caught
    /// by chance.
    fn gone(&self, tests: &Found) -> impl Iterator<Item = String> {
        let is_gone = |known: &&Survivor| {
            known.file().is_some_and(is_state)
                && tests.caught.iter().any(|line| known.is(line))
                && !tests.missed.iter().any(|line| known.is(line))
        };
        self.known.iter().filter(is_gone).map(|known| known.name.clone())
    }
}

/// A row for each survivor that nobody knows, and for each that is known and is none.
fn judge(one: &Crate, tally: &Tally) -> Vec<Row> {
    let row = |what: &str, why: &str| Row::new(one, what, Verdict::Failed, why.to_owned());
    let new = tally.models.missed.iter().map(|line| row(line, "survived"));
    let needless = "caught: xtask/survivors.md need not have it";
    new.chain(tally.gone.iter().map(|name| row(name, needless))).collect()
}

/// What a jury said of mutants, as the tool names them: with line and column.
#[derive(Debug, Default)]
struct Found {
    caught: BTreeSet<String>,
    /// Those that did not end in time, which is to be noticed, too; or the machine was busy.
    late: BTreeSet<String>,
    missed: BTreeSet<String>,
}

impl Found {
    /// Reads what lies in `folder` of these mutants. One that does not compile was caught, too.
    fn read(folder: &Path, mutants: &BTreeSet<&String>) -> Result<Self> {
        let lines_of = |names: &[&str]| {
            let mut lines = BTreeSet::new();
            for file in names.iter().map(|name| folder.join(name)).filter(|file| file.exists()) {
                let text = fs::read_to_string(&file);
                let text = text.with_context(|| format!("reading {}", file.display()))?;
                lines.extend(text.lines().map(str::to_owned));
            }
            lines.retain(|line| mutants.contains(line));
            anyhow::Ok(lines)
        };
        let missed = lines_of(&[MISSED, "mutants.out/missed.txt"])?;
        let mut caught =
            lines_of(&["mutants.out/caught.txt", PASSED_OVER, "mutants.out/unviable.txt"])?;
        caught.retain(|line| !missed.contains(line));
        Ok(Self { caught, late: lines_of(&["mutants.out/timeout.txt"])?, missed })
    }

    /// Notes in `folder` what was missed, which the tool forgets.
    fn keep(&self, folder: &Path) -> Result<()> {
        let file = folder.join(MISSED);
        let lines = self.missed.iter().fold(String::new(), |text, line| text + line + "\n");
        fs::write(&file, lines).with_context(|| format!("writing {}", file.display()))
    }

    /// How many were judged.
    fn judged(&self) -> usize {
        self.noticed() + self.missed.len()
    }

    /// How many were noticed.
    fn noticed(&self) -> usize {
        self.caught.len() + self.late.len()
    }

    fn add(&mut self, more: Self) {
        self.caught.extend(more.caught);
        self.late.extend(more.late);
        self.missed.extend(more.missed);
    }
}

/// Tells the tool, in `folder`, not to try these mutants.
fn pass_over<'a>(folder: &Path, mutants: impl Iterator<Item = &'a String>) -> Result<()> {
    let file = folder.join(PASSED_OVER);
    let lines = mutants.fold(String::new(), |text, line| text + line + "\n");
    let append = || {
        fs::create_dir_all(folder.join("mutants.out"))?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&file)?;
        file.write_all(lines.as_bytes())
    };
    append().with_context(|| format!("writing {}", file.display()))
}

fn selection(one: &Crate, files: &[PathBuf]) -> Vec<String> {
    let mut arguments = vec!["--package".to_owned(), one.name.clone()];
    for file in files {
        arguments.extend(["--file".to_owned(), file.display().to_string()]);
    }
    for left_out in NO_MUTANTS {
        arguments.extend(["--exclude-re".to_owned(), left_out.to_owned()]);
    }
    arguments
}

/// The packed words of a crate, as `state.rs` or in a folder of that name, and its algorithms: the modules
/// whose head has a ledger of orderings.
fn files(one: &Crate) -> Result<Vec<PathBuf>> {
    let sources = one.dir.join("src");
    let mut left = vec![sources];
    let mut found = Vec::new();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path);
            let entries = entries.with_context(|| format!("reading {}", path.display()))?;
            left.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            if is_state(&path) || text.contains("//! # Orderings") {
                let relative = path.strip_prefix(workspace::root()).unwrap_or(&path);
                found.push(relative.to_owned());
            }
        }
    }
    found.sort_by_key(|path| (!is_state(path), path.clone()));
    Ok(found)
}

fn is_state(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("state" | "state.rs")))
}

fn answers(tool: &Path) -> bool {
    let mut command = Command::new(tool);
    if tool.ends_with("cargo-mutants") {
        command.arg("mutants");
    }
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path, process};

    use super::{Found, Mutants, files, is_state, pass_over, survivors::Survivor};
    use crate::workspace::select;

    #[test]
    fn words_come_before_algorithms() {
        let one = &select(&["refpool".to_owned()]).unwrap()[0];
        let files = files(one).unwrap();
        assert!(is_state(&files[0]));
        assert!(files.contains(&Path::new("crates/refpool/src/slot.rs").to_owned()));
        assert!(!files.contains(&Path::new("crates/refpool/src/error.rs").to_owned()));
    }

    #[test]
    fn a_word_that_was_caught_needs_no_row_and_one_that_was_late_does() {
        let known = [("state.rs", "a"), ("state.rs", "b"), ("state.rs", "c"), ("ring.rs", "a")];
        let known = known.map(|(file, what)| Survivor { name: format!("src/{file}: {what}") });
        let mutants = Mutants { known: known.into(), ..Mutants::default() };
        let line = |what: &str| format!("src/{what}");
        let tests = Found {
            caught: [line("state.rs:1:2: a"), line("state.rs:1:2: b"), line("ring.rs:1:2: a")]
                .into(),
            late: [line("state.rs:1:2: c")].into(),
            missed: [line("state.rs:3:4: b")].into(),
        };
        assert_eq!(mutants.gone(&tests).collect::<Vec<_>>(), ["src/state.rs: a"]);
        assert_eq!(tests.noticed(), 4);
    }

    #[test]
    fn what_was_missed_is_passed_over_and_still_missed() {
        let folder = env::temp_dir().join(format!("atomworks-mutants-{}", process::id()));
        let (missed, caught) = ("a.rs:1:2: a".to_owned(), "a.rs:1:2: b".to_owned());
        let mutants = [&missed, &caught].into();
        let found = Found { missed: [missed.clone()].into(), ..Found::default() };
        pass_over(&folder, found.missed.iter()).unwrap();
        pass_over(&folder, [&caught].into_iter()).unwrap();
        found.keep(&folder).unwrap();
        let read = Found::read(&folder, &mutants).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((read.missed, read.caught), ([missed].into(), [caught].into()));
    }
}
