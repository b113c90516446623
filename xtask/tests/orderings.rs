//! The ordering mutation run tells a needed ordering from a needless one.

use xtask::{
    cargo::{self, Face},
    orderings::{self, Memory, Report, Subject},
    scan,
    scratch::{Package, dependency},
    workspace,
};

const MANIFEST: &str = r#"[package]
name = "fixture"
edition = "2024"

[features]
default = []

[lib]
path = "src/lib.rs"

[workspace]

[lints.rust]
unexpected_cfgs = { level = "allow" }
"#;

fn fixture() -> Subject {
    let dir = workspace::root().join("target/fixture");
    let testkit = dependency("testkit", &[]);
    let core = dependency("lockfree-core", &["std"]);
    let manifest = format!("{MANIFEST}\n[dependencies]\n{core}\n[dev-dependencies]\n{testkit}");
    let package = Package::write(
        dir,
        &[
            ("Cargo.toml", &manifest),
            ("src/lib.rs", include_str!("fixture/lib.rs")),
            ("tests/loom.rs", include_str!("fixture/loom.rs")),
        ],
    )
    .expect("the fixture is written");
    let mut build = cargo::cargo(Face::Modelled);
    build.current_dir(package.dir());
    let models = cargo::build_tests(build, &["fixture"], "loom").expect("the fixture builds");
    let sources = scan::read_crate(package.dir(), &package.dir().join("src"));
    Subject { name: "fixture".to_owned(), sources: sources.expect("the fixture is Rust"), models }
}

#[test]
fn needed_and_needless_are_told_apart() {
    let subject = fixture();
    let report: Report =
        orderings::weaken(&subject, &[], false, &Memory::default()).expect("the models hold");
    let place = |text: &str| {
        let mut lines = include_str!("fixture/lib.rs").lines().enumerate();
        let (i, line) = lines.find(|(_, line)| line.contains(text)).expect("the fixture has it");
        format!("src/lib.rs:{}:{}", i + 1, line.find(text).expect("found above") + 1)
    };
    assert_eq!(
        report.killed(),
        [
            format!("{} set Release -> Relaxed", place("set(&self.ready")),
            format!("{} compare_exchange Acquire -> Relaxed", place("compare_exchange(")),
        ]
    );
    let needless = place("fetch_add(1, Release)");
    assert_eq!(report.survivors(), [format!("{needless} fetch_add Release -> Relaxed")]);
    let stranger = "the edge needless: no model of its name comes to its release side";
    assert_eq!(report.disagreements(), [stranger]);
    let never = [place("fence(SeqCst)"), place("swap(0, AcqRel)")];
    assert_eq!(
        report.unvisited(),
        [format!("{} SeqCst", never[0]), format!("{} AcqRel", never[1])]
    );
    assert_eq!(report.inconclusive(), Vec::<String>::new());
    assert!(!report.holds());
}
