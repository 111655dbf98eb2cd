//! What root may run: nothing that somebody else could write or replace.
//!
//! A path is walked from the root of the file system, through every link. Nobody but a
//! trusted owner may be able to rename, replace or write anything on the way. A sticky
//! directory may be open to all, as long as what the path names in it has a trusted owner.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, VecDeque},
    env,
    ffi::OsString,
    fmt,
    fs::{self, Metadata},
    io::{self, ErrorKind},
    mem,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{StatVfsMountFlags, getxattr, statvfs},
    process::geteuid,
};

/// So many links lead to something in the end, or to nothing.
const MOST_LINKS: u32 = 40;

const STICKY: u32 = 0o1000;
const GROUP_WRITE: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;

/// Whose files root runs.
#[derive(Debug)]
pub struct Trust {
    owners: BTreeSet<u32>,
    /// Where relative paths begin.
    here: PathBuf,
    /// What was found fit. Many tasks have the same directories, or are links to the same
    /// program.
    fit: RefCell<HashMap<PathBuf, Fit>>,
}

/// What is on the way to something, and fit for it.
#[derive(Clone, Debug)]
enum Fit {
    /// A link that leads there.
    Link(PathBuf),
    /// A directory that others cannot replace anything in.
    Passage,
    /// A file that others cannot write.
    File,
}

/// What a path is to be fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To be read or executed.
    File,
    /// That what is in it is read or executed, or that something is written into it.
    Directory,
}

/// Who could change what root would run.
#[derive(Debug)]
pub struct Distrust {
    /// What he could change.
    pub path: PathBuf,
    /// Who, or why that is not known.
    pub why: Why,
}

/// Why something is not trusted.
#[derive(Debug)]
pub enum Why {
    /// It belongs to this user.
    Owner(u32),
    /// This group may write it.
    Group(u32),
    /// An access control list lets others write it.
    Acl,
    /// Everybody may write it.
    Everybody,
    /// It cannot be looked at.
    Unknown(io::Error),
}

impl Trust {
    /// Root, and those that it names. `None` for everybody else: who is not root risks
    /// nothing that is not his own.
    pub fn of_root(owners: impl IntoIterator<Item = u32>) -> Option<Trust> {
        geteuid().is_root().then(|| Trust {
            owners: owners.into_iter().chain([0]).collect(),
            // Without it they lead nowhere, for whoever runs them too.
            here: env::current_dir().unwrap_or_default(),
            fit: RefCell::default(),
        })
    }

    /// Whether nobody else can change what `path` leads to. What is not there is fit when
    /// nobody else can make it.
    ///
    /// # Errors
    ///
    /// Somebody else can.
    pub fn judge(&self, path: &Path, fit_for: Use) -> Result<(), Distrust> {
        let mut rest = components(&self.here.join(path));
        let mut at = PathBuf::from("/");
        let mut links = 0;
        self.pass(&at, fit_for == Use::Directory && rest.is_empty())?;
        while let Some(component) = rest.pop_front() {
            if component == ".." {
                at.pop();
                continue;
            }
            let next = at.join(component);
            match self.step(&at, &next, rest.is_empty().then_some(fit_for))? {
                Step::On => at = next,
                Step::Nothing => return Ok(()),
                Step::Link(target) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Ok(());
                    }
                    if target.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    let behind = mem::take(&mut rest);
                    rest = components(&target);
                    rest.extend(behind);
                }
            }
        }
        Ok(())
    }

    /// Goes on to `next`, which stands in the directory `at`; `last` says what it is to be
    /// fit for at the end of the way.
    fn step(&self, at: &Path, next: &Path, last: Option<Use>) -> Result<Step, Distrust> {
        match (self.fit.borrow().get(next), last) {
            (Some(Fit::Link(target)), _) => return Ok(Step::Link(target.clone())),
            (Some(Fit::Passage), None) | (Some(Fit::File), Some(Use::File)) => {
                return Ok(Step::On);
            }
            (Some(Fit::Passage | Fit::File) | None, _) => {}
        }
        let metadata = match fs::symlink_metadata(next) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.pass(at, true)?;
                return Ok(Step::Nothing);
            }
            // It leads to nothing, and nobody else can change that.
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(Step::Nothing),
            Err(error) => return Err(unknown(next, error)),
        };
        if metadata.is_symlink() {
            // Who owns a link can replace it where the directory is sticky.
            self.owner(next, &metadata, at)?;
            let target = fs::read_link(next).map_err(|error| unknown(next, error))?;
            self.is_fit(next, Fit::Link(target.clone()));
            return Ok(Step::Link(target));
        }
        match last {
            Some(Use::File) => {
                self.writers(next, &metadata, false)?;
                self.is_fit(next, Fit::File);
            }
            last => {
                self.writers(next, &metadata, last.is_none())?;
                self.is_fit(next, Fit::Passage);
            }
        }
        Ok(Step::On)
    }

    /// Whether what the directory holds under some name stays what it is; when `closed`,
    /// also that nobody can add to it.
    fn pass(&self, directory: &Path, closed: bool) -> Result<(), Distrust> {
        let metadata = fs::symlink_metadata(directory);
        let metadata = metadata.map_err(|error| unknown(directory, error))?;
        self.writers(directory, &metadata, !closed)
    }

    /// Whether nobody else may write it; when `sticky_may`, a sticky directory may be
    /// written by all.
    fn writers(&self, path: &Path, it: &Metadata, sticky_may: bool) -> Result<(), Distrust> {
        self.owner(path, it, path)?;
        let mode = it.mode();
        let is_open = mode & (GROUP_WRITE | OTHERS_WRITE) != 0;
        let is_sticky = sticky_may && it.is_dir() && mode & STICKY != 0;
        if !is_open || is_sticky || is_read_only(path) {
            return Ok(());
        }
        let why = if mode & OTHERS_WRITE != 0 {
            Why::Everybody
        } else if has_acl(path) {
            // With a list the group's bits say what anybody on it may do at most.
            Why::Acl
        } else if it.gid() != 0 {
            Why::Group(it.gid())
        } else {
            // Group 0 is root.
            return Ok(());
        };
        let path = path.to_owned();
        Err(Distrust { path, why })
    }

    /// Whether `path`, which stands on the mount of `mount`, is a trusted owner's.
    fn owner(&self, path: &Path, it: &Metadata, mount: &Path) -> Result<(), Distrust> {
        match self.owners.contains(&it.uid()) || is_read_only(mount) {
            true => Ok(()),
            false => Err(Distrust {
                path: path.to_owned(),
                why: Why::Owner(it.uid()),
            }),
        }
    }

    fn is_fit(&self, path: &Path, fit: Fit) {
        self.fit.borrow_mut().insert(path.to_owned(), fit);
    }
}

