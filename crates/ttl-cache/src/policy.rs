//! Whom to evict: S3-FIFO (Yang, Zhang, Qiu, Yue and Vinayak, *FIFO queues are all you need for
//! cache eviction*, SOSP 2023), for one thread at a time.
//!
//! What is new enters a small queue. What leaves it was used again meanwhile, and goes to the main
//! queue, or was not, and is evicted; then its ghost stays for a while, and if it comes back while
//! the ghost is there, it enters the main queue at once. What reaches the head of the main queue
//! after it was used goes round once more. So what is used once, as by a scan, passes through
//! the small queue and leaves the main queue alone.
//!
//! The queues hold hashes. A hash whose entry is gone is found out when it reaches the head, or when
//! there are too many of them.

use core::{mem, ptr::NonNull};
use std::collections::{HashSet, VecDeque};

use crate::pages;

/// The small queue's share: a tenth.
const SMALL_SHARE: usize = 10;
/// Hashes of entries that are gone are thrown out when there are as many as entries, and these.
const SLACK: usize = 64;

/// What the policy asks of the cache.
pub(crate) trait Residents {
    /// How often the entry was used since, up to 2; none if it is gone.
    fn visits(&self, hash: u32) -> Option<u32>;
    /// Counts one use less.
    fn forget_visit(&self, hash: u32);
}

#[derive(Debug, Default)]
pub(crate) struct Policy {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// Evicted from the small queue lately: each hash in the place that it leads to.
    ghosts: Box<[u32]>,
}

impl Policy {
    /// How many hashes there are, of entries and of some that are gone.
    pub(crate) fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// An entry has come. `live` is how many there are.
    pub(crate) fn admit(&mut self, hash: u32, live: usize, residents: &impl Residents) {
        self.trim(live, residents);
        let queue = if self.had(hash) { &mut self.main } else { &mut self.small };
        if queue.len() == queue.capacity() {
            // By an eighth, not to twice its length: there may be millions.
            resize(queue, queue.len() / 8 * 9 + 16);
        }
        queue.push_back(hash);
    }

    /// The hash of the entry to evict, which the policy has forgotten; none if it knows no entry.
    pub(crate) fn victim(&mut self, residents: &impl Residents) -> Option<u32> {
        // An entry goes round at most twice, unless it is used all the while.
        for _ in 0..3 * self.len() {
            let from_small = self.small.len() * SMALL_SHARE > self.len() || self.main.is_empty();
            let queue = if from_small { &mut self.small } else { &mut self.main };
            let hash = queue.pop_front()?;
            match (residents.visits(hash), from_small) {
                (None, _) => {}
                (Some(0), true) => {
                    self.remember(hash);
                    return Some(hash);
                }
                (Some(0), false) => return Some(hash),
                (Some(_), _) => {
                    residents.forget_visit(hash);
                    self.main.push_back(hash);
                }
            }
        }
        self.small.pop_front().or_else(|| self.main.pop_front())
    }

    /// Throws out what is gone, and what is there twice, if that is half of it.
    pub(crate) fn trim(&mut self, live: usize, residents: &impl Residents) {
        if self.len() < 2 * live + SLACK {
            return;
        }
        let mut seen = HashSet::with_capacity(live);
        for queue in [&mut self.main, &mut self.small] {
            queue.retain(|&hash| residents.visits(hash).is_some() && seen.insert(hash));
            resize(queue, queue.len() * 2);
        }
    }

    fn had(&self, hash: u32) -> bool {
        !self.ghosts.is_empty() && self.ghosts[self.place(hash)] == hash
    }

    fn remember(&mut self, hash: u32) {
        // As many places as there are entries, at least.
        let places = self.len().next_power_of_two();
        if self.ghosts.len() < places {
            self.ghosts = vec![0; places].into();
        }
        let place = self.place(hash);
        self.ghosts[place] = hash;
    }

    fn place(&self, hash: u32) -> usize {
        hash as usize & (self.ghosts.len() - 1)
    }
}

/// Gives a queue room for so many; the memory that it had goes back to the system.
fn resize(queue: &mut VecDeque<u32>, room: usize) {
    let mut other = VecDeque::with_capacity(room);
    other.append(queue);
    let mut old = Vec::from(mem::replace(queue, other));
    let unused = old.spare_capacity_mut();
    // SAFETY: its hashes are in the other queue.
    unsafe { pages::discard(NonNull::from_mut(unused).cast(), size_of_val(unused)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;
    use std::collections::HashMap;

    /// A cache of one thread.
    struct Few {
        capacity: usize,
        visits: RefCell<HashMap<u32, u32>>,
        policy: Policy,
    }

    impl Residents for RefCell<HashMap<u32, u32>> {
        fn visits(&self, hash: u32) -> Option<u32> {
            self.borrow().get(&hash).copied()
        }

        fn forget_visit(&self, hash: u32) {
            *self.borrow_mut().get_mut(&hash).unwrap() -= 1;
        }
    }

    impl Few {
        fn new(capacity: usize) -> Self {
            Self { capacity, visits: RefCell::default(), policy: Policy::default() }
        }

        /// Whether it was there.
        fn asks(&mut self, hash: u32) -> bool {
            if let Some(visits) = self.visits.borrow_mut().get_mut(&hash) {
                *visits = 2.min(*visits + 1);
                return true;
            }
            if self.visits.borrow().len() == self.capacity {
                let victim = self.policy.victim(&self.visits).unwrap();
                assert!(self.visits.borrow_mut().remove(&victim).is_some());
            }
            let live = self.visits.borrow().len();
            self.visits.borrow_mut().insert(hash, 0);
            self.policy.admit(hash, live, &self.visits);
            false
        }
    }

    #[test]
    fn a_scan_leaves_alone_what_is_used_again() {
        let mut few = Few::new(100);
        for _ in 0..3 {
            for hash in 1..=50 {
                few.asks(hash);
            }
        }
        for hash in 1000..3000 {
            few.asks(hash);
        }
        let hits = (1..=50).filter(|&hash| few.asks(hash)).count();
        assert!(hits >= 45, "{hits} of 50 are left");
    }

    #[test]
    fn what_comes_back_soon_enters_the_main_queue() {
        let mut few = Few::new(10);
        for hash in 1..=11 {
            few.asks(hash);
        }
        assert!(few.visits.borrow().get(&1).is_none());
        few.asks(1);
        assert_eq!(few.policy.main, [1]);
    }

    #[test]
    fn what_is_gone_does_not_pile_up() {
        let mut few = Few::new(1000);
        for round in 0..10_000 {
            few.asks(round % 3 + 1);
            few.visits.borrow_mut().clear();
            few.asks(round + 10);
            few.visits.borrow_mut().clear();
        }
        assert!(few.policy.len() <= 2 * 1000 + SLACK);
        let many = few.policy.len();
        assert_eq!(few.policy.victim(&few.visits), None, "of {many} none is there");
    }

    #[test]
    fn somebody_is_evicted_though_all_are_used_all_the_while() {
        struct Busy;
        impl Residents for Busy {
            fn visits(&self, _: u32) -> Option<u32> {
                Some(2)
            }
            fn forget_visit(&self, _: u32) {}
        }
        let mut policy = Policy::default();
        (1..=5).for_each(|hash| policy.admit(hash, 5, &Busy));
        assert!(policy.victim(&Busy).is_some());
    }
}
