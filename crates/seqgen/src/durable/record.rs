//! What stands in the file, as pure functions.
//!
//! The file is two equal copies of a record, each in a sector of its own:
//!
//! | bytes of a copy | |
//! | --- | --- |
//! | 0 to 8 | `atomseq1` |
//! | 8 to 16 | generation: grows with each change |
//! | 16 to 48 | the rule: origin, limit, step, 1 if ids fall |
//! | 48 to 56 | the mark: ids at positions below it may have been given |
//! | 56 to 64 | a checksum of what stands before: CRC-64/XZ |
//!
//! Numbers are little-endian.

use std::{vec, vec::Vec};

use crate::state::Rule;

const MAGIC: [u8; 8] = *b"atomseq1";
/// The size of a copy.
pub(super) const SIZE: usize = 64;
/// Where the copies are, a page apart.
pub(super) const COPIES: [u64; 2] = [0, 4096];
/// The size of the file.
pub(super) const FILE: usize = 2 * 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) generation: u64,
    pub(super) rule: [u64; 4],
    pub(super) mark: u64,
}

/// Why a copy is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Foreign,
    Damaged,
}

/// What of a rule is written down.
pub(super) fn essence(rule: &Rule) -> [u64; 4] {
    [rule.origin, rule.limit, rule.step, u64::from(rule.falls())]
}

impl Record {
    pub(super) fn encode(&self) -> [u8; SIZE] {
        let [origin, limit, step, falls] = self.rule;
        let words = [self.generation, origin, limit, step, falls, self.mark];
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&MAGIC);
        for (word, place) in words.iter().zip(bytes[8..].chunks_exact_mut(8)) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        let sum = checksum(&bytes[..SIZE - 8]);
        bytes[SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; SIZE]) -> Result<Self, Fault> {
        let (words, []) = bytes.as_chunks::<8>() else { return Err(Fault::Damaged) };
        let &[magic, ref words @ .., sum] = words else { return Err(Fault::Damaged) };
        if checksum(&bytes[..SIZE - 8]) != u64::from_le_bytes(sum) {
            return Err(if magic == MAGIC { Fault::Damaged } else { Fault::Foreign });
        }
        if magic != MAGIC {
            return Err(Fault::Foreign);
        }
        let &[generation, origin, limit, step, falls, mark] = words else {
            return Err(Fault::Damaged);
        };
        let [generation, origin, limit, step, falls, mark] =
            [generation, origin, limit, step, falls, mark].map(u64::from_le_bytes);
        Ok(Self { generation, rule: [origin, limit, step, falls], mark })
    }

    /// The record of a file, of which one copy may be damaged: the newer one that is whole.
    ///
    /// Nobody is given an id before both copies have its mark, so either of them alone is enough.
    pub(super) fn of_copies(copies: [&[u8; SIZE]; 2]) -> Result<Self, Fault> {
        match copies.map(Self::decode) {
            [Ok(one), Ok(other)] => Ok(if other.generation > one.generation { other } else { one }),
            [Ok(one), Err(_)] | [Err(_), Ok(one)] => Ok(one),
            [Err(Fault::Foreign), Err(Fault::Foreign)] => Err(Fault::Foreign),
            [Err(_), Err(_)] => Err(Fault::Damaged),
        }
    }

    /// A new file with this record.
    pub(super) fn file(&self) -> Vec<u8> {
        let mut file = vec![0; FILE];
        let (one, other) = file.split_at_mut(FILE / 2);
        for copy in [one, other] {
            copy[..SIZE].copy_from_slice(&self.encode());
        }
        file
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;
    !bytes.iter().fold(u64::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u64::from(byte), |sum, _| {
            sum >> 1 ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 }
        })
    })
}

#[cfg(all(test, not(any(loom, stepped))))]
mod tests {
    use super::{Fault, Record, SIZE, checksum};

    const RECORD: Record = Record { generation: 7, rule: [1, u64::MAX, 3, 0], mark: 1234 };
    const NEWER: Record = Record { generation: 8, mark: 5678, ..RECORD };

    #[test]
    fn the_checksum_is_the_one_it_is_called() {
        assert_eq!(checksum(b"123456789"), 0x995d_c9bb_df19_39fa);
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Record::decode(&RECORD.encode()), Ok(RECORD));
    }

    #[test]
    fn each_changed_bit_is_found() {
        for bit in 0..SIZE * 8 {
            let mut bytes = RECORD.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let fault = if bit < 64 { Fault::Foreign } else { Fault::Damaged };
            assert_eq!(Record::decode(&bytes), Err(fault), "bit {bit}");
        }
        assert_eq!(Record::decode(&[0; SIZE]), Err(Fault::Foreign));
    }

    #[test]
    fn one_copy_is_enough_and_the_newer_one_counts() {
        let (old, new, zero) = (RECORD.encode(), NEWER.encode(), [0; SIZE]);
        let mut torn = new;
        torn[40..].copy_from_slice(&old[40..]);
        assert_eq!(Record::of_copies([&new, &old]), Ok(NEWER));
        assert_eq!(Record::of_copies([&old, &new]), Ok(NEWER));
        assert_eq!(Record::of_copies([&torn, &old]), Ok(RECORD));
        assert_eq!(Record::of_copies([&new, &torn]), Ok(NEWER));
        assert_eq!(Record::of_copies([&torn, &zero]), Err(Fault::Damaged));
        assert_eq!(Record::of_copies([&zero, &zero]), Err(Fault::Foreign));
    }
}
