//! A pair of fences of which one costs next to nothing, and the other all the more.
//!
//! Where two threads each write one word and then read the other's, and one of the two must see what
//! the other wrote, both need a full fence. If one side runs a thousand times as often as the other,
//! the rare side can bear the cost of both: it makes every processor that runs a thread of this
//! process pass a full fence (Dice, Huang and Yang, *Asymmetric Dekker Synchronization*, 2001; on
//! Linux `membarrier(2)`). The frequent side then has to hold back the compiler alone.
//!
//! # Why either way is sound
//!
//! `MODE` leaves `UNKNOWN` once and for good. A light fence that does not see `KERNEL` is a full one,
//! and so is the first half of every heavy one: the two are a pair. A light fence that sees `KERNEL`
//! is preceded by the registration that `KERNEL` stands for, and so every heavy fence asks the kernel.

use core::{
    ffi::{c_int, c_long},
    sync::atomic::{AtomicU8, Ordering, compiler_fence, fence},
};

/// Nobody has asked yet.
const UNKNOWN: u8 = 0;
/// The kernel interrupts the others: a light fence holds back the compiler only.
const KERNEL: u8 = 1;
/// Both are full fences.
const FENCES: u8 = 2;

static MODE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// The cheap one of a pair of fences: total order, but only with each [`heavy_fence`].
///
/// `order` is `SeqCst`; it is an argument so that it stands, like every ordering, at its place.
/// Wait-free; the process's first use asks the kernel, which may take it some milliseconds.
#[inline(always)]
pub fn light_fence(order: Ordering) {
    if MODE.load(Ordering::Relaxed) == KERNEL {
        compiler_fence(order);
    } else {
        light_at_full_price(order);
    }
}

/// As [`light_fence`], for a caller who may know that it is light: `is_light` says that
/// [`fences_are_light`] has been true, and spares the question.
#[inline(always)]
pub fn light_fence_knowing(is_light: bool, order: Ordering) {
    if is_light { compiler_fence(order) } else { light_fence(order) }
}

/// Whether a light fence holds back the compiler only, as all do for good if one does. Asks the kernel if
/// nobody has.
pub fn fences_are_light() -> bool {
    mode() == KERNEL
}

#[cold]
fn light_at_full_price(order: Ordering) {
    mode();
    fence(order);
}

/// The dear one of a pair of fences: a full fence, and one for every [`light_fence`] of the process.
///
/// Takes microseconds where the kernel does it. False if it refuses, which it can only where it has
/// agreed before (a sandbox that closes later): nothing is then known of the others' light fences.
#[must_use]
pub fn heavy_fence(order: Ordering) -> bool {
    fence(order);
    mode() != KERNEL || membarrier(PRIVATE_EXPEDITED)
}

fn mode() -> u8 {
    let known = MODE.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known;
    }
    let found = if membarrier(REGISTER_PRIVATE_EXPEDITED) { KERNEL } else { FENCES };
    // Of threads that ask at the same time the first decides for all.
    match MODE.compare_exchange(UNKNOWN, found, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => found,
        Err(theirs) => theirs,
    }
}

const PRIVATE_EXPEDITED: c_int = 1 << 3;
const REGISTER_PRIVATE_EXPEDITED: c_int = 1 << 4;

/// The number of the system call, where it is known to us; `std` links the C library there anyway.
const MEMBARRIER: Option<c_long> =
    if cfg!(any(not(target_os = "linux"), not(feature = "std"), miri)) {
        None
    } else if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
        Some(324)
    } else if cfg!(any(
        target_arch = "aarch64",
        target_arch = "riscv64",
        target_arch = "loongarch64"
    )) {
        Some(283)
    } else {
        None
    };

#[cfg(all(target_os = "linux", feature = "std"))]
fn membarrier(command: c_int) -> bool {
    unsafe extern "C" {
        fn syscall(number: c_long, ...) -> c_long;
    }
    const NO_FLAGS: c_int = 0;
    const ANY_CPU: c_int = 0;
    MEMBARRIER.is_some_and(|number| {
        // SAFETY: the C library's `syscall`, whose other arguments are as the call wants them; this
        // call touches no memory of ours.
        let refused = unsafe { syscall(number, command, NO_FLAGS, ANY_CPU) };
        refused == 0
    })
}

#[cfg(not(all(target_os = "linux", feature = "std")))]
fn membarrier(_: c_int) -> bool {
    MEMBARRIER.is_some()
}
