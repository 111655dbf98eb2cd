//! Names and numbers in `/etc/passwd` and `/etc/group`. Users from other sources (LDAP) are
//! shown by number: a static program cannot look up their names without libraries of the
//! machine.

use std::fs;

pub(super) const USERS: &str = "/etc/passwd";
pub(super) const GROUPS: &str = "/etc/group";

/// Returns the number of a user, by name or number.
pub fn user_id(user: &str) -> Option<u32> {
    let by_name = || {
        let mut entries = entries(USERS).into_iter();
        entries.find_map(|(name, number)| (name == user).then_some(number))
    };
    user.parse().ok().or_else(by_name)
}

/// Returns the name of a user or group in `file`, or its number.
pub(super) fn name_of(file: &str, number: u32) -> String {
    let mut entries = entries(file).into_iter();
    let name = entries.find_map(|(name, found)| (found == number).then_some(name));
    name.unwrap_or_else(|| number.to_string())
}

/// Names and numbers in a file, see passwd(5) and group(5).
fn entries(file: &str) -> Vec<(String, u32)> {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((name, fields.nth(1)?.parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}
