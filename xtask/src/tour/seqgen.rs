//! Ids: each once, in order, with an error at the end, and none again after a restart.

use std::{
    env, fs, process,
    sync::{Mutex, PoisonError},
    thread,
};

use lockfree_core::{
    CachePadded,
    sync::{AtomicU64, Ordering::Relaxed},
};
use seqgen::{DurableSequence, Exhausted, Sequence, Snowflake, durable::DurableError};

use super::{
    scene::Scene,
    team::{contenders, together},
};
use crate::term::grouped;

const THREADS: u64 = 10;
const EACH: u64 = 1_000;
/// Ids of each thread where time is taken.
const EACH_OF_MANY: u64 = 2_000_000;

pub(super) fn run(scene: &mut Scene) {
    unique(scene);
    batch(scene);
    overflow(scene);
    rates(scene);
    snowflakes(scene);
    restart(scene);
}

fn unique(scene: &mut Scene) {
    scene.program("10 threads take 1,000 ids each");
    let ids = Sequence::new(0, 1_000_000, 1).expect("these limits are sound");
    let take = || -> Vec<_> { (0..EACH).map_while(|_| ids.next().ok()).collect() };
    let by_thread: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|one| one.join().expect("nobody panics")).collect()
    });
    let ordered = by_thread.iter().all(|ids| ids.is_sorted_by(|one, next| one < next));
    let mut all = by_thread.concat();
    all.sort_unstable();
    scene.tell(&format!("the last id is {}", grouped(ids.current())));
    scene.check("10,000 ids, none twice and none left out", all.into_iter().eq(1..=THREADS * EACH));
    scene.check("each thread's ids increase", ordered);
}

fn batch(scene: &mut Scene) {
    scene.program("a batch of 100");
    let ids = Sequence::new(1_000, 1_000_000, 5).expect("these limits are sound");
    let ends = ids.next_batch(100).map(|batch| (batch.front(), batch.back(), batch.len()));
    scene.tell(&format!("from 1,000 in steps of 5: {ends:?}"));
    scene.check(
        "it goes from 1,005 to 1,500, and the next id is 1,505",
        ends == Ok((Some(1_005), Some(1_500), 100)) && ids.next() == Ok(1_505),
    );
}

fn overflow(scene: &mut Scene) {
    scene.program("20 calls from 999,990 to 1,000,000, and a reset");
    let ids = Sequence::new(999_990, 1_000_000, 1).expect("these limits are sound");
    let calls: Vec<_> = (0..20).map(|_| ids.next()).collect();
    let errors = calls.iter().filter(|call| **call == Err(Exhausted)).count();
    scene.tell(&format!("{} ids and {errors} errors: {Exhausted}", calls.len() - errors));
    let expected = (999_991..=1_000_000).map(Ok).chain([Err(Exhausted); 10]);
    scene.check("10 ids up to 1,000,000 and then 10 errors", calls.into_iter().eq(expected));
    let again = ids.reset(0).is_ok() && ids.next() == Ok(1) && ids.current() == 1;
    scene.check("after a reset the next id is 1", again);
}

fn rates(scene: &mut Scene) {
    let threads = contenders();
    scene.program(&format!("{threads} threads take 2,000,000 ids each"));
    let total = threads as u64 * EACH_OF_MANY;
    let limits = || Sequence::new(0, total, 1).expect("these limits are sound");
    let ids = limits();
    let elapsed = together(threads, |_| (0..EACH_OF_MANY).for_each(|_| _ = ids.next()));
    scene.rate("Sequence::next", total, elapsed);
    let leased = limits();
    let elapsed = together(threads, |_| {
        let mut lease = leased.lease(64);
        (0..EACH_OF_MANY).for_each(|_| _ = lease.next());
    });
    scene.rate("Lease of 64", total, elapsed);
    let checked = CachePadded::new(AtomicU64::new(0));
    let elapsed = together(threads, |_| {
        for _ in 0..EACH_OF_MANY {
            let mut last = checked.load(Relaxed);
            while let Err(now) = checked.compare_exchange_weak(last, last + 1, Relaxed, Relaxed) {
                last = now;
            }
        }
    });
    scene.rate("compare-and-swap loop", total, elapsed);
    let locked = Mutex::new(0);
    let elapsed = together(threads, |_| {
        for _ in 0..EACH_OF_MANY {
            *locked.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
    });
    scene.rate("mutex", total, elapsed);
    let exact = ids.current() == total && ids.next() == Err(Exhausted) && leased.remaining() == 0;
    scene.check("all ids were given, and no more", exact);
}

fn snowflakes(scene: &mut Scene) {
    scene.program("a snowflake tells when and where");
    let ids = Snowflake::unix().node(7).build().expect("these settings are sound");
    let given: Vec<_> = (0..10_000).map_while(|_| ids.wait_next().ok()).collect();
    let parts = given.last().and_then(|id| ids.parse(*id));
    if let Some(parts) = parts {
        let (node, number, seconds) = (parts.node, parts.number, parts.time.as_secs());
        scene.tell(&format!("node {node}, number {number}, {seconds} s after 1970"));
    }
    let ordered = given.is_sorted_by(|one, next| one < next);
    scene.check("10,000 ids increase", ordered && given.len() == 10_000);
    scene.check("they are node 7's", parts.is_some_and(|parts| parts.node == 7));
}

fn restart(scene: &mut Scene) {
    scene.program("a durable sequence is dropped and opened again");
    let path = env::temp_dir().join(format!("atomworks-tour-{}.seq", process::id()));
    let lives = || -> Result<(u64, u64, u64), DurableError> {
        let limits = Sequence::builder();
        let ids = DurableSequence::create(&path, limits, 100)?;
        let last = (0..250).try_fold(0, |_, _| ids.next())?;
        drop(ids);
        let ids = DurableSequence::open(&path, limits, 100)?;
        let after_a_crash = ids.next()?;
        ids.close()?;
        let after_a_close = DurableSequence::open(&path, limits, 100)?.next()?;
        Ok((last, after_a_crash, after_a_close))
    };
    let lived = lives();
    let _ = fs::remove_file(&path);
    match &lived {
        Ok((last, crash, close)) => {
            scene.tell(&format!("after {last}: {crash}; closed and opened: {close}"));
        }
        Err(error) => scene.tell(&error.to_string()),
    }
    let holds = matches!(lived, Ok((250, 301, 302)));
    scene.check("it skips the rest of its block, and none after it was closed", holds);
}
