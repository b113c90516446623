//! Places on a circle, as pure functions.
//!
//! The slotted ring counts *places* in `0..capacity`: its slots say whether they are full. The
//! contiguous ring counts *positions* in `0..2 * capacity`, so that equal positions mean empty and
//! positions a capacity apart mean full, for any capacity and with no division.

use core::hint::cold_path;

/// The place `steps` after `place`, where `steps <= capacity`.
#[inline(always)]
pub(crate) const fn forward(place: usize, steps: usize, capacity: usize) -> usize {
    let room = capacity - place;
    if steps < room { place + steps } else { steps - room }
}

/// The place after `place`. A jump that is foreseen, so that the next operation need not wait for
/// the comparison.
#[inline(always)]
pub(crate) const fn next(place: usize, capacity: usize) -> usize {
    let next = place + 1;
    if next == capacity {
        cold_path();
        return 0;
    }
    next
}

/// The place `steps` before `place`, where `steps <= capacity`.
#[inline(always)]
pub(crate) const fn backward(place: usize, steps: usize, capacity: usize) -> usize {
    if steps <= place { place - steps } else { capacity - (steps - place) }
}

/// The position `steps` after `position`, where `steps <= capacity`.
#[inline(always)]
pub(crate) const fn advance(position: usize, steps: usize, capacity: usize) -> usize {
    forward(position, steps, 2 * capacity)
}

/// How many steps lead from `head` to `tail`: the length.
#[inline(always)]
pub(crate) const fn distance(head: usize, tail: usize, capacity: usize) -> usize {
    if head <= tail { tail - head } else { 2 * capacity - (head - tail) }
}

/// The place at which `position` stores.
#[inline(always)]
pub(crate) const fn place(position: usize, capacity: usize) -> usize {
    if position < capacity { position } else { position - capacity }
}

/// How far the slotted producer looks ahead: a quarter of the ring, at most a page's worth.
pub(crate) const fn stride(capacity: usize) -> usize {
    match capacity / 4 {
        0 => 1,
        quarter if quarter < 4096 => quarter,
        _ => 4096,
    }
}

/// The least `length` in `0..=capacity` for which `is_within(length)` is false, where `is_within`
/// holds below some length and fails from there on.
pub(crate) fn boundary(capacity: usize, mut is_within: impl FnMut(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, capacity);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_within(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_is_a_quarter_up_to_a_page() {
        let capacities = [1, 3, 4, 11, 4 * 4095, 4 * 4096, 1 << 20];
        assert_eq!(capacities.map(stride), [1, 1, 1, 2, 4095, 4096, 4096]);
    }

    #[test]
    fn forward_and_backward_are_inverse_and_stay_on_the_circle() {
        for capacity in 1..9 {
            for place in 0..capacity {
                for steps in 0..=capacity {
                    let there = forward(place, steps, capacity);
                    assert_eq!(there, (place + steps) % capacity);
                    assert_eq!(backward(there, steps, capacity), place);
                }
            }
        }
    }

    #[test]
    fn the_next_place_is_one_step_forward() {
        for capacity in 1..9 {
            for place in 0..capacity {
                assert_eq!(next(place, capacity), forward(place, 1, capacity));
            }
        }
    }

    #[test]
    fn positions_tell_empty_from_full() {
        for capacity in 1..9 {
            for head in 0..2 * capacity {
                for length in 0..=capacity {
                    let tail = advance(head, length, capacity);
                    assert!(tail < 2 * capacity);
                    assert_eq!(distance(head, tail, capacity), length);
                    assert_eq!(place(tail, capacity), tail % capacity);
                }
            }
        }
    }

    #[test]
    fn the_stride_fits_the_ring() {
        for capacity in (1..100).chain([1 << 14, 1 << 15, usize::MAX]) {
            assert!((1..=capacity).contains(&stride(capacity)));
        }
    }

    #[test]
    fn the_boundary_is_found_in_logarithmically_many_probes() {
        for capacity in 0..70 {
            for length in 0..=capacity {
                let mut probes = 0;
                let found = boundary(capacity, |at| {
                    probes += 1;
                    at < length
                });
                assert_eq!(found, length);
                assert!(probes <= capacity.checked_ilog2().map_or(0, |log| log + 1));
            }
        }
    }
}
