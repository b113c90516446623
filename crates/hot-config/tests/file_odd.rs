//! What is found where a file should be, what is in it, and times and calls that make no sense.
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
use std::{
    fs,
    sync::{
        Arc, Mutex,
        mpsc::{self, TryRecvError},
    },
    thread,
    time::Instant,
};

use hot_config::{
    FileSource, HotConfig,
    file::{ErrorKind, FileWatch},
};
use place::{Events, Place, eventually};
use testkit::{
    drops::{Counted, Drops},
    stress::scaled,
};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Settings {
    number: u64,
}

fn source(path: impl Into<std::path::PathBuf>) -> FileSource<Settings> {
    FileSource::new(path).grace(Duration::ZERO)
}

fn text(number: u64) -> String {
    format!("{{ \"number\": {number} }}")
}

#[test]
fn bytes_that_are_no_settings_are_refused() {
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    let settings = source(&path).open().unwrap();
    let deep = "[".repeat(100_000);
    let cases: [(&[u8], ErrorKind, Option<usize>); 8] = [
        (b"", ErrorKind::Empty, None),
        (b"\xef\xbb\xbf", ErrorKind::Empty, None),
        (b"\xef\xbb\xbf \n", ErrorKind::Empty, None),
        (b"{\n\"number\": \"\xe2\x82", ErrorKind::Syntax, Some(2)),
        (b"\xff\xfe{\0}\0", ErrorKind::Syntax, Some(1)),
        (b"{\n\n\0", ErrorKind::Syntax, Some(3)),
        (b"{ \"number\": 1e999 }", ErrorKind::Syntax, Some(1)),
        (deep.as_bytes(), ErrorKind::Syntax, Some(1)),
    ];
    for (content, kind, line) in cases {
        fs::write(&path, content).unwrap();
        let error = settings.reload().unwrap_err();
        assert_eq!((error.kind, error.line), (kind, line), "{}", error.message);
        assert_eq!(settings.load().number, 1);
    }
    fs::write(&path, format!("\u{feff}{}", text(2))).unwrap();
    assert_eq!(settings.reload(), Ok(2), "a mark of the byte order is no content");
    let long = format!("{}{}", " ".repeat(16 << 20), text(3));
    fs::write(&path, long).unwrap();
    assert_eq!((settings.reload(), settings.load().number), (Ok(3), 3));
}

#[test]
fn depth_without_end_is_refused_in_each_format() {
    let place = Place::new();
    for (name, deep) in [
        ("a.toml", format!("number = {}", "[".repeat(100_000))),
        ("a.yaml", "[".repeat(100_000)),
        ("b.yaml", "a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nnumber: x\n".to_owned()),
    ] {
        let error = source(place.write(name, &deep)).open().unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Syntax | ErrorKind::Type), "{error}");
    }
}

#[test]
fn what_is_no_file_is_told_and_not_waited_for() {
    let place = Place::new();
    fs::create_dir(place.path("dir.json")).unwrap();
    let pipe = place.path("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", place.path("zero.json")).unwrap();
    for name in ["dir.json", "pipe.json", "zero.json"] {
        let path = place.path(name);
        let error = source(&path).open().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreadable, "{name}: {error}");
        let config = HotConfig::new(Settings { number: 0 });
        let watch = source(&path).attach(&config).unwrap();
        assert_eq!(watch.status().error.map(|error| error.kind), Some(ErrorKind::Unreadable));
        let mut changes = config.subscribe();
        if name == "dir.json" {
            fs::remove_dir(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        place.write(name, &text(7));
        assert_eq!(changes.wait_timeout(Duration::from_secs(20)).unwrap().number, 7, "{name}");
    }
    let below = place.write("plain", "").join("a.json");
    assert_eq!(source(below).open().unwrap_err().kind, ErrorKind::Missing);
}

/// Between a look at what is there and its opening, too.
#[test]
fn a_pipe_that_comes_at_any_moment_is_not_waited_for() {
    let place = Place::new();
    let (path, pipe) = (place.write("a.json", &text(1)), place.path("pipe"));
    let (file, aside) = (place.write("file", &text(1)), place.path("aside"));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let watch = source(&path).poll_only(Duration::from_hours(1)).open().unwrap();
    let (tell, told) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut kinds = [0; 2];
        for _ in 0..scaled(30_000) {
            let outcome = watch.reload();
            kinds[usize::from(outcome.is_err())] += 1;
            match outcome {
                Ok(version) => assert_eq!(version, 1),
                Err(error) => assert_eq!(error.message, "it is not a regular file"),
            }
        }
        tell.send(kinds).unwrap();
    });
    let end = Instant::now() + Duration::from_mins(1);
    let kinds = loop {
        match told.try_recv() {
            Ok(kinds) => break kinds,
            Err(TryRecvError::Empty) => assert!(Instant::now() < end, "a pipe is waited for"),
            Err(TryRecvError::Disconnected) => break [0; 2],
        }
        for next in [&pipe, &file] {
            fs::hard_link(next, &aside).unwrap();
            fs::rename(&aside, &path).unwrap();
        }
    };
    reading.join().unwrap();
    assert!(kinds[0] > 0 && kinds[1] > 0, "good and not: {kinds:?}");
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    let settings = source(&path).open().unwrap();
    for (length, kind) in [(64 << 20, ErrorKind::Syntax), ((64 << 20) + 1, ErrorKind::Unreadable)] {
        fs::File::create(&path).unwrap().set_len(length).unwrap();
        assert_eq!(settings.reload().unwrap_err().kind, kind, "{length} bytes");
        assert_eq!(settings.load().number, 1);
    }
    fs::write(&path, text(2)).unwrap();
    assert_eq!(settings.reload(), Ok(2));
}

