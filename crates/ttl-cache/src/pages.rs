//! Pages that go back to the system before the allocator gets its memory back.
//!
//! An allocator keeps what it is given back, for as long as it likes (glibc keeps all that lies below
//! something in use). What a cache frees in large pieces is not to stay resident for that.

use core::ptr::NonNull;

/// Less than this is left to the allocator.
const WORTH_IT: usize = 1 << 14;

/// Has the system take back the whole pages of a piece of memory, which reads as anything afterwards.
///
/// # Safety
/// The memory is the caller's, and nothing in it is needed any more.
pub(crate) unsafe fn discard(start: NonNull<u8>, length: usize) {
    if length >= WORTH_IT {
        // SAFETY: as promised by the caller.
        unsafe { take_back(start, length) }
    }
}

#[cfg(all(target_os = "linux", not(any(loom, miri))))]
unsafe fn take_back(start: NonNull<u8>, length: usize) {
    use core::ffi::{c_int, c_long, c_void};

    unsafe extern "C" {
        fn sysconf(name: c_int) -> c_long;
        fn madvise(start: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    const PAGE_SIZE: c_int = 30;
    const DONT_NEED: c_int = 4;

    // SAFETY: the C library's call, which touches no memory of ours.
    let page = usize::try_from(unsafe { sysconf(PAGE_SIZE) }).unwrap_or(0);
    if !page.is_power_of_two() {
        return;
    }
    let before = start.addr().get().wrapping_neg() & (page - 1);
    let whole = length.saturating_sub(before) & !(page - 1);
    if whole > 0 {
        // SAFETY: the first whole page lies in the piece.
        let first = unsafe { start.add(before) };
        // SAFETY: whole pages of what is the caller's. If the system refuses, they stay.
        unsafe { madvise(first.as_ptr().cast(), whole, DONT_NEED) };
    }
}

#[cfg(not(all(target_os = "linux", not(any(loom, miri)))))]
unsafe fn take_back(_: NonNull<u8>, _: usize) {}
