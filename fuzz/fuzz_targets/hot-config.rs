//! A configuration beside the list of its versions; and any text as a file of each format.
#![no_main]

use core::time::Duration;
use std::{collections::BTreeMap, fs};

use arbitrary::Arbitrary;
use hot_config::{FileSource, HotConfig, file::Format};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Step {
    Update(u16),
    Rcu(u16),
    TryRcu,
    Rollback(u8),
    Read,
}

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code, reason = "it is read, and no more")]
struct Settings {
    port: Option<u16>,
    name: Option<String>,
    ratio: Option<f64>,
    nested: Option<BTreeMap<String, Vec<i64>>>,
}

#[derive(Arbitrary, Debug)]
enum Input {
    Steps(u8, Vec<Step>),
    Text(u8, String),
}

fn play(kept: usize, steps: &[Step]) {
    let config = HotConfig::with_history(0, kept);
    let mut reader = config.reader();
    let mut versions = vec![0];
    for step in steps {
        let (version, value) = (versions.len() as u64, versions[versions.len() - 1]);
        match step {
            Step::Update(new) => {
                assert_eq!(*config.update(*new), value);
                versions.push(*new);
            }
            Step::Rcu(add) => {
                assert_eq!(*config.rcu(|old| old.wrapping_add(*add)), value);
                versions.push(value.wrapping_add(*add));
            }
            Step::TryRcu => assert_eq!(config.try_rcu(|_| Err(7)), Err(7)),
            Step::Rollback(to) => {
                let to = u64::from(*to);
                let is_kept = to >= 1 && to < version && version - to <= kept as u64;
                let back = config.rollback(to);
                if is_kept {
                    assert_eq!(*back.unwrap(), value);
                    versions.push(versions[usize::try_from(to - 1).unwrap()]);
                }
            }
            Step::Read => assert_eq!(*reader.load(), value),
        }
        // A roll-back to the version itself may or may not make another.
        if config.version() == versions.len() as u64 + 1 {
            versions.push(*config.load());
        }
        assert_eq!(config.version(), versions.len() as u64);
        assert_eq!(*config.load(), versions[versions.len() - 1]);
        assert!(config.history().len() <= kept);
    }
}

fuzz_target!(|input: Input| match input {
    Input::Steps(kept, steps) => play(usize::from(kept % 8), &steps),
    Input::Text(format, text) => {
        let format = [Format::Json, Format::Toml, Format::Yaml][usize::from(format % 3)];
        let path = std::env::temp_dir().join(format!("atomworks-fuzz-{}", std::process::id()));
        fs::write(&path, text).unwrap();
        // It is read, or refused; it must not panic.
        let source = FileSource::<Settings>::new(&path).format(format).grace(Duration::ZERO);
        drop(source.poll_only(Duration::from_hours(1)).open());
        fs::remove_file(&path).unwrap();
    }
});
