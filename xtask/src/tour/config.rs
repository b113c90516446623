//! A value that is replaced while others read it, and a file that reloads.

use core::{hint::black_box, time::Duration};
use std::{
    env, fs,
    path::Path,
    process,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread,
    time::Instant,
};

use hot_config::{
    FileSource, HotConfig,
    file::{Event, FileError, FileWatch},
};

use super::{scene::Scene, team::pin};

const READERS: usize = 10;
const READS: usize = 10;
/// Half a second in the reference program.
const PAUSE: Duration = Duration::from_millis(50);
/// Reads of each thread where time is taken.
const MANY: u64 = 2_000_000;

pub(super) fn run(scene: &mut Scene) {
    replaced(scene);
    reloaded(scene);
    timed(scene);
}

#[derive(Clone, Debug, PartialEq)]
struct Limits {
    max_connections: u32,
    timeout: Duration,
    debug: bool,
}

fn replaced(scene: &mut Scene) {
    scene.program("a value replaced after 100 ms, a reader that polls 5 times at 50 ms");
    let old = Limits { max_connections: 100, timeout: Duration::from_secs(30), debug: false };
    let new = Limits { max_connections: 200, timeout: Duration::from_mins(1), debug: true };
    let config = HotConfig::new(old.clone());
    let mut reader = config.reader();
    let (seen, replaced) = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            config.update(new.clone())
        });
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(reader.load().clone());
            thread::sleep(Duration::from_millis(50));
        }
        (seen, writer.join().expect("a program of the tour does not panic"))
    });
    for Limits { max_connections, timeout, debug } in &seen {
        let timeout = timeout.as_secs();
        scene.tell(&format!(
            "max connections {max_connections}, timeout {timeout} s, debug {debug}"
        ));
    }
    let switched = seen.iter().filter(|limits| **limits == new).count();
    let whole = seen.iter().take(5 - switched).all(|limits| *limits == old);
    scene.check("each read is all old or all new, and none goes back", whole);
    scene.check("the new value is seen, and the update returns the old", {
        switched > 0 && *replaced == old
    });
}

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Settings {
    database_url: String,
    port: u16,
    debug: bool,
}

const FIRST: &str = r#"{
  "database_url": "postgres://localhost/first",
  "port": 8080,
  "debug": false
}"#;

fn reloaded(scene: &mut Scene) {
    scene.program("10 readers with 10 reads each, a file that changes, and is wrong in between");
    let path = env::temp_dir().join(format!("atomworks-tour-{}.json", process::id()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let outcome = read_while_it_changes(&path, &told);
    let _ = fs::remove_file(&path);
    let (seen, settings) = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return scene.check(&format!("the file is good: {error}"), false),
    };
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    for event in told.iter() {
        scene.tell(&match event {
            Event::Changed(change) => {
                format!("version {} changes {}", change.version, change.changed.join(", "))
            }
            Event::Failed(error) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let line = error.line.unwrap_or_default();
                format!("{name}, line {line}: {}", error.message)
            }
            _ => "something else".to_owned(),
        });
    }
    let changes = told.iter().filter(|event| matches!(event, Event::Changed(_))).count();
    scene.check("the change is told once, the mistake once, with its line", {
        let lines = told.iter().filter_map(|event| match event {
            Event::Failed(error) => error.line,
            _ => None,
        });
        changes == 1 && told.len() == 2 && lines.eq([3])
    });
    let (old, new) = (("first", 8080, false), ("second", 9090, true));
    let in_order = seen.iter().all(|reads| {
        reads.is_sorted_by_key(|read| read.1)
            && reads.iter().all(|read| [old, new].contains(&(read.0.as_str(), read.1, read.2)))
    });
    scene.check("every read is all old or all new, and none goes back", in_order);
    let first_and_last = seen.iter().all(|reads| {
        reads.first().is_some_and(|read| read.1 == 8080)
            && reads.last().is_some_and(|read| read.1 == 9090)
    });
    scene.check("every reader sees both, and the last good one while the file is wrong", {
        first_and_last && settings.version() == 2
    });
}

/// The database's name, the port and debug, as a reader saw them.
type Read = (String, u16, bool);

fn read_while_it_changes(
    path: &Path,
    told: &Arc<Mutex<Vec<Event>>>,
) -> Result<(Vec<Vec<Read>>, FileWatch<Settings>), FileError> {
    let write =
        |text: &str| fs::write(path, text).expect("the directory for temporary files is writable");
    write(FIRST);
    let events = Arc::clone(told);
    let tell = move |event: &Event| {
        events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    };
    let settings = FileSource::new(path).grace(PAUSE).on_event(tell).open()?;
    let seen = thread::scope(|scope| {
        let reader = |_| {
            let mut reader = settings.reader();
            scope.spawn(move || {
                let mut reads = Vec::new();
                for _ in 0..READS {
                    let Settings { database_url, port, debug } = reader.load();
                    let name = database_url.rsplit('/').next().unwrap_or_default();
                    reads.push((name.to_owned(), *port, *debug));
                    thread::sleep(PAUSE);
                }
                reads
            })
        };
        let readers: Vec<_> = (0..READERS).map(reader).collect();
        thread::sleep(2 * PAUSE);
        write(&FIRST.replace("8080", "eight thousand"));
        thread::sleep(4 * PAUSE);
        write(&FIRST.replace("first", "second").replace("8080", "9090").replace("false", "true"));
        let reads = readers.into_iter().map(thread::ScopedJoinHandle::join);
        reads.map(|reads| reads.expect("a program of the tour does not panic")).collect()
    });
    Ok((seen, settings))
}

fn timed(scene: &mut Scene) {
    scene.program("4 threads with 2,000,000 reads each");
    let config = HotConfig::new(7_u64);
    let (sum, elapsed) = reads(|| {
        let mut reader = config.reader();
        move || *reader.load()
    });
    let mut sums = vec![sum];
    scene.rate("Reader", 4 * MANY, elapsed);
    let (sum, elapsed) = reads(|| || *config.load());
    sums.push(sum);
    scene.rate("load", 4 * MANY, elapsed);
    let locked = RwLock::new(Arc::new(7_u64));
    let (sum, elapsed) = reads(|| || **locked.read().unwrap_or_else(PoisonError::into_inner));
    sums.push(sum);
    scene.rate("RwLock", 4 * MANY, elapsed);
    scene.check("every read is the value", sums.iter().all(|sum| *sum == 7 * 4 * MANY));
}

/// What four threads read, added up, and how long it took.
fn reads<R: FnMut() -> u64 + Send>(reader: impl Fn() -> R + Sync) -> (u64, Duration) {
    let started = Instant::now();
    let sum = thread::scope(|scope| {
        let reader = &reader;
        let one = |seat| {
            let mut read = reader();
            scope.spawn(move || {
                pin(seat);
                (0..MANY).map(|_| black_box(&mut read)()).sum::<u64>()
            })
        };
        let threads: Vec<_> = (0..4).map(one).collect();
        let sums = threads.into_iter().map(thread::ScopedJoinHandle::join);
        sums.map(|sum| sum.expect("a program of the tour does not panic")).sum()
    });
    (sum, started.elapsed())
}
