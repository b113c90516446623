//! What the workspace stands on: licences, sources, versions, and the table that gives the reasons.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{
    cargo::{self, Face},
    record,
};

/// What users of the crates may get.
const FOR_USERS: [&str; 8] =
    ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "Unicode-3.0", "Zlib"];

/// What may be there besides to test, to measure and to build.
const FOR_US: [&str; 2] = ["BSL-1.0", "Unlicense"];

/// Packages that bring a text and no name, which was read.
const READ: [(&str, &str); 1] = [("lfqueue", "MIT")];

/// Where the reasons stand.
const TABLE: &str = "docs/ARCHITECTURE.md";

/// The packages of a build of everything for this machine.
pub(crate) struct Graph {
    packages: BTreeMap<String, Value>,
    members: BTreeSet<String>,
    /// Who depends on whom, and not only to be tested.
    edges: BTreeMap<String, Vec<String>>,
}

impl Graph {
    /// Asks cargo. What other machines would need may not be here, so it is left out.
    pub(crate) fn read() -> Result<Self> {
        let host = host()?;
        let mut metadata = cargo::cargo(Face::Real);
        metadata.args(["metadata", "--format-version", "1", "--all-features", "--locked"]);
        metadata.args(["--filter-platform", &host]).stderr(Stdio::inherit());
        let told = metadata.output().context("starting cargo")?;
        ensure!(told.status.success(), "cargo metadata failed: {}", told.status);
        Self::of(&serde_json::from_slice(&told.stdout).context("reading cargo metadata")?)
    }

    fn of(told: &Value) -> Result<Self> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let packages = list(&told["packages"]).into_iter();
        let packages: BTreeMap<_, _> = packages.map(|one| (text(&one["id"]), one)).collect();
        let members: BTreeSet<_> = list(&told["workspace_members"]).iter().map(text).collect();
        let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for node in list(&told["resolve"]["nodes"]) {
            for dependency in list(&node["deps"]) {
                if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev") {
                    edges.entry(text(&node["id"])).or_default().push(text(&dependency["pkg"]));
                }
            }
        }
        ensure!(!members.is_empty() && !edges.is_empty(), "cargo metadata tells no dependencies");
        Ok(Self { packages, members, edges })
    }

    /// The members that others may depend on.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Value> {
        self.own().filter(|one| one["publish"].is_null())
    }

    fn own(&self) -> impl Iterator<Item = &Value> {
        self.members.iter().filter_map(|id| self.packages.get(id))
    }

    /// All that users of the crates may get.
    fn for_users(&self) -> BTreeSet<&str> {
        let mut pending: Vec<_> = self.published().filter_map(|one| one["id"].as_str()).collect();
        let mut found = BTreeSet::new();
        while let Some(id) = pending.pop() {
            if found.insert(id) {
                pending.extend(self.edges.get(id).into_iter().flatten().map(String::as_str));
            }
        }
        found
    }
}

/// Checks all of it.
pub(crate) fn check() -> Result<()> {
    let graph = Graph::read()?;
    let mut found = licences(&graph);
    found.extend(duplicates(&graph));
    found.extend(sources(&record::read("Cargo.lock")?)?);
    found.extend(reasons(&graph, &record::read(TABLE)?));
    for line in &found {
        println!("{line}");
    }
    ensure!(found.is_empty(), "{} complaints about dependencies", found.len());
    println!(
        "{} packages, {} of them for users: licences, versions, sources, reasons",
        graph.packages.len(),
        graph.for_users().len()
    );
    Ok(())
}

fn licences(graph: &Graph) -> Vec<String> {
    let for_users = graph.for_users();
    let mut found = Vec::new();
    for (id, package) in &graph.packages {
        let is_for_users = for_users.contains(id.as_str());
        let allows =
            |name: &str| FOR_USERS.contains(&name) || (!is_for_users && FOR_US.contains(&name));
        let told = || package["license"].as_str();
        let read = READ.iter().find(|(name, _)| package["name"] == *name);
        let licence = read.map(|(_, licence)| *licence).or_else(told).unwrap_or_default();
        if !permits(licence, &allows) {
            let whom = if is_for_users { "users" } else { "us" };
            found.push(format!("{} is under {licence:?}, which is not for {whom}", of(package)));
        }
    }
    found
}

