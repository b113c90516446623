//! The real face costs nothing: its functions compile to the instructions of `core`'s.
#![cfg(all(
    not(any(loom, stepped)),
    any(target_arch = "x86_64", target_arch = "aarch64"),
    any(target_os = "linux", target_os = "macos", target_os = "freebsd")
))]

use std::{
    collections::{BTreeMap, HashMap},
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_facade_compiles_to_the_instructions_of_core() {
    let functions = functions_of(&assembly());
    let body = |name: &str| functions.get(name).unwrap_or_else(|| panic!("no function {name}"));

    assert_ne!(body("facade_planted"), body("bare_planted"), "the comparison sees nothing");
    let facades = functions.keys().filter_map(|name| name.strip_prefix("facade_"));
    let mut compared = 0;
    for name in facades.filter(|&name| name != "planted") {
        let facade = body(&format!("facade_{name}"));
        println!("{name}: {} instructions", facade.len());
        assert!(!facade.is_empty());
        assert_eq!(facade, body(&format!("bare_{name}")), "{name}: left the façade, right core");
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn merged_functions_and_labels_are_understood() {
    let functions = functions_of(
        "facade_a:\n.Lfunc_begin0:\n.LBB0_1:\n\tadd x0, x0\n\tb .LBB0_1\n.Lfunc_end0:\n\
         facade_b:\n.LBB7_3:\n\tadd  x0, x0\n\tb .LBB7_3\n.Lfunc_end1:\n\
         bare_c:\n\tjmp facade_a@PLT\n.Lfunc_end2:\n\
         .set bare_d, facade_a\n",
    );
    assert_eq!(functions["facade_a"], ["label0:", "add x0, x0", "b label0"]);
    for name in ["facade_b", "bare_c", "bare_d"] {
        assert_eq!(functions[name], functions["facade_a"], "{name}");
    }
}

/// Compiles the library as a dependent's build does, and the subject against it.
fn assembly() -> String {
    let target = Path::new(PACKAGE).join("../../target/zero-cost");
    let mut library = tool("CARGO", "cargo");
    library.args(["build", "--quiet", "--package", "lockfree-core", "--lib", "--release"]);
    run(library.arg("--target-dir").arg(&target).current_dir(PACKAGE));

    let release = target.join("release");
    let output = release.join("subject.s");
    let mut path = OsString::from("dependency=");
    path.push(release.join("deps"));
    let mut external = OsString::from("lockfree_core=");
    external.push(release.join("liblockfree_core.rlib"));
    let subject: PathBuf = [PACKAGE, "tests", "zero_cost", "subject.rs"].iter().collect();
    let mut subject_build = tool("RUSTC", "rustc");
    subject_build.args(["-O", "--edition=2024", "--crate-type=lib", "--emit=asm"]);
    subject_build.args(["-C", "codegen-units=1", "-C", "overflow-checks=off"]);
    subject_build.arg("--extern").arg(external).arg("-L").arg(path);
    run(subject_build.arg("-o").arg(&output).arg(subject));
    fs::read_to_string(output).expect("rustc has written the assembly")
}

fn tool(variable: &str, name: &str) -> Command {
    let mut command = Command::new(env::var_os(variable).unwrap_or_else(|| name.into()));
    // What the tests are instrumented with is not what is compared here.
    for flags in
        ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"]
    {
        command.env_remove(flags);
    }
    command
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
}

/// The instructions of each function of the subject, its labels numbered in order of appearance.
///
/// Where LLVM has merged two equal functions, one is an alias of the other or jumps to it: it gets
/// the other's instructions.
fn functions_of(assembly: &str) -> BTreeMap<String, Vec<String>> {
    let mut functions = BTreeMap::<String, Vec<String>>::new();
    let mut aliases = Vec::new();
    let mut current = None;
    for line in assembly.lines().map(without_comment) {
        if let Some((alias, name)) = alias_in(line) {
            aliases.push((alias, name));
        } else if let Some(label) = line.strip_suffix(':') {
            let name = symbol(label);
            if is_of_the_subject(name) {
                current = Some(name.to_owned());
                functions.insert(name.to_owned(), Vec::new());
            } else if !is_local(label) || label.contains("func_end") {
                current = None;
            } else if let Some(body) = current.as_ref().and_then(|name| functions.get_mut(name)) {
                body.push(line.to_owned());
            }
        } else if !line.is_empty()
            && !line.starts_with('.')
            && let Some(body) = current.as_ref().and_then(|name| functions.get_mut(name))
        {
            body.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    for (name, body) in &functions {
        if let [jump] = body.as_slice()
            && let Some((_, target)) = jump.split_once(' ')
            && is_of_the_subject(symbol(target))
        {
            aliases.push((name.clone(), symbol(target).to_owned()));
        }
    }
    for body in functions.values_mut() {
        number_labels(body);
    }
    for (alias, name) in aliases {
        let body = functions[&name].clone();
        functions.insert(alias, body);
    }
    functions
}

fn without_comment(line: &str) -> &str {
    let comment = match (cfg!(target_arch = "x86_64"), cfg!(target_os = "macos")) {
        (true, true) => "##",
        (true, false) => "#",
        (false, true) => ";",
        (false, false) => "//",
    };
    line.split(comment).next().unwrap_or_default().trim()
}

/// `.set alias, name` or `alias = name`.
fn alias_in(line: &str) -> Option<(String, String)> {
    let (alias, name) = match line.strip_prefix(".set ") {
        Some(rest) => rest.split_once(','),
        None => line.split_once(" = "),
    }?;
    let (alias, name) = (symbol(alias.trim()), symbol(name.trim()));
    (is_of_the_subject(alias) && is_of_the_subject(name)).then(|| (alias.into(), name.into()))
}

fn symbol(label: &str) -> &str {
    // macOS puts an underscore in front, position-independent jumps a suffix behind.
    let label = label.split('@').next().unwrap_or(label);
    label.strip_prefix('_').unwrap_or(label)
}

fn is_of_the_subject(name: &str) -> bool {
    name.starts_with("facade_") || name.starts_with("bare_")
}

fn is_local(label: &str) -> bool {
    label.starts_with(".L") || label.starts_with('L')
}

fn number_labels(body: &mut Vec<String>) {
    const AROUND: [char; 7] = [' ', ',', '[', ']', '(', ')', ':'];
    // Labels for debuggers and unwinders: nobody jumps there.
    let all = body.clone();
    body.retain(|line| {
        line.strip_suffix(':').is_none_or(|label| {
            all.iter().any(|other| other != line && other.split(AROUND).any(|word| word == label))
        })
    });
    let mut numbers = HashMap::new();
    for line in body {
        *line = line
            .split_inclusive(AROUND)
            .map(|word| {
                let label = word.trim_end_matches(AROUND);
                if !is_local(label) {
                    return word.to_owned();
                }
                let next = numbers.len();
                let number = numbers.entry(label.to_owned()).or_insert(next);
                word.replace(label, &format!("label{number}"))
            })
            .collect();
    }
}
