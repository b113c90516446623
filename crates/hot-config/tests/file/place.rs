//! A directory of its own for a test, and the ways in which files are written.
#![allow(dead_code, reason = "each test file uses a part")]

use core::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use hot_config::file::{Event, FileError};

/// A directory that is removed with its contents.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("hot-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Points the link `at` to `target` in one step.
pub(crate) fn point(at: &Path, target: &Path) {
    let aside = at.with_extension("aside");
    let _ = fs::remove_file(&aside);
    symlink(target, &aside).unwrap();
    fs::rename(&aside, at).unwrap();
}

/// How a file gets its next content.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    InPlace,
    TruncateThenWrite,
    RenameOver,
    RemoveAndCreate,
    LinkSwap,
    Kubernetes,
}

pub(crate) const WAYS: [Way; 6] = [
    Way::InPlace,
    Way::TruncateThenWrite,
    Way::RenameOver,
    Way::RemoveAndCreate,
    Way::LinkSwap,
    Way::Kubernetes,
];

/// A file that is written in one way.
pub(crate) struct Written {
    place: Place,
    way: Way,
    pub(crate) path: PathBuf,
    versions: usize,
}

impl Written {
    pub(crate) fn new(way: Way, text: &str) -> Self {
        let place = Place::new();
        let path = place.path("settings.json");
        let mut written = Self { place, way, path, versions: 0 };
        match way {
            Way::LinkSwap => {
                let first = written.place.write("store/0.json", text);
                symlink(first, &written.path).unwrap();
            }
            Way::Kubernetes => {
                written.place.write("..0/settings.json", text);
                symlink("..0", written.place.path("..data")).unwrap();
                symlink("..data/settings.json", &written.path).unwrap();
            }
            _ => drop(written.place.write("settings.json", text)),
        }
        written.versions = 1;
        written
    }

    pub(crate) fn write(&mut self, text: &str) {
        let (path, number) = (&self.path, self.versions);
        self.versions += 1;
        match self.way {
            Way::InPlace => {
                // One write over what is there; the rest is cut off or blank.
                let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
                file.write_all(text.as_bytes()).unwrap();
                file.set_len(text.len() as u64).unwrap();
            }
            Way::TruncateThenWrite => {
                let mut file = fs::File::create(path).unwrap();
                file.flush().unwrap();
                let (head, tail) = text.split_at(text.len() / 2);
                file.write_all(head.as_bytes()).unwrap();
                std::thread::yield_now();
                file.write_all(tail.as_bytes()).unwrap();
            }
            Way::RenameOver => {
                let aside = self.place.write("settings.json.new", text);
                fs::rename(aside, path).unwrap();
            }
            Way::RemoveAndCreate => {
                fs::remove_file(path).unwrap();
                fs::write(path, text).unwrap();
            }
            Way::LinkSwap => {
                let next = self.place.write(&format!("store/{number}.json"), text);
                point(path, &next);
                let _ = fs::remove_file(self.place.path(&format!("store/{}.json", number - 1)));
            }
            Way::Kubernetes => {
                self.place.write(&format!("..{number}/settings.json"), text);
                symlink(format!("..{number}"), self.place.path("..data_tmp")).unwrap();
                fs::rename(self.place.path("..data_tmp"), self.place.path("..data")).unwrap();
                fs::remove_dir_all(self.place.path(&format!("..{}", number - 1))).unwrap();
            }
        }
    }
}

/// Events, as they were told.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    pub(crate) fn listener(&self) -> impl FnMut(&Event) + Send + 'static {
        let events = Arc::clone(&self.0);
        move |event| events.lock().unwrap().push(event.clone())
    }

    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn errors(&self) -> Vec<FileError> {
        let error = |event| match event {
            Event::Failed(error) => Some(error),
            _ => None,
        };
        self.all().into_iter().filter_map(error).collect()
    }

    /// Waits until there are `count` errors.
    pub(crate) fn await_errors(&self, count: usize) -> Vec<FileError> {
        eventually(|| self.errors().len() >= count, || format!("{count} errors: {:?}", self.all()));
        self.errors()
    }
}

pub(crate) fn eventually(mut holds: impl FnMut() -> bool, what: impl Fn() -> String) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "in 20 s not: {}", what());
        std::thread::sleep(Duration::from_micros(200));
    }
}