#[test]
fn times_without_sense_are_borne() {
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    for every in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        let settings =
            source(&path).debounce(every, every).grace(every).poll_only(every).open().unwrap();
        for _ in 0..3 {
            assert_eq!(settings.reload(), Ok(1), "every {every:?}");
        }
        fs::write(&path, "").unwrap();
        assert_eq!(settings.reload().unwrap_err().kind, ErrorKind::Empty);
        fs::write(&path, text(1)).unwrap();
        drop(settings);
    }
}

#[test]
fn a_listener_may_reload() {
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    let kept = Arc::new(Mutex::new(None::<FileWatch<Settings>>));
    let (told, asked) = std::sync::mpsc::channel();
    let holder = Arc::clone(&kept);
    let settings = source(&path).on_event(move |_| {
        told.send(holder.lock().unwrap().as_ref().map(FileWatch::reload)).unwrap();
    });
    *kept.lock().unwrap() = Some(settings.open().unwrap());
    fs::write(&path, text(2)).unwrap();
    assert_eq!(asked.recv_timeout(Duration::from_secs(20)), Ok(Some(Ok(2))));
    let watch = kept.lock().unwrap().take();
    drop(watch);
}

/// The watching goes on when a value's drop panics on its thread: refused, unchanged, or old.
#[test]
fn values_that_panic_in_their_drop_do_not_end_the_watching() {
    static DROPS: Mutex<Option<Drops>> = Mutex::new(None);

    #[derive(serde::Deserialize)]
    #[serde(from = "Settings")]
    struct Panics(Counted<u64>);
    impl From<Settings> for Panics {
        fn from(settings: Settings) -> Self {
            let drops = DROPS.lock().unwrap();
            let drops = drops.as_ref().unwrap();
            Self(match settings.number {
                0..10 => drops.counted(settings.number),
                _ => drops.panicking(settings.number),
            })
        }
    }
    *DROPS.lock().unwrap() = Some(Drops::new());
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    let config = HotConfig::with_history(Panics::from(Settings { number: 0 }), 0);
    let events = Events::default();
    let watch = FileSource::new(&path)
        .grace(Duration::ZERO)
        .validate(|Panics(value)| if value.value == 11 { Err("refused".into()) } else { Ok(()) })
        .on_event(events.listener())
        .poll_only(Duration::from_hours(1))
        .attach(&config)
        .unwrap();
    assert_eq!(config.load().0.value, 1);
    let refresh = |number| {
        fs::write(&path, text(number)).unwrap();
        watch.reload()
    };
    assert_eq!(refresh(11).unwrap_err().kind, ErrorKind::Panicked, "refused");
    assert_eq!(refresh(10), Ok(3));
    assert_eq!(watch.reload().unwrap_err().kind, ErrorKind::Panicked, "unchanged");
    assert_eq!(refresh(2), Ok(4), "old");
    assert_eq!(refresh(3), Ok(5));
    eventually(|| events.all().len() == 6, || format!("{:?}", events.all()));
}

/// The same where the thread asks for the version while another replaces it: which of the two drops the
/// value is a matter of chance, so this asks often.
#[test]
fn values_that_panic_while_the_version_is_asked_for_do_not_end_the_watching() {
    use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

    static PANICS: AtomicUsize = AtomicUsize::new(0);

    /// Whether it is to panic on the thread that watches.
    struct Panics(bool);
    impl<'de> serde::Deserialize<'de> for Panics {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Settings::deserialize(from).map(|_| Self(false))
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            if self.0 && thread::current().name() == Some("hot-config") {
                PANICS.fetch_add(1, Relaxed);
                panic!("dropped by the thread that watches");
            }
        }
    }
    let place = Place::new();
    let path = place.write("a.json", &text(1));
    let config = HotConfig::with_history(Panics(false), 0);
    let watch = FileSource::new(&path).poll_only(Duration::ZERO).attach(&config).unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                config.update(Panics(true));
            }
        });
        let end = Instant::now() + Duration::from_secs(10);
        while PANICS.load(Relaxed) == 0 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        over.store(true, Relaxed);
    });
    assert!(watch.reload().is_ok(), "the watching has ended");
}
