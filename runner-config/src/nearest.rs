//! Similar names, for "did you mean …?"

/// Returns the names of which `name` is probably a misspelling, the nearest first.
///
/// Case and the choice between `-` and `_` do not count. At most one letter in three can be
/// wrong, and at most two edits.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = fold(name);
    let length = name.chars().count();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let most = (candidate.chars().count().max(length) / 3).min(2);
            // Each edit changes the length by at most one, and a length is fast to compare.
            let close = folded.chars().count().abs_diff(length) <= most;
            let distance = close.then(|| strsim::osa_distance(&name, &folded));
            let distance = distance.filter(|&distance| distance <= most)?;
            Some((distance, candidate))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Returns a name in lower case, with `_` for `-`.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}
