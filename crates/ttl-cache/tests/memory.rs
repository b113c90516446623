//! What a cache allocates: by entry, and after all has expired without traffic. One test, since the
//! allocator counts for all.
#![cfg(all(not(loom), not(stepped)))]

use core::{
    alloc::{GlobalAlloc, Layout},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use std::{alloc::System, thread, time::Instant};

use testkit::stress::scaled;
use ttl_cache::Cache;

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Counts the bytes that live.
struct Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: as promised by our caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as promised by our caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The memory of this process that is in use, where the system tells.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

#[test]
fn an_entry_takes_what_is_documented_and_gives_it_back_without_traffic() {
    let unbounded = fills_and_empties(None);
    assert!(unbounded <= MOST, "{unbounded} bytes an entry");
    let bounded = fills_and_empties(Some(2));
    assert!(bounded <= MOST, "{bounded} bytes an entry, with what the eviction knows of it");
}

/// The bytes that an entry may take.
const MOST: f64 = 65.0;

/// Fills a cache of this many times as many entries, or without a bound; then leaves it alone until
/// all have expired. How many bytes an entry took.
fn fills_and_empties(room: Option<u64>) -> f64 {
    let entries = usize::try_from(scaled(200_000)).unwrap();
    // Longer than a busy machine needs to fill it.
    let time = Duration::from_secs(5);
    let (before, resident_before) = (LIVE.load(Relaxed), resident());
    let builder = Cache::builder().time_to_live(time);
    let cache = match room {
        Some(times) => builder.capacity(times * entries as u64).build(),
        None => builder.build(),
    };
    // From a few threads, so that each has its bag.
    thread::scope(|scope| {
        for part in 0..4 {
            let keys = (0..entries as u64).filter(move |key| key % 4 == part);
            let cache = &cache;
            scope.spawn(move || keys.for_each(|key| cache.set(key, key)));
        }
    });
    let began = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let each = || (LIVE.load(Relaxed) - before) as f64 / entries as f64;
    // The table that was outgrown last is there as long as somebody may look at it, and until the
    // sweeper has looked.
    while each() > MOST && began.elapsed() < time / 4 {
        thread::sleep(Duration::from_millis(10));
    }
    let (each, peak, resident_peak) = (each(), LIVE.load(Relaxed) - before, resident());
    assert_eq!(cache.len(), entries);
    println!(
        "{entries} entries, {each:.1} bytes each {:.2} s later",
        began.elapsed().as_secs_f64()
    );

    // Nobody touches it: the sweeper alone frees, and the table shrinks. What goes back to the allocator
    // goes back to the system too.
    let live = || LIVE.load(Relaxed).saturating_sub(before) * 100 / peak;
    let held = || {
        let (before, peak, now) = (resident_before?, resident_peak?, resident()?);
        Some(now.saturating_sub(before) * 100 / peak.checked_sub(before)?)
    };
    while live() > 15 || held().is_some_and(|held| held > 30) {
        let late = began.elapsed() > time + Duration::from_secs(5);
        assert!(!late, "{}% live, {:?}% resident", live(), held());
        thread::sleep(Duration::from_millis(20));
    }
    println!(
        "{}% live and {:?}% resident {:.2} s after the last was put in",
        live(),
        held(),
        began.elapsed().as_secs_f64()
    );
    drop(cache);
    // The sweeper may have been at it, and drops it then: not to be counted for the next one.
    while live() > 0 {
        assert!(began.elapsed() < 4 * time, "{}% live without the cache", live());
        thread::sleep(Duration::from_millis(20));
    }
    each
}
