//! Mutation testing by cargo-mutants: of the packed words, as pure functions, and of the algorithms.
//!
//! It replaces bodies and operators, not orderings, and runs the tests of one thread against each mutant:
//! a survivor is something that no such test looks at. Those that are known stand in
//! `xtask/survivors.md`, each with a reason; another one fails the rung.

use core::time::Duration;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    Ready, Rung,
    context::Context,
    kept,
    table::{Row, Verdict},
};
use crate::{
    process,
    workspace::{self, Crate},
};

/// How long the mutants of one crate may take.
const TIME: Duration = Duration::from_mins(3);
/// Tests that tell nothing of a mutant which a test of one thread does not, or take too long.
const LEFT_OUT: [&str; 7] =
    ["loom", "litmus", "progress", "stress", "history", "memory", "endurance"];

/// Mutants that show nothing: of texts for debugging, and those that never compile.
const NO_MUTANTS: [&str; 3] = ["impl (fmt::)?(Debug|Display)", "Box::leak", "NonNull::"];

/// The rung.
#[derive(Debug, Default)]
pub(super) struct Mutants {
    tool: PathBuf,
    known: Vec<Survivor>,
}

impl Rung for Mutants {
    fn prepare(&mut self, context: &Context) -> Result<Ready> {
        self.known = known()?;
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
        Ok(Ready::Yes)
    }

    fn check(&self, context: &Context, one: &Crate) -> Result<Vec<Row>> {
        let files = files(one)?;
        if files.is_empty() {
            let why = "no packed word and no algorithm".to_owned();
            return Ok(vec![Row::new(one, "", Verdict::Skipped, why)]);
        }
        // What is found of other sources lies in another folder, and is not gone on with.
        let folder = context.dir().join("mutants").join(&one.name);
        let folder = folder.join(kept::fingerprint(context, "mutants", one, None)?);
        let started = Instant::now();
        let time = context.share(TIME);
        let (mut all, mut found, mut output) = (0, Found::default(), String::new());
        // The words first: the tool itself goes by the names of the files.
        let (words, algorithms): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| is_state(file));
        for (name, files) in [("words", words), ("algorithms", algorithms)] {
            if files.is_empty() {
                continue;
            }
            all += self.list(one, &files)?;
            let folder = folder.join(name);
            fs::create_dir_all(&folder)
                .with_context(|| format!("creating {}", folder.display()))?;
            let left = time.saturating_sub(started.elapsed());
            if !left.is_zero() {
                let command = self.command(context, one, &files, &folder, left)?;
                output += &process::run(command, left + Duration::from_mins(5))?.output;
            }
            found.read(&folder.join("mutants.out"))?;
        }

        let mut rows = self.judge(one, &found);
        let done = found.caught.len() + found.missed.len() + found.unviable.len();
        let what = format!(
            "{done} of {all} mutants: {} caught, {} unviable",
            found.caught.len(),
            found.unviable.len(),
        );
        let (verdict, note) = if done == 0 {
            let log = context.log(&format!("mutants-{}", one.name), &output)?;
            (Verdict::Inconclusive, format!("none was judged in time, see {log}"))
        } else if done < all {
            (Verdict::Inconclusive, "the time was over; another run goes on from here".to_owned())
        } else {
            (Verdict::Passed, String::new())
        };
        rows.push(Row::new(one, &what, verdict, note).took(started.elapsed()));
        Ok(rows)
    }
}

impl Mutants {
    /// Judges the mutants of `files` for `time`, and goes on with what lies in `folder`.
    fn command(
        &self,
        context: &Context,
        one: &Crate,
        files: &[PathBuf],
        folder: &Path,
        time: Duration,
    ) -> Result<Command> {
        let mut command = Command::new("timeout");
        command.arg("--signal=INT").arg(format!("{}s", time.as_secs().max(1))).arg(&self.tool);
        command.args(["mutants", "--iterate", "--baseline=skip", "--timeout=60"]);
        command.args(["--build-timeout=300", "--colors=never", "--all-features", "--output"]);
        // For the build as well as for the run.
        command.arg(folder).args(selection(one, files)).arg("--cargo-arg=--lib");
        for test in tests(one)? {
            command.arg(format!("--cargo-arg=--test={test}"));
        }
        command.current_dir(workspace::root());
        command.env("ATOMWORKS_STRESS", "0.05").env("PROPTEST_CASES", "64");
        // Each is built for one run: the less there is to link, the better.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0");
        // The copies of the sources share what they stand on.
        command.env("CARGO_TARGET_DIR", context.dir().join("mutants/target"));
        Ok(command)
    }

    /// A row for each survivor that nobody knows, and for each that is known and was caught.
    fn judge(&self, one: &Crate, found: &Found) -> Vec<Row> {
        let row = |what: &str, why: &str| Row::new(one, what, Verdict::Failed, why.to_owned());
        let names = |lines: &BTreeSet<String>| -> BTreeSet<_> {
            lines.iter().filter_map(|line| without_place(line)).collect()
        };
        let (caught, missed) = (names(&found.caught), names(&found.missed));
        let new = found.missed.iter().filter(|line| {
            let name = without_place(line);
            self.known.iter().all(|known| Some(&known.name) != name.as_ref())
        });
        let mut rows: Vec<_> = new.map(|line| row(line, "survived")).collect();
        let here = format!("crates/{}/", one.name);
        let known = self.known.iter().filter(|known| known.name.starts_with(&here));
        let gone =
            known.filter(|known| caught.contains(&known.name) && !missed.contains(&known.name));
        rows.extend(
            gone.map(|known| row(&known.name, "caught: xtask/survivors.md need not have it")),
        );
        rows
    }

