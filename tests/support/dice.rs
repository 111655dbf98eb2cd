//! Random numbers for stories that must be the same each time.

/// Source of pseudo-random numbers. One seed always gives the same numbers.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns the next number, which is smaller than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // Knuth's constants for a linear congruential generator of 64 bits.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
