//! Settings of the command line, which win over the file.

use crate::problem::Origin;

/// A `[runner]` setting that was given on the command line.
#[derive(Clone, Debug)]
pub struct Override {
    /// The name of the setting.
    pub key: String,
    /// Its value, as it would be written in the file.
    pub value: String,
    /// The option that gave it.
    pub origin: Origin,
}
