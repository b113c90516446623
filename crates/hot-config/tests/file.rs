//! The transaction from a file to a value, and what is told of it.
#![cfg(all(
    not(any(loom, stepped)),
    unix,
    feature = "json",
    feature = "toml",
    feature = "yaml",
    feature = "notify"
))]

#[path = "file/place.rs"]
mod place;

use core::time::Duration;
use std::{fs, path::Path};

use hot_config::{
    FileSource, HotConfig,
    file::{ErrorKind, Event, FileError, FileWatch, Format, Invalid},
};
use place::{Events, Place, eventually};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Database {
    url: String,
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Settings {
    database: Database,
    port: u16,
    #[serde(default)]
    debug: bool,
}

const JSON: &str = r#"{
  "database": { "url": "postgres://a" },
  "port": 8080,
  "debug": false
}"#;

fn open(path: &Path, events: &Events) -> Result<FileWatch<Settings>, FileError> {
    let source = FileSource::new(path).grace(Duration::from_millis(20)).on_event(events.listener());
    source.open()
}

#[test]
fn each_format_makes_the_same_settings() {
    let place = Place::new();
    let toml = "port = 8080\n[database]\nurl = \"postgres://a\"\n";
    let yaml = "port: 8080\ndatabase:\n  url: postgres://a\n";
    for (name, text) in [("a.json", JSON), ("a.toml", toml), ("a.yaml", yaml), ("b.yml", yaml)] {
        let settings = open(&place.write(name, text), &Events::default()).unwrap();
        assert_eq!(
            (settings.load().port, settings.load().database.url.as_str()),
            (8080, "postgres://a")
        );
    }
    let odd = place.write("settings.conf", toml);
    let unknown = open(&odd, &Events::default()).unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::UnknownFormat);
    let told = FileSource::<Settings>::new(&odd).format(Format::Toml).open().unwrap();
    assert_eq!(told.load().port, 8080);
}

#[test]
fn each_fault_is_told_with_its_line_and_key() {
    let place = Place::new();
    let path = place.write("a.json", JSON);
    let events = Events::default();
    let settings = FileSource::new(&path)
        .grace(Duration::from_millis(20))
        .validate(|settings: &Settings| match settings.port {
            1 => Err(Invalid::at("port", "must not be 1")),
            2 => Err("two is not nice".into()),
            3 => panic!("a validator that panics"),
            _ => Ok(()),
        })
        .on_event(events.listener())
        .open()
        .unwrap();
    let port = |port: &str| JSON.replace("8080", port);
    let faults = [
        ("{\n  oops".to_owned(), ErrorKind::Syntax, Some(2), None),
        (port("70000"), ErrorKind::Type, Some(3), Some("port")),
        (JSON.replace("\"postgres://a\"", "7"), ErrorKind::Type, Some(2), Some("database.url")),
        (JSON.replace("\"port\"", "\"prot\""), ErrorKind::Type, Some(1), None),
        (port("1"), ErrorKind::Invalid, Some(3), Some("port")),
        (port("2"), ErrorKind::Invalid, None, None),
        (port("3"), ErrorKind::Panicked, None, None),
        ("\n".to_owned(), ErrorKind::Empty, None, None),
    ];
    for (count, (text, kind, line, key)) in faults.iter().enumerate() {
        fs::write(&path, text).unwrap();
        let error = events.await_errors(count + 1).pop().unwrap();
        assert_eq!((&error.kind, error.line, error.key.as_deref()), (kind, *line, *key), "{error}");
        assert_eq!((error.path.as_path(), settings.version()), (path.as_path(), 1));
        assert_eq!(settings.status().error.as_ref(), Some(&error));
        assert_eq!(settings.reload().as_ref(), Err(&error), "asked for, it is told again");
    }
    fs::write(&path, [0x7b, 0x0a, 0xff]).unwrap();
    let error = events.await_errors(faults.len() + 1).pop().unwrap();
    assert_eq!((error.kind, error.line), (ErrorKind::Syntax, Some(2)));
    fs::remove_file(&path).unwrap();
    let error = events.await_errors(faults.len() + 2).pop().unwrap();
    assert_eq!((error.kind, error.line), (ErrorKind::Missing, None));

    // What is as it was before is no change; but nothing is wrong any more.
    fs::write(&path, JSON.replace("  ", "\t")).unwrap();
    eventually(|| settings.status().error.is_none(), || format!("{:?}", settings.status()));
    assert_eq!((settings.version(), events.all().len()), (1, faults.len() + 2));
}

