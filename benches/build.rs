//! Stamps the executable: what its results are worth depends on what exactly was built, and the
//! executable runs where neither toolchain nor repository are.

use std::{env, fs, path::Path, process::Command};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let lock = root.join("Cargo.lock");
    for input in ["Cargo.lock", "Cargo.toml", "benches", "crates"] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }
    // The log of HEAD grows with every commit, wherever the branch's own file is.
    if let Some(log) = run(root, "git", &["rev-parse", "--git-path", "logs/HEAD"])
        && root.join(&log).exists()
    {
        println!("cargo::rerun-if-changed={}", root.join(log).display());
    }

    stamp("COMMIT", &commit(root));
    stamp("RUSTC", &run(root, &variable("RUSTC"), &["--version"]).unwrap_or_default());
    stamp("TARGET", &variable("TARGET"));
    stamp("OPT_LEVEL", &variable("OPT_LEVEL"));
    stamp("RUSTFLAGS", &variable("CARGO_ENCODED_RUSTFLAGS").replace('\u{1f}', " "));
    stamp("VERSIONS", &versions(&fs::read_to_string(lock).unwrap_or_default()));
}

fn stamp(name: &str, value: &str) {
    println!("cargo::rustc-env=ATOMWORKS_{name}={value}");
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn run(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(root).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The commit, marked where what is built from differs from it.
fn commit(root: &Path) -> String {
    let Some(head) = run(root, "git", &["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let inputs = ["status", "--porcelain", "--", "Cargo.toml", "Cargo.lock", "benches", "crates"];
    match run(root, "git", &inputs) {
        Some(changes) if changes.is_empty() => head,
        _ => format!("{head}, with changes"),
    }
}

/// `name=version` of every package that the lock file holds, between spaces.
fn versions(lock: &str) -> String {
    let field = |package: &str, key: &str| {
        let value = package.lines().find_map(|line| line.strip_prefix(key))?;
        Some(value.trim_matches(['"', ' ', '=']).to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|package| Some((field(package, "name")?, field(package, "version")?)))
        .map(|(name, version)| format!("{name}={version}"))
        .collect::<Vec<_>>()
        .join(" ")
}
