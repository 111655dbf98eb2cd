//! Trust in paths, compared with a naive implementation on random trees with two users; and
//! the words of commands that are checked.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use runner_exec::{Named, Trust, behind_env, named, split_argument};
use tempfile::TempDir;

/// User id of the other user.
const STRANGER: u32 = 65534;

const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Node {
    File,
    Directory,
    /// The target, relative to the directory of the link or to the root of the tree.
    Link {
        target: Vec<&'static str>,
        is_absolute: bool,
    },
}

#[derive(Clone, Debug)]
struct Entry {
    path: Vec<&'static str>,
    node: Node,
    is_strangers: bool,
    mode: u32,
}

fn names(max: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&NAMES[..]), 1..=max)
}

fn entry() -> impl Strategy<Value = Entry> {
    let up = prop::sample::select(&["a", "b", "c", "..", "."][..]);
    let node = prop_oneof![
        2 => Just(Node::File),
        4 => Just(Node::Directory),
        2 => (prop::collection::vec(up, 1..=3), any::<bool>())
            .prop_map(|(target, is_absolute)| Node::Link { target, is_absolute }),
    ];
    let mode =
        prop_oneof![6 => Just(0o755_u32), 1 => Just(0o757), 1 => Just(0o1777), 1 => Just(0o775)];
    (names(3), node, prop::bool::weighted(0.15), mode).prop_map(
        |(path, node, is_strangers, mode)| Entry {
            path,
            node,
            is_strangers,
            mode,
        },
    )
}

/// Creates the entries. Skips those that cannot be created.
fn plant(root: &Path, entries: &[Entry]) {
    for Entry {
        path,
        node,
        is_strangers,
        mode,
    } in entries
    {
        let path = root.join(path.iter().collect::<PathBuf>());
        // Nothing is created through a link, which could lead out of the tree.
        let parent = path.parent().unwrap();
        if parent
            .ancestors()
            .take_while(|it| *it != root)
            .any(|it| it.is_symlink())
            || !parent.is_dir()
        {
            continue;
        }
        let made = match node {
            Node::File => fs::symlink_metadata(&path).is_err() && fs::write(&path, "").is_ok(),
            Node::Directory => fs::create_dir(&path).is_ok(),
            Node::Link {
                target,
                is_absolute,
            } => {
                let target: PathBuf = target.iter().collect();
                let target = if *is_absolute {
                    root.join(target)
                } else {
                    target
                };
                symlink(target, &path).is_ok()
            }
        };
        if !made {
            continue;
        }
        if !matches!(node, Node::Link { .. }) {
            fs::set_permissions(&path, Permissions::from_mode(*mode)).unwrap();
            // The group of the other user, so that the permissions of the group count.
            chown(&path, None, Some(STRANGER)).unwrap();
        }
        if *is_strangers {
            lchown(&path, Some(STRANGER), None).unwrap();
        }
    }
}

/// Returns `true` if the other user can change the file of `path`: by writing it, or by
/// replacing, removing or adding an entry of a directory in the path.
fn can_change(path: &Path) -> bool {
    let mut done = PathBuf::from("/");
    let mut links = 0;
    let mut rest: Vec<_> = path
        .components()
        .skip(1)
        .map(|it| it.as_os_str().to_owned())
        .collect();
    rest.reverse();
    let write = |path: &Path| {
        let it = fs::metadata(path).unwrap();
        it.uid() == STRANGER
            || it.mode() & 0o002 != 0
            || (it.mode() & 0o020 != 0 && it.gid() == STRANGER)
    };
    while let Some(name) = rest.pop() {
        if name == "." {
            continue;
        }
        if !done.is_dir() {
            // The path continues after a file, so it does not exist. The real check is stricter
            // than needed.
            return write(&done) || name != ".." && rest.iter().any(|name| name == "..");
        }
        if name == ".." {
            // The directory itself is checked, but not its entries.
            let it = fs::metadata(&done).unwrap();
            if it.uid() == STRANGER || (write(&done) && it.mode() & 0o1000 == 0) {
                return true;
            }
            done.pop();
            continue;
        }
        let next = done.join(&name);
        let Ok(it) = fs::symlink_metadata(&next) else {
            // After a missing part `..` could lead anywhere, if the part is created later.
            return write(&done) || rest.iter().any(|name| name == "..");
        };
        let is_sticky = fs::metadata(&done).unwrap().mode() & 0o1000 != 0;
        let owns_directory = fs::metadata(&done).unwrap().uid() == STRANGER;
        let owns_entry = it.uid() == STRANGER;
        if owns_directory || (write(&done) && (!is_sticky || owns_entry)) {
            return true;
        }
        if it.is_symlink() {
            links += 1;
            if links > 40 {
                return false;
            }
            // A link cannot be written. Its owner can replace it only if the directory permits it.
            if owns_entry {
                return true;
            }
            let target = fs::read_link(&next).unwrap();
            if target.is_absolute() {
                done = PathBuf::from("/");
            }
            let target = target.components().filter(|it| it.as_os_str() != "/");
            let names: Vec<_> = target.map(|it| it.as_os_str().to_owned()).collect();
            rest.extend(names.into_iter().rev());
        } else {
            done = next;
        }
    }
    write(&done)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_is_trusted_exactly_if_no_other_user_can_change_it(
        entries in prop::collection::vec(entry(), 1..14),
        paths in prop::collection::vec(names(4), 1..8),
    ) {
        let Some(trust) = Trust::of_root([]) else {
            return Ok(());
        };
        let root = TempDir::new().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        plant(root.path(), &entries);
        let check = trust.check();
        for path in paths {
            let path = root.path().join(path.iter().collect::<PathBuf>());
            let found = check.path(&path);
            prop_assert_eq!(found.is_err(), can_change(&path), "{} {:?}", path.display(), found);
        }
    }
}

