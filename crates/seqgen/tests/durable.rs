//! The durable sequence: restarts, kills, and files to which something has happened.
#![cfg(all(not(loom), feature = "durable"))]

use core::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};
use std::{
    collections::HashSet,
    env,
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
};

use seqgen::{BuildError, Builder, DurableSequence, Sequence, durable::DurableError};
use testkit::stress::scaled;

const BLOCK: u64 = 50;
const LIMITS: Builder = Sequence::builder();
/// What tells a child of these tests what to do: `task:path`.
const TASK: &str = "SEQGEN_TASK";

/// A folder that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        let folder = env::temp_dir().join(format!("seqgen-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("ids.seq")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path) -> Result<DurableSequence, DurableError> {
    DurableSequence::open(path, LIMITS, BLOCK)
}

/// A file from which `given` ids were given, with a crash after the last.
fn crashed_after(path: &Path, given: u64) {
    let ids = DurableSequence::create(path, LIMITS, BLOCK).unwrap();
    for id in 1..=given {
        assert_eq!(ids.next().unwrap(), id);
    }
}

/// Changes bytes of a file in place.
fn scribble(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_crash_skips_a_block_at_most_and_a_close_nothing() {
    let folder = Folder::new();
    crashed_after(&folder.file(), 3);
    let ids = open(&folder.file()).unwrap();
    assert_eq!(ids.current(), BLOCK);
    assert_eq!((ids.next().unwrap(), ids.current()), (BLOCK + 1, BLOCK + 1));
    ids.close().unwrap();
    let ids = open(&folder.file()).unwrap();
    assert_eq!(ids.next().unwrap(), BLOCK + 2);
    drop(ids);
    // Opened and never used: nothing was reserved.
    for _ in 0..3 {
        drop(open(&folder.file()).unwrap());
    }
    assert_eq!(open(&folder.file()).unwrap().next().unwrap(), 2 * BLOCK + 2);
}

#[test]
fn batches_end_with_their_block_and_ids_with_the_range() {
    let folder = Folder::new();
    let limits = Sequence::builder().min(0).max(60).step(-1);
    let ids = DurableSequence::create(folder.file(), limits, 50).unwrap();
    assert!(ids.next_batch(3).unwrap().eq([60, 59, 58]));
    assert_eq!(ids.next_batch(1000).unwrap().len(), 47);
    assert_eq!((ids.next_batch(0).unwrap().len(), ids.remaining()), (0, 11));
    assert!(ids.next_batch(1000).unwrap().eq((0..=10).rev()));
    for _ in 0..3 {
        assert!(matches!(ids.next(), Err(DurableError::Exhausted)));
    }
    drop(ids);
    let ids = DurableSequence::open(folder.file(), limits, 50).unwrap();
    assert!(matches!(ids.next(), Err(DurableError::Exhausted)));
    assert_eq!((ids.current(), ids.block()), (0, 50));
}

#[test]
fn a_reset_is_written_down() {
    let folder = Folder::new();
    crashed_after(&folder.file(), 7);
    let mut ids = open(&folder.file()).unwrap();
    ids.reset(1000).unwrap();
    assert!(matches!(ids.reset(u64::MAX), Ok(())));
    assert!(matches!(ids.next(), Err(DurableError::Exhausted)));
    ids.reset(10).unwrap();
    drop(ids);
    assert_eq!(open(&folder.file()).unwrap().next().unwrap(), 11);
}

#[test]
fn threads_share_a_durable_sequence() {
    let folder = Folder::new();
    let (each, threads) = (scaled(2_000), 4);
    let ids = DurableSequence::create(folder.file(), LIMITS, 1000).unwrap();
    let take = || -> Vec<u64> { (0..each).map(|_| ids.next().unwrap()).collect() };
    let given: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(given.iter().all(|ids| ids.is_sorted_by(|one, next| one < next)));
    let unique: HashSet<_> = given.iter().flatten().collect();
    assert_eq!((unique.len() as u64, ids.current()), (threads * each, threads * each));
}

#[test]
fn what_cannot_be_made_is_refused() {
    let folder = Folder::new();
    let create = |limits| DurableSequence::create(folder.file(), limits, BLOCK);
    let error = create(LIMITS.step(0)).unwrap_err();
    assert!(matches!(error, DurableError::Build(BuildError::ZeroStep)));
    assert!(matches!(create(LIMITS.cycle(true)), Err(DurableError::Cycles)));
    assert!(fs::read_dir(&folder.0).unwrap().next().is_none());
    let missing = open(&folder.file()).unwrap_err();
    assert!(missing.to_string().starts_with("opening the sequence's file: "), "{missing}");
    drop(create(LIMITS).unwrap());
    let exists = create(LIMITS).unwrap_err();
    assert!(matches!(exists, DurableError::Io { doing: "making", .. }), "{exists}");
    assert!(matches!(create(LIMITS.cycle(true)), Err(DurableError::Cycles)));
    let other = DurableSequence::open(folder.file(), LIMITS.step(2), BLOCK);
    assert!(matches!(other, Err(DurableError::OtherRule)));
    assert_eq!(
        DurableSequence::open_or_create(folder.file(), LIMITS, 1).unwrap().next().unwrap(),
        1
    );
}

/// A crash between the link and the end of the draft's name: one file with two names. Making a
/// sequence must not write over it.
#[test]
fn a_draft_that_was_left_behind_does_no_harm() {
    let folder = Folder::new();
    let draft = folder.0.join("ids.seq.seqgen-draft");
    fs::write(&draft, "half a draft").unwrap();
    crashed_after(&folder.file(), 5);
    assert!(!draft.exists());
    fs::hard_link(folder.file(), &draft).unwrap();
    assert!(DurableSequence::create(folder.file(), LIMITS, BLOCK).is_err());
    assert_eq!(open(&folder.file()).unwrap().next().unwrap(), BLOCK + 1);
}

/// Names that people give: a sequence made beside another one takes nothing from it.
#[test]
fn a_file_beside_it_stays_what_it_was() {
    let folder = Folder::new();
    let neighbour = folder.0.join("ids.seq.new");
    crashed_after(&neighbour, 5);
    crashed_after(&folder.file(), 5);
    assert_eq!(open(&neighbour).unwrap().next().unwrap(), BLOCK + 1);
}

#[test]
fn a_file_of_another_size_is_refused() {
    let folder = Folder::new();
    crashed_after(&folder.file(), 5);
    let whole = fs::read(folder.file()).unwrap();
    for size in [0, 1, 63, 64, 4095, 4096, 4160, whole.len() - 1] {
        fs::write(folder.file(), &whole[..size]).unwrap();
        let error = open(&folder.file()).unwrap_err();
        assert!(matches!(error, DurableError::WrongSize { found, .. } if found == size as u64));
        assert!(error.to_string().contains("instead of 8192"), "{error}");
    }
    fs::write(folder.file(), [&whole[..], b"!"].concat()).unwrap();
    assert!(matches!(open(&folder.file()), Err(DurableError::WrongSize { .. })));
}

/// Damage to one copy is survived, without going back; damage to both is told.
#[test]
fn a_damaged_file_is_survived_or_refused_and_never_believed() {
    let folder = Folder::new();
    for bit in 0..64 * 8 {
        let _ = fs::remove_file(folder.file());
        crashed_after(&folder.file(), 60);
        let whole = fs::read(folder.file()).unwrap();
        let flipped = [whole[bit / 8] ^ 1 << (bit % 8)];
        let at = bit as u64 / 8;
        for copy in [0, 4096] {
            scribble(&folder.file(), copy + at, &flipped);
            let ids = open(&folder.file()).unwrap();
            assert_eq!(ids.current(), 2 * BLOCK, "a mark of before");
            drop(ids);
            fs::write(folder.file(), &whole).unwrap();
        }
        scribble(&folder.file(), at, &flipped);
        scribble(&folder.file(), 4096 + at, &flipped);
        let refused = open(&folder.file()).unwrap_err();
        assert!(matches!(refused, DurableError::Damaged | DurableError::Foreign), "{refused}");
    }
    fs::write(folder.file(), vec![0; 8192]).unwrap();
    assert!(matches!(open(&folder.file()), Err(DurableError::Foreign)));
}

/// A crash between the copies, at any byte of either: what is read is never less than what was given.
#[test]
fn a_torn_write_is_as_if_it_had_not_been_or_as_if_it_had() {
    let folder = Folder::new();
    crashed_after(&folder.file(), BLOCK);
    let before = fs::read(folder.file()).unwrap();
    let ids = open(&folder.file()).unwrap();
    assert_eq!(ids.next().unwrap(), BLOCK + 1);
    drop(ids);
    let after = fs::read(folder.file()).unwrap();
    for torn in 0..=128_usize {
        let mut file = before.clone();
        let (one, other) = (torn.min(64), torn.saturating_sub(64));
        file[..one].copy_from_slice(&after[..one]);
        file[4096..4096 + other].copy_from_slice(&after[4096..4096 + other]);
        fs::write(folder.file(), &file).unwrap();
        let next = open(&folder.file()).unwrap().next().unwrap();
        let whole = if torn < 64 { BLOCK } else { 2 * BLOCK };
        assert!(next == whole + 1 || torn < 64 && next == 2 * BLOCK + 1, "{torn}: {next}");
    }
}

#[test]
fn one_file_has_one_user() {
    let folder = Folder::new();
    let ids = DurableSequence::create(folder.file(), LIMITS, BLOCK).unwrap();
    assert!(matches!(open(&folder.file()), Err(DurableError::Locked)));
    assert_eq!(told_by("open", &folder.file()), "the sequence's file is in use");
    drop(ids);
    assert_eq!(told_by("open", &folder.file()), "gave 1");
}

/// The command that does a task of [`child`] in another process.
fn task(task: &str, path: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env(TASK, format!("{task}:{}", path.display()));
    command
}

/// What a child tells of its task.
fn told(mut command: Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = printed.split_once("told: ").unwrap_or_else(|| panic!("{output:?}")).1;
    told.lines().next().unwrap().to_owned()
}

fn told_by(what: &str, path: &Path) -> String {
    told(task(what, path))
}

/// The other process. As a test of its own it does nothing.
#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    let (task, path) = task.split_once(':').unwrap();
    let path = Path::new(path);
    match task {
        "open" => match open(path).and_then(|ids| ids.next()) {
            Ok(id) => println!("told: gave {id}"),
            Err(error) => println!("told: {error}"),
        },
        "create" => match DurableSequence::create(path, LIMITS, BLOCK) {
            Ok(_) => println!("told: made"),
            Err(error) => println!("told: {error}"),
        },
        "give" => give(path),
        other => panic!("no task is called {other}"),
    }
}

