//! What two threads do with parts of a cache, for the models.

use core::sync::atomic::Ordering::Acquire;
use std::sync::Arc;

use testkit::model::thread;
use ttl_cache::parts::{Cells, Numbers as Pile, Rows, Shelf};

/// Two lay numbers down, one of them takes what is there.
pub(crate) fn lay_and_take() {
    let pile = Arc::new(Pile::new());
    let theirs = Arc::clone(&pile);
    let laying = thread::spawn(move || (1..3).for_each(|number| theirs.lay(number)));
    pile.lay(3);
    let mut taken = pile.take();
    laying.join().unwrap();
    taken.extend(pile.take());
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
}

/// One reads, the other replaces.
pub(crate) fn read_and_replace(reads: u32, replaces: u32) {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || {
        let read: Vec<u32> = (0..reads).map(|_| theirs.read()).collect();
        assert!(read.is_sorted());
    });
    (1..=replaces).for_each(|number| shelf.replace(number));
    reading.join().unwrap();
    assert_eq!(shelf.read(), replaces);
}

/// One replaces, whose bag the other empties.
pub(crate) fn replace_and_collect() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let replacing = thread::spawn(move || theirs.replace(1));
    shelf.collect();
    shelf.collect();
    replacing.join().unwrap();
    assert_eq!(shelf.read(), 1);
}

/// One replaces, and again, whose purse the other empties meanwhile.
pub(crate) fn replace_twice_and_collect() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let replacing = thread::spawn(move || (1..3).for_each(|number| theirs.replace(number)));
    shelf.collect();
    replacing.join().unwrap();
    assert_eq!(shelf.read(), 2);
}

/// Both empty a purse that has garbage in it.
pub(crate) fn collect_and_collect() {
    let shelf = used_shelf();
    shelf.replace(1);
    let theirs = Arc::clone(&shelf);
    let collecting = thread::spawn(move || theirs.collect());
    shelf.collect();
    collecting.join().unwrap();
    assert_eq!(shelf.read(), 1);
}

/// One gives cells back that the other fills again.
pub(crate) fn give_back_and_refill() {
    let cells = Arc::new(Cells::new());
    let mut filled = cells.fill(0);
    let (theirs, given) = (Arc::clone(&cells), filled.pop());
    let giving = thread::spawn(move || {
        assert!(given.as_ref().is_some_and(|cell| cell.read() < 2));
        drop(given);
        theirs.fill(10).len()
    });
    filled.extend(cells.fill(20));
    assert!(filled.iter().all(|cell| cell.read() < 30));
    assert!(giving.join().unwrap() > 0);
}

/// Both give cells back, of one block and of two, and take what there is.
pub(crate) fn give_back_both() {
    let cells = Arc::new(Cells::new());
    let (mut ours, mut other) = (cells.fill(0), cells.fill(10));
    let given = [ours.pop(), other.pop()];
    let theirs = Arc::clone(&cells);
    let giving = thread::spawn(move || {
        drop(given);
        theirs.free_idle();
    });
    drop(ours);
    let again = cells.fill(20);
    giving.join().unwrap();
    assert!(again.iter().chain(&other).all(|cell| cell.read() < 30));
}

/// One gives a block's last cell back, the other looks for blocks to free.
pub(crate) fn give_back_and_free() {
    let cells = Arc::new(Cells::new());
    let mut filled = cells.fill(0);
    let (theirs, given) = (Arc::clone(&cells), filled.pop());
    let giving = thread::spawn(move || {
        drop(given);
        theirs.free_idle();
    });
    drop(filled);
    cells.free_idle();
    giving.join().unwrap();
}

/// One gives cells of two blocks back while the other closes the heap: each block is freed.
pub(crate) fn give_back_and_close() {
    let cells = Cells::new();
    let are_there = cells.are_there();
    let (mut ours, mut others) = (cells.fill(0), cells.fill(10));
    let given = [ours.pop(), others.pop()];
    let giving = thread::spawn(move || drop(given));
    drop(cells);
    drop((ours, others));
    giving.join().unwrap();
    assert!(!are_there());
}

/// A shelf, and a thread number on which there was a session before.
fn used_shelf() -> Arc<Shelf> {
    let shelf = Arc::new(Shelf::new(0));
    assert_eq!(shelf.read(), 0);
    let theirs = Arc::clone(&shelf);
    thread::spawn(move || assert_eq!(theirs.read(), 0)).join().unwrap();
    shelf
}

/// One has a session, and not his first; the other replaces and frees.
pub(crate) fn read_again_and_replace() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace(1);
    shelf.collect();
    assert!(reading.join().unwrap() <= 1);
}

/// As above, with eras that go on while the session begins.
pub(crate) fn read_again_and_replace_more() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace(1);
    shelf.collect();
    shelf.replace(2);
    shelf.replace(3);
    assert!(reading.join().unwrap() <= 3);
}

/// Both move a table of two groups; who has seen it moved finds all that is in it.
pub(crate) fn move_and_move() {
    let rows = Arc::new(Rows::new(2));
    rows.begin_move_and_stop(2);
    let theirs = Arc::clone(&rows);
    let moving = thread::spawn(move || {
        theirs.advance(1);
        assert!(theirs.has(0));
    });
    rows.advance(1);
    moving.join().unwrap();
}

/// One begins to move a table; the other comes upon it.
pub(crate) fn begin_and_find() {
    let rows = Arc::new(Rows::new(1));
    let theirs = Arc::clone(&rows);
    let moving = thread::spawn(move || {
        theirs.begin_move(1);
        theirs.advance(1)
    });
    assert!(rows.has(0));
    assert!(moving.join().unwrap());
}

/// Both put a number in, and the table moves.
pub(crate) fn put_and_put() {
    let rows = Arc::new(Rows::new(1));
    let theirs = Arc::clone(&rows);
    let putting = thread::spawn(move || theirs.put(2));
    rows.put(3);
    putting.join().unwrap();
    assert!([0, 2, 3].iter().all(|number| rows.has(*number)));
}

/// Both replace, and each frees what the other has retired.
pub(crate) fn replace_both() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let replacing = thread::spawn(move || (1..3).for_each(|number| theirs.replace(number)));
    (3..5).for_each(|number| shelf.replace(number));
    replacing.join().unwrap();
    assert!(matches!(shelf.read(), 2 | 4));
}

/// Reads by a load that looks at no era, after the session has begun.
pub(crate) fn read_unguarded() {
    let shelf = used_shelf();
    let theirs = Arc::clone(&shelf);
    // SAFETY: the twin breaks what is promised.
    let reading =
        thread::spawn(move || unsafe { theirs.read_unguarded(|word| word.load(Acquire)) });
    shelf.replace(1);
    shelf.collect();
    shelf.replace(2);
    shelf.replace(3);
    reading.join().unwrap();
}

/// Writes what can be read already.
pub(crate) fn write_what_is_read() {
    let shelf = Arc::new(Shelf::new(0));
    let theirs = Arc::clone(&shelf);
    let reading = thread::spawn(move || theirs.read());
    shelf.replace_and_write(1);
    reading.join().unwrap();
}

/// One takes an entry out and frees it at once, as if nobody could be looking at it.
pub(crate) fn evict_and_free_at_once() {
    let rows = Arc::new(Rows::new(1));
    let theirs = Arc::clone(&rows);
    let evicting = thread::spawn(move || theirs.evict_and_free(0));
    rows.has(0);
    evicting.join().unwrap();
}