#[test]
fn words_name_paths_and_bare_files() {
    let path = |text: &str| Named::Path(text.into());
    let bare = |text: &str| Named::Bare(text.into());
    for (word, expected) in [
        ("/srv/hook.sh", vec![path("/srv/hook.sh")]),
        ("./hook", vec![path("./hook")]),
        ("hook.sh", vec![bare("hook.sh")]),
        ("-x", vec![bare("-x")]),
        ("--rcfile=/a/b", vec![path("/a/b")]),
        ("--rcfile=b", vec![bare("b")]),
        ("A=/a/b", vec![path("A=/a/b"), path("/a/b")]),
        ("A=B=/a", vec![path("A=B=/a"), path("B=/a"), path("/a")]),
        ("-f/a/b", vec![path("-f/a/b"), path("/a/b")]),
        ("--a=-f/b", vec![path("-f/b"), path("/b")]),
        ("https://example.org/x", vec![]),
        ("--url=https://example.org/x", vec![]),
        ("/dev/stderr", vec![]),
        ("--log=/dev/stdout", vec![]),
        ("/dev/fd/3", vec![path("/dev/fd/3")]),
        ("/dev/null", vec![path("/dev/null")]),
        ("", vec![]),
        ("A=", vec![bare("A=")]),
    ] {
        assert_eq!(named([OsStr::new(word)]), expected, "{word}");
    }
}

#[test]
fn the_program_behind_env_is_found() {
    for (words, program, path, directory) in [
        (&["env", "python3"][..], Some("python3"), None, None),
        (
            &["/usr/bin/env", "-i", "A=b", "x", "y"],
            Some("x"),
            None,
            None,
        ),
        (&["busybox", "env", "x"], Some("x"), None, None),
        (&["env", "-u", "A", "-", "x"], Some("x"), None, None),
        (&["env", "-uA", "--argv0", "b", "x"], Some("x"), None, None),
        (&["env", "-S", "x -u"], Some("x"), None, None),
        (&["env", "-Sx -u"], Some("x"), None, None),
        (&["env", "-vS'x' y"], Some("x"), None, None),
        (&["env", "-S", r"A=1\_x"], Some("x"), None, None),
        (&["env", "--split-string=A=b x"], Some("x"), None, None),
        (&["env", "--split=x -u"], Some("x"), None, None),
        (&["env", "PATH=/a:/b", "x"], Some("x"), Some("/a:/b"), None),
        (&["env", "-C", "/d", "./x"], None, None, Some("/d")),
        (&["env", "-C/d", "x"], Some("x"), None, Some("/d")),
        (&["env", "--chdir=/d", "x"], Some("x"), None, Some("/d")),
        (&["env", "/a/x"], None, None, None),
        (&["env"], None, None, None),
    ] {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let env = behind_env(&words).unwrap();
        let found = (env.program, env.path, env.directory);
        let expected = (program, path, directory);
        let expected = (
            expected.0.map(OsString::from),
            expected.1.map(OsString::from),
            expected.2.map(OsString::from),
        );
        assert_eq!(found, expected, "{words:?}");
    }
    assert_eq!(behind_env(&["nice".into(), "x".into()]), None);
}

#[test]
fn the_argument_of_a_hashbang_line_is_split_at_blanks() {
    let words = split_argument(OsStr::new("-S  python3 -u"));
    assert_eq!(words, ["-S", "python3", "-u"]);
    let words = split_argument(OsStr::new(r"-S '/a b/c' d\_e"));
    assert_eq!(words, ["/a b/c", "-S", "/a", "b/c", "d", "e"]);
}
