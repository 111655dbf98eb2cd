//! Output for people: messages, the progress line, answers.

pub(crate) mod answer;
mod endings;
pub(crate) mod level;
pub(crate) mod log;
pub(crate) mod messages;
mod progress;
pub(crate) mod screen;
pub(crate) mod shell;
mod stderr;
mod syslog;
