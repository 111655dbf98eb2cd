//! Tables by name, for as many names as there are tasks.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A table by name.
///
/// Unlike that of `std`, its hash is made for short names, which it takes eight bytes at
/// a time. It does not withstand names that were chosen to collide: whoever writes them
/// here can keep the runner waiting more easily.
pub type NameMap<K, V> = HashMap<K, V, BuildHasherDefault<NameHasher>>;

/// The hash of a [`NameMap`].
#[derive(Debug, Default)]
pub struct NameHasher(u64);

/// Odd, and with about as many ones as zeros in no order.
const FACTOR: u64 = 0x9d2c_5680_ca6b_74f1;

impl NameHasher {
    /// Each bit of the product depends on the lower bits of the factors, so its upper half
    /// is laid over the lower one.
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ FACTOR) * u128::from(FACTOR);
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for &word in words {
            self.mix(u64::from_le_bytes(word));
        }
        let last = rest
            .iter()
            .fold(0, |last, &byte| last << 8 | u64::from(byte));
        self.mix(last);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(byte.into());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, hash::BuildHasher};

    use super::*;

    /// `HashMap` takes its place from the lower bits, and compares by the upper ones.
    #[test]
    fn names_that_differ_little_are_spread_over_lower_and_upper_bits() {
        let names = (0..1 << 16).map(|number| format!("{}-task-{number:06}.sh", number / 1000));
        let hashes: Vec<u64> = names
            .map(|name| BuildHasherDefault::<NameHasher>::default().hash_one(name.as_str()))
            .collect();
        let different = |part: fn(&u64) -> u64| {
            let parts: HashSet<u64> = hashes.iter().map(part).collect();
            parts.len()
        };
        // At random about 63 % of the places would be taken.
        assert!(different(|hash| hash & 0xffff) > 40_000);
        assert!(different(|hash| hash >> 48) > 40_000);
    }
}
