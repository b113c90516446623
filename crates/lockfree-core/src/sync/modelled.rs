//! The face of the models: loom's atomics, cured of one blindness, each site known by its place.
//!
//! Three environment variables drive the ordering mutation run and print traces:
//!
//! * `ATOMWORKS_SITES=file` appends a line `file:line:column:slot:access:ordering` for each site that
//!   is executed. The slot is 1 for the failure ordering of a compare-exchange, else 0.
//! * `ATOMWORKS_WEAKEN=file:line:column:slot:ordering` makes that one site use that ordering.
//! * `ATOMWORKS_TRACE=1` prints each access of each thread as it happens: loom's own log tells the
//!   switches between threads, and not what they did.
//!
//! loom 0.7 keeps one last access for each atomic, so a thread's own relaxed load hides another
//! thread's store and a branch is never explored (its issues 166 and 392). Here each access first
//! swaps a dummy word of its own atomic: a read-modify-write that depends on every other one.

pub mod thread;

use core::panic::Location;
use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io::Write as _,
    string::{String, ToString as _},
    sync::{Mutex, OnceLock, PoisonError},
    vec::Vec,
};

pub(super) use loom::sync::atomic;

use super::{Access, Ordering};

/// Hints to the processor.
pub mod hint {
    pub use loom::hint::spin_loop;
}

loom::lazy_static! {
    /// What threads did before a light fence, for those that pass a heavy one.
    static ref BY_LIGHT: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
    /// The reverse.
    static ref BY_HEAVY: atomic::AtomicUsize = atomic::AtomicUsize::new(0);
}

/// Makes the accesses of one atomic depend on each other, and tells their orderings.
pub(super) struct Probe(atomic::AtomicBool);

impl Probe {
    #[track_caller]
    pub(super) fn new() -> Self {
        Self(atomic::AtomicBool::new(false))
    }

    #[track_caller]
    pub(super) fn before(&self, access: Access, order: Ordering) -> Ordering {
        self.0.swap(false, Ordering::Relaxed);
        at_site(0, access, order)
    }

    #[track_caller]
    pub(super) fn fence(order: Ordering) -> Ordering {
        at_site(0, Access::Fence, order)
    }

    /// Orders this thread with those that pass a heavy fence, and with no others: two light fences are
    /// not even a release and an acquire. A real one may hold back no more than the compiler.
    #[track_caller]
    pub(super) fn light_fence(order: Ordering) {
        if at_site(0, Access::Fence, order) == Ordering::SeqCst {
            BY_LIGHT.fetch_add(1, Ordering::Release);
            BY_HEAVY.fetch_add(0, Ordering::Acquire);
        }
    }

    /// The other half: whichever of the two is first, the second sees what came before it.
    #[track_caller]
    pub(super) fn heavy_fence(order: Ordering) {
        if at_site(0, Access::Fence, order) == Ordering::SeqCst {
            BY_HEAVY.fetch_add(1, Ordering::Release);
            BY_LIGHT.fetch_add(0, Ordering::Acquire);
        }
    }

    #[track_caller]
    pub(super) fn on_failure(order: Ordering) -> Ordering {
        at_site(1, Access::Load, order)
    }

    pub(super) fn before_retry() {
        loom::thread::yield_now();
    }
}

/// Records the site of the caller and returns the ordering that it is to use.
#[track_caller]
fn at_site(slot: u8, access: Access, order: Ordering) -> Ordering {
    static WEAKENED: OnceLock<Option<Weakened>> = OnceLock::new();
    static TRACED: OnceLock<bool> = OnceLock::new();
    static RECORDER: OnceLock<Option<Mutex<Recorder>>> = OnceLock::new();

    let location = Location::caller();
    if let Some(recorder) = RECORDER.get_or_init(Recorder::from_environment) {
        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.record(location, slot, access, order);
    }
    // The failure ordering stands on the line of its access.
    if slot == 0 && *TRACED.get_or_init(|| std::env::var_os("ATOMWORKS_TRACE").is_some()) {
        let thread = loom::thread::current().id();
        std::eprintln!("{thread:?} {location} {access:?} {order:?}");
    }
    match WEAKENED.get_or_init(Weakened::from_environment) {
        Some(weakened) if weakened.is_at(location, slot) => weakened.to,
        _ => order,
    }
}

struct Weakened {
    file: String,
    line: u32,
    column: u32,
    slot: u8,
    to: Ordering,
}

impl Weakened {
    fn from_environment() -> Option<Self> {
        let text = std::env::var("ATOMWORKS_WEAKEN").ok()?;
        Some(Self::parse(&text).unwrap_or_else(|| panic!("ATOMWORKS_WEAKEN={text}: not a site")))
    }

    fn parse(text: &str) -> Option<Self> {
        let [file, line, column, slot, to] = text.split(':').collect::<Vec<_>>().try_into().ok()?;
        Some(Self {
            file: file.to_string(),
            line: line.parse().ok()?,
            column: column.parse().ok()?,
            slot: slot.parse().ok()?,
            to: match to {
                "Relaxed" => Ordering::Relaxed,
                "Acquire" => Ordering::Acquire,
                "Release" => Ordering::Release,
                "AcqRel" => Ordering::AcqRel,
                _ => return None,
            },
        })
    }

    fn is_at(&self, location: &Location<'_>, slot: u8) -> bool {
        self.line == location.line()
            && self.column == location.column()
            && self.slot == slot
            && self.file == location.file()
    }
}

struct Recorder {
    file: File,
    seen: BTreeSet<(&'static str, u32, u32, u8)>,
}

impl Recorder {
    fn from_environment() -> Option<Mutex<Self>> {
        let path = std::env::var_os("ATOMWORKS_SITES")?;
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file =
            file.unwrap_or_else(|error| panic!("ATOMWORKS_SITES={}: {error}", path.display()));
        Some(Mutex::new(Self { file, seen: BTreeSet::new() }))
    }

    fn record(
        &mut self,
        at: &'static Location<'static>,
        slot: u8,
        access: Access,
        order: Ordering,
    ) {
        let (file, line, column) = (at.file(), at.line(), at.column());
        if self.seen.insert((file, line, column, slot)) {
            writeln!(self.file, "{file}:{line}:{column}:{slot}:{access:?}:{order:?}")
                .expect("the record of sites is writable");
        }
    }
}