/// Two threads that give ids and write each down, until somebody kills them.
fn give(path: &Path) {
    let ids = DurableSequence::open_or_create(path, LIMITS, BLOCK).unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let log = path.with_extension("log");
                let mut log = OpenOptions::new().append(true).create(true).open(log).unwrap();
                loop {
                    let id = ids.next().unwrap();
                    log.write_all(&id.to_le_bytes()).unwrap();
                }
            });
        }
    });
}

#[test]
fn killed_at_random_moments_it_repeats_nothing_and_skips_a_block() {
    let folder = Folder::new();
    let log = folder.file().with_extension("log");
    let mut noise = u64::from(process::id()) | 1;
    let (mut seen, mut last, mut read) = (HashSet::new(), 0, 0);
    let (mut lives, mut most_skipped, mut silent) = (0, 0, 0);
    // Few lives may be too short for an id, each.
    for _ in 0..scaled(20).max(10) {
        let mut child =
            task("give", &folder.file()).stdout(process::Stdio::null()).spawn().unwrap();
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Longer where the machine is too slow for a life that short.
        thread::sleep(Duration::from_micros((noise >> 49) * (1 + silent)));
        child.kill().unwrap();
        child.wait().unwrap();

        let mut fresh = Vec::new();
        if let Ok(mut file) = File::open(&log) {
            file.seek(SeekFrom::Start(read)).unwrap();
            file.read_to_end(&mut fresh).unwrap();
            read += fresh.len() as u64;
        }
        let fresh = fresh.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id));
        let fresh: Vec<_> = fresh.collect();
        let ends = fresh.iter().min().zip(fresh.iter().max());
        let Some((&least, &greatest)) = ends else {
            silent += 1;
            continue;
        };
        lives += 1;
        assert!(least > last, "{least} after {last}");
        // Each life skips what was left of its block; and each of the two threads may have had an id
        // that it did not write down any more.
        let skipped = least - last - 1;
        assert!(skipped <= (BLOCK + 2) * (1 + silent), "{skipped} skipped, {silent} silent");
        (most_skipped, silent, last) = (skipped.max(most_skipped), 0, greatest);
        assert!(fresh.into_iter().all(|id| seen.insert(id)), "an id was given twice");
    }
    println!("{} ids in {lives} lives, at most {most_skipped} skipped", seen.len());
    assert!(lives > 0 && !seen.is_empty());
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    };

    /// The command, by a user whom permissions concern.
    fn as_anybody(mut command: Command, folder: &Folder) -> Command {
        if fs::metadata(&folder.0).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        command
    }

    fn permit(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_file_that_may_only_be_read_is_refused() {
        let folder = Folder::new();
        crashed_after(&folder.file(), 5);
        permit(&folder.0, 0o755);
        permit(&folder.file(), 0o444);
        let refused = told(as_anybody(task("open", &folder.file()), &folder));
        assert!(refused.starts_with("opening the sequence's file: Permission denied"), "{refused}");
        permit(&folder.0, 0o555);
        let refused = told(as_anybody(task("create", &folder.0.join("new.seq")), &folder));
        assert!(refused.starts_with("making the sequence's file: Permission denied"), "{refused}");
        permit(&folder.0, 0o755);
        permit(&folder.file(), 0o644);
        assert_eq!(open(&folder.file()).unwrap().next().unwrap(), BLOCK + 1);
    }

    /// A process that may write to no file: what a full disk does, and without being root.
    fn without_room(command: &Command) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell
    }

    #[test]
    fn without_room_nothing_is_made_and_nothing_given() {
        let folder = Folder::new();
        let refused = told(without_room(&task("create", &folder.file())));
        assert!(refused.starts_with("making the sequence's file: File too large"), "{refused}");
        assert!(fs::read_dir(&folder.0).unwrap().next().is_none(), "something is left");
        crashed_after(&folder.file(), 5);
        let refused = told(without_room(&task("open", &folder.file())));
        assert!(refused.starts_with("writing the sequence's file: File too large"), "{refused}");
        assert_eq!(open(&folder.file()).unwrap().next().unwrap(), BLOCK + 1);
    }

    /// A file system with less room than a file takes, where this user may make one.
    #[test]
    fn on_a_full_disk_nothing_is_made() {
        let folder = Folder::new();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4k", "seqgen"])
            .arg(&folder.0)
            .output();
        if !mount.is_ok_and(|mount| mount.status.success()) {
            println!("left out: a file system of 4 KiB cannot be mounted here");
            return;
        }
        let made = DurableSequence::create(folder.file(), LIMITS, BLOCK);
        let left = fs::read_dir(&folder.0).unwrap().count();
        drop(Command::new("umount").arg(&folder.0).output());
        let refused = made.unwrap_err().to_string();
        assert!(refused.starts_with("making the sequence's file: No space left"), "{refused}");
        assert_eq!(left, 0, "something is left");
    }
}