/// Where a way goes on.
enum Step {
    /// At what was asked for.
    On,
    /// At what a link leads to.
    Link(PathBuf),
    /// There is nothing.
    Nothing,
}

fn unknown(path: &Path, error: io::Error) -> Distrust {
    Distrust {
        path: path.to_owned(),
        why: Why::Unknown(error),
    }
}

impl Distrust {
    /// How to mend it.
    pub fn hint(&self) -> String {
        let path = runner_config::shown(&self.path);
        match self.why {
            Why::Unknown(_) => "`--insecure` asks nothing".to_owned(),
            // Others need it as it is.
            _ if is_device(&self.path) => format!("`{path}` is a device; write another path"),
            Why::Owner(owner) => {
                let user = name_of("/etc/passwd", owner);
                format!("`chown root {path}`, or trust this user: `--trust-owner {user}`")
            }
            Why::Group(_) | Why::Acl | Why::Everybody => match self.path.is_dir() {
                true => format!("`chmod go-w {path}`; that it is sticky is not enough here"),
                false => format!("`chmod go-w {path}`"),
            },
        }
    }
}

fn is_device(path: &Path) -> bool {
    let what = fs::symlink_metadata(path).map(|it| it.file_type());
    what.is_ok_and(|what| what.is_char_device() || what.is_block_device())
}

/// The end of the sentence "root does not run this: …".
impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let path = runner_config::shown(&self.path);
        match &self.why {
            Why::Owner(owner) => write!(
                f,
                "`{path}` belongs to user `{}`",
                name_of("/etc/passwd", *owner)
            ),
            Why::Group(group) => write!(
                f,
                "group `{}` may write `{path}`",
                name_of("/etc/group", *group)
            ),
            Why::Acl => write!(f, "an access control list lets others write `{path}`"),
            Why::Everybody => write!(f, "everybody may write `{path}`"),
            Why::Unknown(error) => {
                write!(
                    f,
                    "cannot look at `{path}`: {}",
                    runner_config::reason(error)
                )
            }
        }
    }
}

/// The number of a user of `/etc/passwd`, by name or number. Users that are known
/// elsewhere have a number too: to ask for their names a static program would need
/// libraries of the machine.
pub fn user_id(user: &str) -> Option<u32> {
    let by_name = || {
        let mut entries = entries("/etc/passwd").into_iter();
        entries.find_map(|(name, number)| (name == user).then_some(number))
    };
    user.parse().ok().or_else(by_name)
}

/// The name of a user or group in `file`, or its number.
fn name_of(file: &str, number: u32) -> String {
    let mut entries = entries(file).into_iter();
    let name = entries.find_map(|(name, found)| (found == number).then_some(name));
    name.unwrap_or_else(|| number.to_string())
}

/// Names and numbers in `/etc/passwd` or `/etc/group`, see passwd(5) and group(5).
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

fn components(path: &Path) -> VecDeque<OsString> {
    let components = path.components().filter_map(|component| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    components.collect()
}

/// Whether it stands on a mount where nothing can be changed.
fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn has_acl(path: &Path) -> bool {
    getxattr(path, "system.posix_acl_access", &mut [0_u8; 0]).is_ok()
}