#[test]
fn a_change_tells_which_keys() {
    let place = Place::new();
    let path = place.write("a.json", JSON);
    let events = Events::default();
    let settings = open(&path, &events).unwrap();
    fs::write(&path, JSON.replace("postgres://a", "postgres://b").replace("false", "true"))
        .unwrap();
    assert_eq!(settings.reload(), Ok(2));
    assert_eq!(settings.reload(), Ok(2));
    let told = events.all();
    let [Event::Changed(change)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((change.version, change.path.as_path()), (2, path.as_path()));
    assert_eq!(change.changed, ["database.url", "debug"]);
    assert_eq!((settings.status().version, settings.status().changes), (Some(2), 2));
    let config = settings.config();
    drop(settings);
    fs::write(&path, JSON).unwrap();
    assert!(config.load().debug, "nobody watches any more");
    assert_eq!(config.rollback(1).unwrap().database.url, "postgres://b");
}

#[test]
fn the_environment_goes_over_the_file() {
    let place = Place::new();
    let path = place.write("a.toml", "port = 1\n[database]\nurl = \"x\"\n");
    let source = || FileSource::<Settings>::new(&path).grace(Duration::ZERO).environment("HOTTEST");
    // SAFETY: this program's other tests use neither these variables nor C code that reads any.
    unsafe { std::env::set_var("HOTTEST_PORT", "9090") };
    // SAFETY: as above.
    unsafe { std::env::set_var("HOTTEST_DATABASE__URL", "42") };
    let settings = source().open().unwrap();
    assert_eq!((settings.load().port, settings.load().database.url.as_str()), (9090, "42"));
    // SAFETY: as above.
    unsafe { std::env::set_var("HOTTEST_PORT", "many") };
    let error = settings.reload().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment("HOTTEST_PORT".into()), "{error}");
    assert_eq!((error.key.as_deref(), error.line), (Some("port"), None));
    assert_eq!(settings.load().port, 9090);
}

#[test]
fn a_configuration_that_is_there_gets_a_file() {
    let place = Place::new();
    let first = Settings { database: Database { url: "none".into() }, port: 1, debug: true };
    let config = HotConfig::new(first);
    let mut changes = config.subscribe();
    let watch = config.watch_file(place.path("later/a.json")).unwrap();
    let error = watch.status().error.expect("it is missing");
    assert_eq!((error.kind, config.version()), (ErrorKind::Missing, 1));
    place.write("later/a.json", JSON);
    let change = changes.wait_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((change.version, change.port), (2, 8080));
    drop(watch);
    let again = config.watch_file(place.path("later/a.json")).unwrap();
    assert_eq!((again.status().error, config.version()), (None, 3));
}

#[test]
fn a_listener_that_panics_hurts_nobody() {
    let place = Place::new();
    let path = place.write("a.json", JSON);
    let settings =
        FileSource::<Settings>::new(&path).on_event(|_| panic!("a listener that panics"));
    let settings = settings.open().unwrap();
    for port in 1..4_u16 {
        fs::write(&path, JSON.replace("8080", &port.to_string())).unwrap();
        assert_eq!(settings.reload(), Ok(u64::from(port) + 1));
    }
}

#[test]
fn a_listener_may_end_the_watching() {
    let place = Place::new();
    let path = place.write("a.json", JSON);
    let kept = std::sync::Arc::new(std::sync::Mutex::new(None::<FileWatch<Settings>>));
    let (ended, end) = std::sync::mpsc::channel();
    let holder = std::sync::Arc::clone(&kept);
    let settings = FileSource::new(&path).on_event(move |_| {
        drop(holder.lock().unwrap().take());
        ended.send(()).unwrap();
    });
    *kept.lock().unwrap() = Some(settings.open().unwrap());
    fs::write(&path, JSON.replace("8080", "1")).unwrap();
    end.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[cfg(feature = "signal")]
#[test]
fn a_hangup_reloads() {
    let place = Place::new();
    let path = place.write("a.json", JSON);
    let source = FileSource::<Settings>::new(&path).poll_only(Duration::from_hours(1)).on_hangup();
    let settings = source.open().unwrap();
    let mut changes = settings.subscribe();
    // The first look of the thread that watches is over.
    settings.reload().unwrap();
    fs::write(&path, JSON.replace("8080", "1")).unwrap();
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &own]).status().unwrap().success());
    assert_eq!(changes.wait_timeout(Duration::from_secs(20)).unwrap().port, 1);
}
