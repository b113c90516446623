//! Each crate as it would be published: complete, and built from what is in its package alone.

use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use crate::{
    cargo::{self, Face},
    deps::Graph,
    workspace,
};

/// What every package has in it.
const FILES: [&str; 5] =
    ["Cargo.toml", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

/// Sees that each package is complete: its fields, and the files that it would have.
pub(crate) fn complete() -> Result<()> {
    let mut found = Vec::new();
    for package in Graph::read()?.published() {
        let name = package["name"].as_str().unwrap_or_default();
        for field in ["description", "license", "readme", "repository", "rust_version"] {
            if package[field].as_str().is_none_or(str::is_empty) {
                found.push(format!("{name} has no {field}"));
            }
        }
        for (field, most) in [("keywords", 5), ("categories", 5)] {
            let count = package[field].as_array().map_or(0, Vec::len);
            if count == 0 || count > most {
                found.push(format!("{name} has {count} {field}; it takes 1 to {most}"));
            }
        }
        let mut list = cargo::cargo(Face::Real);
        list.args([
            "package",
            "--list",
            "--no-verify",
            "--offline",
            "--allow-dirty",
            "--package",
            name,
        ]);
        let list = list.stderr(Stdio::inherit()).output().context("starting cargo")?;
        ensure!(list.status.success(), "cargo package --list of {name} failed: {}", list.status);
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        let files: Vec<_> = list.lines().collect();
        let missing = FILES.iter().filter(|file| !files.contains(file));
        found.extend(missing.map(|file| format!("the package of {name} has no {file}")));
        if !files.contains(&"src/lib.rs") {
            found.push(format!("the package of {name} has no sources"));
        }
    }
    for line in &found {
        println!("{line}");
    }
    ensure!(found.is_empty(), "{} complaints about packages", found.len());
    println!("{} packages are complete", workspace::crates()?.len());
    Ok(())
}