/// Does a licence expression leave a way that `allows`?
fn permits(expression: &str, allows: &impl Fn(&str) -> bool) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = expression.split_whitespace().collect();
    let (permitted, rest) = any_of(&words, allows);
    permitted && rest.is_empty()
}

fn any_of<'w>(words: &'w [&'w str], allows: &impl Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    let (mut permitted, mut rest) = all_of(words, allows);
    while let ["OR", after @ ..] = rest {
        let (other, after) = all_of(after, allows);
        permitted |= other;
        rest = after;
    }
    (permitted, rest)
}

fn all_of<'w>(words: &'w [&'w str], allows: &impl Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    let (mut permitted, mut rest) = one_of(words, allows);
    while let ["AND", after @ ..] = rest {
        let (other, after) = one_of(after, allows);
        permitted &= other;
        rest = after;
    }
    (permitted, rest)
}

fn one_of<'w>(words: &'w [&'w str], allows: &impl Fn(&str) -> bool) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inside @ ..] => match any_of(inside, allows) {
            (permitted, [")", rest @ ..]) => (permitted, rest),
            _ => (false, words),
        },
        // An exception gives more than the licence.
        [name, "WITH", _, rest @ ..] | [name, rest @ ..] => (allows(name), rest),
        [] => (false, words),
    }
}

/// What users would get in two versions.
fn duplicates(graph: &Graph) -> Vec<String> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in graph.for_users().into_iter().filter_map(|id| graph.packages.get(id)) {
        versions.entry(text(&package["name"])).or_default().insert(text(&package["version"]));
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    let told = several.map(|(name, versions)| {
        let versions: Vec<_> = versions.into_iter().collect();
        format!("users get {name} in the versions {}", versions.join(", "))
    });
    told.collect()
}

/// Packages for any machine that come from elsewhere than one registry and this workspace.
fn sources(lock: &str) -> Result<Vec<String>> {
    let lock: toml::Table = lock.parse().context("reading Cargo.lock")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    let packages = packages.context("Cargo.lock names no package")?;
    let mut registries = BTreeSet::new();
    let mut found = Vec::new();
    for package in packages {
        let get = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = get("name").unwrap_or_default();
        match get("source") {
            Some(source) if source.starts_with("registry+") => {
                registries.insert(source);
                if get("checksum").is_none() {
                    found.push(format!("{name} has no checksum"));
                }
            }
            Some(source) => found.push(format!("{name} comes from {source}")),
            None => {}
        }
    }
    if registries.len() > 1 {
        found.push(format!("there is more than one registry: {registries:?}"));
    }
    Ok(found)
}

/// Direct dependencies without a row in the table, rows without a dependency, and default features.
fn reasons(graph: &Graph, document: &str) -> Vec<String> {
    let (_, section) = document.split_once("## Dependencies").unwrap_or_default();
    let rows: Vec<_> = record::rows(section).filter(|row| row.len() == 3).collect();
    let words = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let members: BTreeSet<_> = graph.own().map(|one| text(&one["name"])).collect();
    let mut unused: BTreeSet<_> = rows.iter().flat_map(|row| words(row[0])).collect();
    let mut found = Vec::new();
    for package in graph.own() {
        let own = text(&package["name"]);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let name = text(&dependency["name"]);
            if members.contains(&name) {
                continue;
            }
            unused.remove(&name);
            // What is only there to be measured beside, as its users have it.
            let is_peer = own == "benches";
            if dependency["uses_default_features"] == true && !is_peer {
                found.push(format!("{own} takes {name} with its default features"));
            }
            let for_users = dependency["kind"] != "dev" && package["publish"].is_null();
            let fits = |row: &&Vec<&str>| {
                words(row[0]).contains(&name) && (!for_users || names(row[1], &own))
            };
            if !is_peer && !rows.iter().any(|row| fits(&row)) {
                found.push(format!("{TABLE} does not say why {own} has {name}"));
            }
        }
    }
    found.extend(unused.iter().map(|name| format!("{TABLE}: nobody has {name}")));
    found
}

