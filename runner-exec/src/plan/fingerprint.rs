//! The fingerprint of a plan: machines with the same tasks and settings have the same.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    path::Path,
};

use runner_config::name_text;
use sha2::{Digest, Sha256, digest::Output};

use crate::{chain::TaskId, digest::short_hex, plan::Plan, state::open_file};

/// Size of the buffer for reading a task.
const BUFFER_BYTES: usize = 1 << 16;

/// Maximum number of bytes to read of a task. Of a larger one, the beginning and the size count: a
/// run must not wait long before its first task.
const MAX_BYTES: u64 = 1 << 28;

impl Plan {
    /// Returns the first 12 hex digits of a SHA-256 over the tasks in their order: the name of
    /// each, the content of its file, its `depends_on`, and its settings that differ from the
    /// defaults. Reads every file.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        // With its length before it, no text can be taken for a part of another one.
        let mut add = |text: &[u8]| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        // Most tasks have no section, and so the same settings.
        let common = self.settings.changed(None);
        for id in self.order() {
            let task = &self.tasks[id.0];
            add(task.name.as_os_str().as_encoded_bytes());
            // A task that cannot be read has no content.
            add(&content_digest(&task.path()).unwrap_or_default());
            let section = task.sections.first();
            let own = section.map(|section| self.settings.changed(Some(section)));
            let mut settings = own.unwrap_or_else(|| common.clone());
            settings.extend(self.dependency_setting(id));
            settings.sort_unstable();
            for (name, value) in settings {
                add(format!("{name} = {value}").as_bytes());
            }
        }
        short_hex(&hash.finalize())
    }

    /// Returns `depends_on` of the task, with the names in their order, if it has some.
    fn dependency_setting(&self, id: TaskId) -> Option<(&'static str, String)> {
        let mut dependencies = self.dependencies(id).to_vec();
        dependencies.sort_unstable();
        dependencies.dedup();
        let names = dependencies.into_iter();
        let names = names.map(|id| name_text(self.tasks[id.0].name.as_os_str()));
        let value = names.collect::<Vec<_>>().join(", ");
        (!value.is_empty()).then_some(("depends_on", value))
    }
}

fn content_digest(path: &Path) -> io::Result<Output<Sha256>> {
    let file = open_file(OpenOptions::new().read(true), path)?;
    let length = file.metadata()?.len();
    let mut file = file.take(MAX_BYTES);
    let mut hash = Sha256::new();
    if length > MAX_BYTES {
        hash.update(length.to_be_bytes());
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize()),
            length => hash.update(&buffer[..length]),
        }
    }
}
