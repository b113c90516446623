//! Packages of Debian, unpacked into a folder of ours: nothing is installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

/// Whether this system has Debian's clients.
pub(super) fn is_here() -> bool {
    ["apt-get", "apt-cache", "dpkg"].iter().all(|tool| {
        let mut command = Command::new(tool);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// The version of `package` that could be had, if it is known.
pub(super) fn candidate(package: &str) -> Option<String> {
    candidate_in(&told_by("apt-cache", &["policy", package]).ok()?)
}

fn candidate_in(policy: &str) -> Option<String> {
    let version = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (version != "(none)").then(|| version.to_owned())
}

/// Brings the system's lists of packages up to date; says whether it could.
pub(super) fn update() -> bool {
    eprintln!("    apt-get update");
    told_by("apt-get", &["update"]).is_ok()
}

/// All packages that `packages` need and whose names `wanted` admits.
pub(super) fn closure(packages: &[&str], wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut arguments = vec!["depends", "--recurse"];
    arguments.extend(["--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"]);
    arguments.extend(["--no-replaces", "--no-enhances"]);
    arguments.extend(packages);
    let told = told_by("apt-cache", &arguments)?;
    let mut names: Vec<_> =
        names_in(&told).filter(|name| wanted(name)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// A package stands at the beginning of a line; a virtual one in angles.
fn names_in(depends: &str) -> impl Iterator<Item = &str> {
    depends.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
}

/// Unpacks `packages` under `dir`, once for each set of versions, and returns the folder.
///
/// # Errors
/// They cannot be fetched, or not be written: what needs them is to be skipped.
pub(super) fn unpack(packages: &[String], dir: &Path) -> Result<PathBuf> {
    let versions = packages.iter().map(|package| {
        let version = candidate(package).with_context(|| format!("Debian has no {package}"))?;
        Ok(format!("{package} {version}\n"))
    });
    let versions = versions.collect::<Result<String>>()?;
    let (root, marker) = (dir.join("root"), dir.join("versions"));
    if fs::read_to_string(&marker).is_ok_and(|there| there == versions) {
        return Ok(root);
    }
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    let debs = dir.join("packages");
    fs::create_dir_all(&debs).with_context(|| format!("creating {}", debs.display()))?;
    eprintln!("    fetching {} packages of Debian", packages.len());
    let mut download = Command::new("apt-get");
    run(download.arg("download").args(packages).current_dir(&debs))?;
    for deb in fs::read_dir(&debs).with_context(|| format!("reading {}", debs.display()))? {
        let mut unpack = Command::new("dpkg");
        run(unpack.arg("--extract").arg(deb?.path()).arg(&root))?;
    }
    fs::remove_dir_all(&debs).with_context(|| format!("removing {}", debs.display()))?;
    fs::write(&marker, versions).with_context(|| format!("writing {}", marker.display()))?;
    Ok(root)
}

fn told_by(tool: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(tool).args(arguments).output();
    let output = output.with_context(|| format!("starting {tool}"))?;
    ensure!(output.status.success(), "{tool} {}: {}", arguments.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let shown = crate::cargo::shown(command);
    let output = command.output().with_context(|| format!("starting {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{candidate_in, names_in};

    #[test]
    fn the_candidate_is_read() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0-1\n  Version table:\n";
        assert_eq!(candidate_in(policy).as_deref(), Some("1.96.0-1"));
        assert_eq!(candidate_in("x:\n  Installed: (none)\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_in(""), None);
    }

    #[test]
    fn packages_are_told_from_their_dependencies() {
        let depends = "gcc\n  Depends: cpp\n |Depends: x\n<virtual>\ncpp\n    choice\n";
        assert_eq!(names_in(depends).collect::<Vec<_>>(), ["gcc", "cpp"]);
    }
}
