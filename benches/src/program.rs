//! The programs that serve subjects: our own, and those of the peers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::case::{Case, Kind};
use benches::Result;
use benches::listed::Listed;

/// What can be measured, and by which program.
#[derive(Debug)]
pub(crate) struct Programs {
    listed: BTreeMap<(Kind, String), (Listed, PathBuf)>,
}

impl Programs {
    /// Asks the program of our own what it serves, and with `peers` builds those and asks them.
    pub(crate) fn find(peers: bool) -> Result<Self> {
        let ours = std::env::current_exe()?.with_file_name("subjects");
        let mut programs = Self { listed: BTreeMap::new() };
        programs.add(list(&ours)?, &ours)?;
        if peers {
            for folder in folders()? {
                let program = build(&folder)?;
                programs.add(list(&program)?, &program)?;
            }
        }
        Ok(programs)
    }

    fn add(&mut self, listed: Vec<Listed>, program: &Path) -> Result<()> {
        for one in listed {
            let key = (one.store.parse()?, one.subject.clone());
            self.listed.insert(key, (one, program.to_owned()));
        }
        Ok(())
    }

    /// Returns the subjects on a store.
    pub(crate) fn on(&self, store: Kind) -> impl Iterator<Item = &Listed> {
        self.all().filter(move |listed| listed.store == store.name())
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Listed> {
        self.listed.values().map(|(listed, _)| listed)
    }

    /// Returns the command that the store's server must know for a case.
    pub(crate) fn needs(&self, case: &Case) -> Option<&str> {
        let (listed, _) = self.listed.get(&(case.store, case.subject.clone()))?;
        listed.needs.as_deref()
    }

    /// Returns the program that serves a case.
    pub(crate) fn of(&self, case: &Case) -> Result<&Path> {
        let found = self.listed.get(&(case.store, case.subject.clone()));
        let (_, program) = found.ok_or_else(|| format!("nothing serves {case}"))?;
        Ok(program)
    }
}

/// Returns the peers' workspaces: the folders that have a lock file.
fn folders() -> Result<Vec<PathBuf>> {
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    if !peers.exists() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(peers)? {
        let folder = entry?.path();
        if folder.join("Cargo.lock").exists() {
            folders.push(folder);
        }
    }
    folders.sort();
    Ok(folders)
}

/// Builds a peer's program, and returns where it is.
fn build(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().ok_or("a folder without a name")?;
    eprintln!("building the peer {}", name.display());
    let target = target()?.join("peers");
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--locked", "--profile", "bench"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if !status.success() {
        return Err(format!("the peer {} was not built: {status}", name.display()).into());
    }
    Ok(target.join("release").join(name))
}

fn list(program: &Path) -> Result<Vec<Listed>> {
    let output = Command::new(program).arg("list").stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{} list: {error}", program.display()).into())
}

/// Returns cargo's target folder.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(2).ok_or("the program is not in a target folder")?.to_owned())
}

/// Returns the folder for results, made if need be: `benches` in cargo's target folder.
pub(crate) fn results() -> Result<PathBuf> {
    let folder = target()?.join("benches");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
