use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::error::Cause;

/// A program of a Debian package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

impl Program {
    /// Returns where it is: on the `PATH`, or where Debian keeps what is not for users.
    pub(crate) fn find(self) -> Result<PathBuf, Error> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        folders.extend(["/usr/sbin".into(), "/sbin".into()]);
        folders.extend(newest_postgres());
        let mut places = folders.into_iter().map(|folder| folder.join(self.name));
        let found = places.find(|place| place.is_file());
        found.ok_or_else(|| Cause::Missing { program: self.name, package: self.package }.into())
    }

    /// Runs it to its end, and returns what it printed.
    pub(crate) fn run(self, user: Option<User>, arguments: &[&OsStr]) -> Result<String, Error> {
        let [program, rest @ ..] = &line(&self.find()?, user, arguments)[..] else {
            return Ok(String::new());
        };
        let output = Command::new(program).args(rest).output().map_err(Error::io(self.name))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        let output = text(&[output.stdout, output.stderr].concat());
        Err(Cause::Failed { program: self.name.to_owned(), output }.into())
    }
}

/// A user of this machine that a server runs as, because it refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    name: &'static str,
    package: &'static str,
}

impl User {
    /// Returns the user to run a server as: the one of its package where we are root, else `None`: ourselves.
    pub(crate) fn unless_ourselves(name: &'static str, package: &'static str) -> Option<Self> {
        rustix::process::geteuid().is_root().then_some(Self { name, package })
    }

    /// Gives a folder to the user.
    pub(crate) fn own(self, folder: &Path) -> Result<(), Error> {
        let id = Program { name: "id", package: "coreutils" };
        let number = |option: &str| -> Result<u32, Error> {
            let missing = || Error::from(Cause::Missing { program: self.name, package: self.package });
            let text = id.run(None, &[option.as_ref(), self.name.as_ref()]).map_err(|_| missing())?;
            text.trim().parse().map_err(|_| missing())
        };
        let (user, group) = (number("-u")?, number("-g")?);
        std::os::unix::fs::chown(folder, Some(user), Some(group)).map_err(Error::io("give a folder away"))
    }
}

/// Returns the command line that runs a program as a user.
pub(crate) fn line(program: &Path, user: Option<User>, arguments: &[&OsStr]) -> Vec<OsString> {
    let mut line: Vec<OsString> = Vec::new();
    if let Some(User { name, .. }) = user {
        line.extend(["setpriv", "--reuid", name, "--regid", name, "--init-groups", "--"].map(Into::into));
    }
    line.push(program.into());
    line.extend(arguments.iter().map(|argument| argument.to_os_string()));
    line
}

fn newest_postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.filter_map(|version| Some(version.ok()?.path())).max_by_key(number)?;
    Some(newest.join("bin"))
}
