use std::fs;
use std::io::Write as _;

use crate::error::{Result, Unfit};
use crate::files;
use crate::place::Place;

const LAYOUT: &str = "cloakroom-file 1\nepoch ";

/// What holds for a whole namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// How often everybody's sessions were ended. A session of an earlier epoch is gone.
    pub(crate) epoch: u64,
}

impl State {
    /// Reads it anew, so that a directory that is away is told from one without the session.
    pub(crate) fn read(place: &Place) -> Result<Self> {
        let text = fs::read_to_string(place.state())?;
        let epoch = text.strip_prefix(LAYOUT).and_then(|rest| rest.trim_end().parse().ok());
        match epoch {
            Some(epoch) => Ok(Self { epoch }),
            None => Err(Unfit::Layout(place.root().to_owned(), text.chars().take(40).collect()).into()),
        }
    }

    /// Replaces it. The caller has the namespace's lock.
    pub(crate) fn write(self, place: &Place) -> Result<()> {
        let new = place.root().join("state.new");
        files::remove(&new)?;
        let mut file = files::create(&new)?;
        writeln!(file, "{LAYOUT}{}", self.epoch)?;
        file.sync_all()?;
        fs::rename(&new, place.state())?;
        Ok(files::sync_folder(place.root())?)
    }
}
