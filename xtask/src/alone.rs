//! Crates used from outside the workspace: alone, and without an operating system.

use std::{collections::BTreeSet, env, fs, process::Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    cargo::{self, Face},
    scratch::{Package, dependency},
    workspace::{self, Crate},
};

/// What a crate may stand on in a default build, apart from the crates of the workspace.
const FOREIGN: [&str; 1] = ["crossbeam-utils"];

fn manifest(name: &str, extra: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n{extra}\n\
         [dependencies]\n{dependencies}"
    )
}

/// Builds a package that depends on one crate, for each crate, and looks at what it drags in.
pub(crate) fn used_alone(crates: &[Crate]) -> Result<()> {
    for one in crates {
        let dir =
            env::temp_dir().join(format!("atomworks-alone-{}-{}", one.name, std::process::id()));
        let uses =
            format!("//! Uses one crate.\npub use {} as used;\n", one.name.replace('-', "_"));
        let manifest = manifest("alone", "", &dependency(&one.name, &["default"]));
        let package = Package::write(dir, &[("Cargo.toml", &manifest), ("src/lib.rs", &uses)])?;
        let result = stands_on_little(&package, one);
        fs::remove_dir_all(package.dir()).context("removing a package written for a check")?;
        result?;
    }
    Ok(())
}

fn stands_on_little(package: &Package, one: &Crate) -> Result<()> {
    let mut build = cargo::cargo(Face::Real);
    build.args(["build", "--quiet", "--target-dir"]).arg(workspace::root().join("target/alone"));
    cargo::run(build.current_dir(package.dir()))?;

    let mut tree = cargo::cargo(Face::Real);
    tree.args(["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let tree = tree.current_dir(package.dir()).stderr(Stdio::inherit()).output()?;
    ensure!(tree.status.success(), "cargo tree failed: {}", tree.status);
    let tree = String::from_utf8_lossy(&tree.stdout);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let beside: BTreeSet<_> = names.filter(|name| *name != "alone" && *name != one.name).collect();
    println!("{}: {}", one.name, beside.iter().copied().collect::<Vec<_>>().join(", "));
    let own = |name: &str| workspace::root().join("crates").join(name).exists();
    match beside.iter().find(|name| !own(name) && !FOREIGN.contains(name)) {
        Some(foreign) => bail!("{} stands on {foreign}", one.name),
        None => Ok(()),
    }
}

/// A library that nobody's `std` may reach: it brings a panic handler of its own.
const LIBRARY: &str = "//! Proves that `std` is not linked.\n#![no_std]\n\n\
#[panic_handler]\nfn panic(_: &core::panic::PanicInfo<'_>) -> ! {\n    loop {}\n}\n";

/// An allocator, for crates with a heap and no operating system.
const ALLOCATOR: &str = "
struct None;
// SAFETY: it never allocates.
unsafe impl core::alloc::GlobalAlloc for None {
    unsafe fn alloc(&self, _: core::alloc::Layout) -> *mut u8 {
        core::ptr::null_mut()
    }
    unsafe fn dealloc(&self, _: *mut u8, _: core::alloc::Layout) {}
}
#[global_allocator]
static HEAP: None = None;
";

/// Links every crate that can do without `std` into one library that has none, with and without
/// `alloc`; and sees that the same library with `std` is refused.
pub(crate) fn without_std(crates: &[Crate]) -> Result<()> {
    for feature in ["", "alloc"] {
        ensure!(links(crates, feature)?, "some crate needs std, with features {feature:?}");
    }
    ensure!(!links(crates, "std")?, "a library with std was linked: the check shows nothing");
    println!("linked without std, with and without alloc; refused with std");
    Ok(())
}

fn links(crates: &[Crate], feature: &str) -> Result<bool> {
    let (mut dependencies, mut library) = (String::new(), LIBRARY.to_owned());
    for one in crates {
        let root = fs::read_to_string(one.dir.join("src/lib.rs"))
            .with_context(|| format!("reading the lib.rs of {}", one.name))?;
        if root.lines().any(|line| line.trim() == "#![no_std]") {
            let features: Vec<_> = [feature].into_iter().filter(|name| !name.is_empty()).collect();
            dependencies += &dependency(&one.name, &features);
            library += &["extern crate ", &one.name.replace('-', "_"), " as _;\n"].concat();
        }
    }
    if feature == "alloc" {
        library += ALLOCATOR;
    }
    let abort = "[lib]\ncrate-type = [\"staticlib\"]\n\n[profile.dev]\npanic = \"abort\"\n";
    let manifest = manifest("nostd", abort, &dependencies);
    let dir = workspace::root().join("target/no-std").join(format!("with-{feature}"));
    let package = Package::write(dir, &[("Cargo.toml", &manifest), ("src/lib.rs", &library)])?;
    let mut build = cargo::cargo(Face::Real);
    build.args(["build", "--quiet", "--target-dir"]).arg(workspace::root().join("target/alone"));
    let built = build.current_dir(package.dir()).output().context("starting cargo")?;
    let errors = String::from_utf8_lossy(&built.stderr);
    if feature != "std" {
        print!("{errors}");
    }
    // Refused for another reason would be no proof.
    let for_std = errors.contains("panic_impl");
    ensure!(built.status.success() || feature != "std" || for_std, "{errors}");
    Ok(built.status.success())
}
