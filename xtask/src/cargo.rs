//! Cargo, run under one of the three faces of the façade.

use core::{
    hash::{Hash as _, Hasher as _},
    time::Duration,
};
use std::{
    env, fs,
    hash::DefaultHasher,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::{process, workspace};

/// Which atomics the crates are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// The ones that users get.
    Real,
    /// loom's.
    Modelled,
    /// Real ones that report to a hook.
    Stepped,
}

impl Face {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Real, Self::Modelled, Self::Stepped];

    /// The `--cfg` that chooses it.
    pub fn cfg(self) -> Option<&'static str> {
        match self {
            Self::Real => None,
            Self::Modelled => Some("loom"),
            Self::Stepped => Some("stepped"),
        }
    }

    /// Where its builds lie: a folder of its own, so that faces do not rebuild each other.
    pub fn target_dir(self) -> PathBuf {
        let target = workspace::root().join("target");
        self.cfg().map_or(target.clone(), |cfg| target.join(cfg))
    }
}

/// A cargo that builds under `face` and starts in the root of the workspace.
pub fn cargo(face: Face) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root());
    if face != Face::Real {
        command.env("CARGO_TARGET_DIR", face.target_dir());
    }
    if let Some(flags) = flags(face) {
        command.env("CARGO_ENCODED_RUSTFLAGS", flags).env_remove("RUSTFLAGS");
    }
    command
}

/// The flags of the environment, less the choice of a face that may be among them, and ours.
///
/// `None` where the environment needs no change: the flags in cargo's own configuration then count.
fn flags(face: Face) -> Option<String> {
    let (encoded, plain) = (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS"));
    let given: Vec<String> = match (&encoded, &plain) {
        (Ok(encoded), _) => encoded.split('\u{1f}').map(str::to_owned).collect(),
        (_, Ok(plain)) => plain.split_whitespace().map(str::to_owned).collect(),
        _ if face == Face::Real => return None,
        _ => Vec::new(),
    };
    let mut flags = Vec::new();
    let mut given = given.into_iter().filter(|flag| !flag.is_empty());
    while let Some(flag) = given.next() {
        if flag == "--cfg" {
            let Some(name) = given.next() else { break };
            if !is_face(&name) {
                flags.extend([flag, name]);
            }
        } else if !flag.strip_prefix("--cfg=").is_some_and(is_face) {
            flags.push(flag);
        }
    }
    flags.extend(face.cfg().into_iter().flat_map(|cfg| ["--cfg".to_owned(), cfg.to_owned()]));
    Some(flags.join("\u{1f}"))
}

fn is_face(name: &str) -> bool {
    Face::ALL.iter().any(|face| face.cfg() == Some(name))
}

/// Runs `command` with its output on the screen.
///
/// # Errors
/// It does not start or fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {}", shown(command)))?;
    ensure!(status.success(), "{} failed: {status}", shown(command));
    Ok(())
}

/// A command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The flags for models of sources that were edited to be wrong: what that leaves unused is no news.
pub(crate) const FLAGS_OF_EDITED: &str = "--cfg\u{1f}loom\u{1f}-Awarnings";

/// One test of a built test target.
#[derive(Clone, Debug)]
pub struct Test {
    /// The package whose test it is.
    pub package: String,
    /// Its name.
    pub name: String,
    dir: PathBuf,
    executable: PathBuf,
    fingerprint: u64,
}

impl Test {
    /// What tells the executable from one that was built of something else.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Runs it alone, in a process of its own.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(["--exact", &self.name, "--nocapture", "--test-threads=1"]);
        command.current_dir(&self.dir);
        command
    }

    /// Must it fail, and runs what does so in a child of its own?
    pub fn is_twin(&self) -> bool {
        self.is_a("twin_")
    }

    /// Does it take longer than a test may, and runs only if it is asked to?
    pub fn is_deep(&self) -> bool {
        self.is_a("deep_")
    }

    fn is_a(&self, kind: &str) -> bool {
        self.name.rsplit("::").next().is_some_and(|name| name.starts_with(kind))
    }

    /// A name for files about it.
    pub fn file_name(&self) -> String {
        format!("{}-{}", self.package, self.name.replace("::", "-"))
    }
}

/// The tests of a test target, as it lists them.
pub(crate) fn list(package: &str, dir: &Path, executable: &Path) -> Result<Vec<Test>> {
    let mut command = Command::new(executable);
    command.args(["--list", "--format", "terse"]).current_dir(dir);
    let outcome = process::run(command, Duration::from_mins(1))?;
    ensure!(outcome.success(), "listing the tests of {package}: {}", outcome.output);
    let mut hasher = DefaultHasher::new();
    let bytes = fs::read(executable);
    bytes.with_context(|| format!("reading {}", executable.display()))?.hash(&mut hasher);
    let fingerprint = hasher.finish();
    let names = outcome.output.lines().filter_map(|line| line.strip_suffix(": test"));
    let test = |name: &str| Test {
        package: package.to_owned(),
        name: name.to_owned(),
        dir: dir.to_owned(),
        executable: executable.to_owned(),
        fingerprint,
    };
    Ok(names.map(test).collect())
}

/// Builds the integration tests of `packages` whose names end with `kind` in release mode, and lists
/// them.
///
/// `command` is a [`cargo`] with its target folder, started in the right folder.
///
/// # Errors
/// It does not build.
pub fn build_tests(command: Command, packages: &[&str], kind: &str) -> Result<Vec<Test>> {
    build_targets(command, packages, &format!("*{kind}"))
}

/// The same of the integration tests that `targets` names, in which `*` stands for anything.
pub(crate) fn build_targets(
    mut command: Command,
    packages: &[&str],
    targets: &str,
) -> Result<Vec<Test>> {
    command.args(["test", "--no-run", "--release", "--all-features", "--test", targets]);
    command.arg("--message-format=json-render-diagnostics");
    for package in packages {
        command.args(["--package", package]);
    }
    let build = command.stderr(Stdio::inherit()).output().context("starting cargo")?;
    ensure!(build.status.success(), "{} failed: {}", shown(&command), build.status);

    let mut tests = Vec::new();
    for line in String::from_utf8_lossy(&build.stdout).lines() {
        let message: Value = serde_json::from_str(line).context("reading a message of cargo")?;
        let Some(executable) = message["executable"].as_str() else { continue };
        if message["profile"]["test"] != true {
            continue;
        }
        let Some(dir) = message["manifest_path"].as_str().and_then(|path| Path::new(path).parent())
        else {
            bail!("a message of cargo names no manifest: {line}");
        };
        let package = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        tests.extend(list(&package, dir, Path::new(executable))?);
    }
    tests.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    Ok(tests)
}
