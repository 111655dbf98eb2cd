//! The formats in which a report is written.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod text;
