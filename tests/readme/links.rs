//! Links between pages, and to files of the checkout.

use std::{collections::HashMap, fs, path::Path};

use super::{Page, pages};
use crate::support::top;

#[test]
fn relative_links_lead_to_files_and_headings() {
    let mut pages = pages();
    pages.extend(["CONTRIBUTING.md", "SECURITY.md"].map(Page::read));
    let mut links = 0;
    let mut broken = Vec::new();
    for page in &pages {
        for link in links_of(&page.text) {
            links += 1;
            if !leads_somewhere(&page.path, &link) {
                broken.push(format!("{}: {link}", page.path));
            }
        }
        for name in mentioned(&page.text) {
            if !top().join(name).exists() {
                broken.push(format!("{}: {name}", page.path));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(links > 0, "the pages have links");
}

/// The targets of links and pictures of a page, except those on the web.
fn links_of(text: &str) -> Vec<String> {
    let prose = without_code(text);
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .filter(|link| !link.contains("://"))
        .collect()
}

/// Pages that are mentioned without a link, such as `docs/trust.md`.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"/-_.".contains(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.starts_with("docs/") && word.ends_with(".md"))
}

fn leads_somewhere(page: &str, link: &str) -> bool {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let page = top().join(page);
    let target = match file {
        "" => page,
        file => page.parent().unwrap_or(Path::new("")).join(file),
    };
    match (target.is_file(), anchor) {
        (_, "") => target.exists(),
        (true, anchor) => {
            let text = fs::read_to_string(target).unwrap();
            anchors(&text).any(|found| found == anchor)
        }
        (false, _) => false,
    }
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let prose = without_code(text);
    let headings: Vec<String> = prose
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .collect();
    headings.into_iter().map(move |heading| {
        let words = heading.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || "-_".contains(c) => Some(c),
            _ => None,
        });
        let anchor: String = words.collect();
        let before = seen.entry(anchor.clone()).or_default();
        *before += 1;
        match *before {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    })
}

/// The text without its fenced blocks.
fn without_code(text: &str) -> String {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    prose.concat()
}
