//! "Did you mean …?"

/// The names that `name` is probably a misspelling of, the nearest first.
///
/// Case and the choice between `-` and `_` count for nothing; of the letters at
/// most one in three may be wrong, and never more than two edits.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = fold(name);
    let length = name.chars().count();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let most = (candidate.chars().count().max(length) / 3).min(2);
            // Each edit changes the length by one at most, and a length is soon known.
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

/// A name without what counts for nothing in a comparison.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}