    /// How many mutants there are.
    fn list(&self, one: &Crate, files: &[PathBuf]) -> Result<usize> {
        let mut list = Command::new(&self.tool);
        list.args(["mutants", "--list"]).args(selection(one, files));
        let output =
            list.current_dir(workspace::root()).output().context("starting cargo-mutants")?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(told.lines().filter(|line| without_place(line).is_some()).count())
    }
}

/// A mutant that is known to survive.
#[derive(Debug)]
struct Survivor {
    name: String,
}

/// Reads `xtask/survivors.md`, whose columns are mutant and why it survives.
fn known() -> Result<Vec<Survivor>> {
    let file = workspace::root().join("xtask/survivors.md");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    parse(&text).with_context(|| format!("reading {}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Survivor>> {
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        // A mutant may hold the sign that parts the cells, behind a backslash.
        let row = row.replace("\\|", "\u{0}");
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, why] = cells[..] else { bail!("a row has two cells: {row}") };
        ensure!(!why.is_empty(), "a row gives a reason: {row}");
        Ok(Survivor { name: name.trim_matches('`').replace('\u{0}', "|") })
    })
    .collect()
}

/// What became of the mutants, as the tool names them: with line and column.
#[derive(Debug, Default)]
struct Found {
    caught: BTreeSet<String>,
    missed: BTreeSet<String>,
    unviable: BTreeSet<String>,
}

impl Found {
    /// Adds what lies in `dir`. A mutant that never ended was caught: it was noticed.
    fn read(&mut self, dir: &Path) -> Result<()> {
        for (names, set) in [
            (&["caught.txt", "previously_caught.txt", "timeout.txt"][..], &mut self.caught),
            (&["missed.txt"], &mut self.missed),
            (&["unviable.txt"], &mut self.unviable),
        ] {
            for file in names.iter().map(|name| dir.join(name)).filter(|file| file.exists()) {
                let text = fs::read_to_string(&file);
                let text = text.with_context(|| format!("reading {}", file.display()))?;
                set.extend(text.lines().map(str::to_owned));
            }
        }
        Ok(())
    }
}

/// `FILE:LINE:COLUMN: WHAT` without the place in the file, which moves with every edit.
fn without_place(line: &str) -> Option<String> {
    let (file, rest) = line.split_once(".rs:")?;
    let (place, what) = rest.split_once(": ")?;
    let is_place = place.chars().all(|c| c.is_ascii_digit() || c == ':');
    is_place.then(|| format!("{file}.rs: {what}"))
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

/// The integration tests that a mutant is to fail in.
fn tests(one: &Crate) -> Result<Vec<String>> {
    let dir = one.dir.join("tests");
    let entries = fs::read_dir(&dir).with_context(|| format!("reading {}", dir.display()))?;
    let names = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_test = path.extension().is_some_and(|extension| extension == "rs");
        is_test.then(|| path.file_stem()?.to_str().map(str::to_owned)).flatten()
    });
    let mut names: Vec<_> =
        names.filter(|name| LEFT_OUT.iter().all(|end| !name.ends_with(end))).collect();
    names.sort();
    Ok(names)
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
mod tests_of_parsing {
    use super::{files, is_state, known, parse, tests, without_place};
    use crate::workspace::select;
    use std::path::Path;

    #[test]
    fn mutants_are_named_without_their_place() {
        let line = "crates/refpool/src/state.rs:33:9: replace references -> usize with 0";
        let name = "crates/refpool/src/state.rs: replace references -> usize with 0";
        assert_eq!(without_place(line).as_deref(), Some(name));
        assert_eq!(without_place("no mutant"), None);
    }

    #[test]
    fn survivors_have_reasons() {
        let head = "| mutant | why |\n| --- | --- |\n";
        let rows = parse(&format!("{head}| `a.rs: replace \\| with &` | equal |\n")).unwrap();
        assert_eq!(rows[0].name, "a.rs: replace | with &");
        assert!(parse(&format!("{head}| a.rs: b | |\n")).is_err());
        assert!(parse(&format!("{head}| a.rs: b |\n")).is_err());
        known().unwrap();
    }

    #[test]
    fn words_come_before_algorithms() {
        let one = &select(&["refpool".to_owned()]).unwrap()[0];
        let files = files(one).unwrap();
        assert!(is_state(&files[0]));
        assert!(files.contains(&Path::new("crates/refpool/src/slot.rs").to_owned()));
        assert!(!files.contains(&Path::new("crates/refpool/src/error.rs").to_owned()));
        assert_eq!(tests(one).unwrap(), ["api", "model", "panics"]);
    }
}
