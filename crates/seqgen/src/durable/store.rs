//! The file: made whole or not at all, locked, and changed one copy after the other.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::{
    error::DurableError,
    record::{COPIES, FILE, Fault, Record, SIZE},
};

/// The open file and what stands in it.
#[derive(Debug)]
pub(super) struct Store {
    file: File,
    record: Record,
}

impl Store {
    /// Makes a file with `record`, which must not exist.
    ///
    /// It is written under another name and then linked: whoever finds it finds it whole, and of
    /// two that make it at once one fails. What a crash leaves of the other name is written over by
    /// the next who makes it.
    pub(super) fn create(path: &Path, record: Record) -> Result<Self, DurableError> {
        let draft = draft_of(path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&draft)
            .map_err(DurableError::io("making"))?;
        lock(&file)?;
        let made = make(&mut file, &draft, path, &record);
        // The link has the file now; or nobody has, and nothing is left of it.
        let removed = fs::remove_file(&draft).map_err(DurableError::io("making"));
        made.and(removed).map(|()| Self { file, record })
    }

    /// Opens the file and reads what stands in it.
    pub(super) fn open(path: &Path) -> Result<Self, DurableError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(DurableError::io("opening"))?;
        lock(&file)?;
        let reading = DurableError::io;
        let found = file.metadata().map_err(reading("reading"))?.len();
        if found != FILE as u64 {
            return Err(DurableError::WrongSize { found, expected: FILE as u64 });
        }
        let mut copies = [[0; SIZE]; 2];
        for (copy, place) in copies.iter_mut().zip(COPIES) {
            file.seek(SeekFrom::Start(place)).map_err(reading("reading"))?;
            file.read_exact(copy).map_err(reading("reading"))?;
        }
        match Record::of_copies(copies.each_ref()) {
            Ok(record) => Ok(Self { file, record }),
            Err(Fault::Foreign) => Err(DurableError::Foreign),
            Err(Fault::Damaged) => Err(DurableError::Damaged),
        }
    }

    pub(super) const fn record(&self) -> &Record {
        &self.record
    }

    /// Writes another mark. Where it returns, both copies are on the disk. Where it fails, either may
    /// be the file's, and the next call writes both again.
    pub(super) fn write(&mut self, mark: u64) -> Result<(), DurableError> {
        // Also after a failure: a generation stands for one mark.
        self.record.generation += 1;
        self.record.mark = mark;
        let bytes = self.record.encode();
        for place in COPIES {
            let file = &mut self.file;
            file.seek(SeekFrom::Start(place))
                .and_then(|_| file.write_all(&bytes))
                .and_then(|()| file.sync_data())
                .map_err(DurableError::io("writing"))?;
        }
        Ok(())
    }
}

impl Drop for Store {
    /// Closing alone would not do: a process that is just being started has the file open too, until
    /// it runs its program.
    fn drop(&mut self) {
        // If it fails, closing does it.
        let _ = self.file.unlock();
    }
}

fn lock(file: &File) -> Result<(), DurableError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => DurableError::Locked,
        TryLockError::Error(source) => DurableError::Io { doing: "locking", source },
    })
}

/// Writes the locked draft and links it.
fn make(file: &mut File, draft: &Path, path: &Path, record: &Record) -> Result<(), DurableError> {
    let making = DurableError::io;
    // A crash between the link and the end of the draft's name leaves one file with two names, which
    // must not be written over.
    if fs::symlink_metadata(path).is_ok() {
        return Err(making("making")(ErrorKind::AlreadyExists.into()));
    }
    file.set_len(0)
        .and_then(|()| file.write_all(&record.file()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(draft, path))
        .map_err(making("making"))?;
    sync_directory(path)
}

/// The name under which a file is made.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".seqgen-draft");
    path.with_file_name(name)
}

/// On Unix a name is on the disk when its directory is.
fn sync_directory(path: &Path) -> Result<(), DurableError> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))
        .and_then(|directory| directory.sync_all())
        .or_else(|error| if error.kind() == ErrorKind::Unsupported { Ok(()) } else { Err(error) })
        .map_err(DurableError::io("making"))
}