/// Does the cell name this crate, or all that run under a flag or are tested?
fn names(cell: &str, own: &str) -> bool {
    cell.contains(&format!("`{own}`")) || cell.contains("--cfg")
}

fn of(package: &Value) -> String {
    format!("{} {}", text(&package["name"]), text(&package["version"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The machine that this compiler builds for.
fn host() -> Result<String> {
    let mut rustc = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    let told = rustc.arg("-vV").output().context("starting rustc")?;
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Graph, duplicates, licences, permits, reasons, sources};

    /// A crate that users get, and what it stands on.
    fn graph(licence: &str, versions: &[&str], defaults: bool) -> Graph {
        let below = |version: &&str| json!({ "id": version, "name": "below", "version": version, "license": licence });
        let dependency =
            json!({ "name": "below", "kind": null, "uses_default_features": defaults });
        let own = json!({
            "id": "own", "name": "own", "version": "1", "license": "MIT", "publish": null,
            "dependencies": [dependency],
        });
        let packages: Vec<Value> = versions.iter().map(below).chain([own]).collect();
        let edge = |version: &&str| json!({ "pkg": version, "dep_kinds": [{ "kind": null }] });
        let edges: Vec<Value> = versions.iter().map(edge).collect();
        Graph::of(&json!({
            "packages": packages,
            "workspace_members": ["own"],
            "resolve": { "nodes": [{ "id": "own", "deps": edges }] },
        }))
        .expect("it is what cargo tells")
    }

    const TABLE: &str =
        "## Dependencies\n\n| a | b | c |\n| --- | --- | --- |\n| `below` | `own` | why |\n";

    #[test]
    fn what_is_in_order_is_not_told() {
        let graph = graph("MIT", &["1"], false);
        let told = [licences(&graph), duplicates(&graph), reasons(&graph, TABLE)].concat();
        assert_eq!(told, [""; 0]);
    }

    #[test]
    fn what_users_must_not_get_is_told() {
        assert_eq!(licences(&graph("GPL-3.0", &["1"], false)).len(), 1);
        assert_eq!(licences(&graph("Unlicense", &["1"], false)).len(), 1);
        assert_eq!(duplicates(&graph("MIT", &["1", "2"], false)).len(), 1);
    }

    #[test]
    fn a_dependency_has_its_reason() {
        assert_eq!(reasons(&graph("MIT", &["1"], true), TABLE).len(), 1);
        let graph = graph("MIT", &["1"], false);
        assert_eq!(reasons(&graph, "").len(), 1);
        assert_eq!(reasons(&graph, &TABLE.replace("`own`", "`other`")).len(), 1);
        assert_eq!(reasons(&graph, &TABLE.replace("`below`", "`below`, `gone`")).len(), 1);
    }

    #[test]
    fn an_expression_is_read_as_it_is_meant() {
        let allows = |name: &str| ["MIT", "Zlib"].contains(&name);
        for good in
            ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "(MIT OR X) AND Zlib", "MIT WITH exception"]
        {
            assert!(permits(good, &allows), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND Y", "MIT OR (X", "MIT MIT"] {
            assert!(!permits(bad, &allows), "{bad}");
        }
    }

    #[test]
    fn a_foreign_source_is_told() {
        let lock = |source: &str| format!("[[package]]\nname = \"a\"\nchecksum = \"\"\n{source}\n");
        let registry = "source = \"registry+x\"";
        assert!(sources(&lock(registry)).expect("it is TOML").is_empty());
        assert_eq!(sources(&lock("source = \"git+x\"")).expect("it is TOML").len(), 1);
        let two = lock(registry) + &lock("source = \"registry+y\"");
        assert_eq!(sources(&two).expect("it is TOML").len(), 1);
    }
}
