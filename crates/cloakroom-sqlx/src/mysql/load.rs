use cloakroom_core::{
    Error, Handle, Load, Loaded, Name, Opened, Principal, Select, SessionInfo, StoredAttribute, Timestamp,
    Wanted,
};
use sqlx::mysql::MySqlRow;

use super::MySqlStore;
use super::error::failed;
use super::row::{attribute, bytes, is_null, is_record, lapse, name, readable, time};
use super::session::{Names, Session};
use super::statements::{Query, bind_names, query};
use crate::record::{Damaged, decode_for_load};
use crate::touch::Touched;

pub(super) const LOAD: &str = "load";
const SESSIONS_OF: &str = "sessions of a principal";

/// What one statement has found. Not yet verified.
pub(super) struct Snapshot {
    /// The record as it is stored.
    pub(super) record: Vec<u8>,
    pub(super) now: Timestamp,
    attributes: Vec<StoredAttribute>,
    names: Option<Vec<Name>>,
}

impl MySqlStore {
    /// Reads a snapshot, and records the access if the session is still as it was read; otherwise reads again.
    pub(super) async fn load_and_touch(&self, load: &Load) -> Result<Loaded, Error> {
        self.ready(LOAD).await?;
        loop {
            let snapshot = self.snapshot(load).await.map_err(|error| failed(LOAD, error))?;
            let Some(snapshot) = snapshot else { return Ok(Loaded::Absent) };
            let record = decode_for_load(&snapshot.record).map_err(|damaged| failed(LOAD, damaged.into()))?;
            let admission = record.admit(&load.guard.proof, snapshot.now);
            let standing = match admission.standing() {
                Ok(standing) => standing,
                Err(answer) => return Ok(answer),
            };
            let meta = record.meta();
            if self.record_access(load, record, admission, &snapshot).await? == Touched::Overtaken {
                continue;
            }
            let Snapshot { now, attributes, names, .. } = snapshot;
            return Ok(Loaded::Open(Box::new(Opened { standing, now, meta, attributes, names })));
        }
    }

    async fn snapshot(&self, load: &Load) -> Result<Option<Snapshot>, sqlx::Error> {
        let rows = self.links.acquire().await?.rows(self.query_for(load)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut reading = Reading::new(&load.select, time(first, 4)?);
        for row in rows {
            reading.add(row)?;
        }
        reading.finish()
    }

    fn query_for(&self, load: &Load) -> Query {
        let (sql, handle) = (&self.sql, load.guard.handle);
        let sized = if load.select.names { &sql.named_names } else { &sql.named };
        let wanted = named(&load.select.values);
        let found = wanted.and_then(|wanted| Some((wanted, sized.with_room_for(wanted.len())?)));
        let Some((wanted, (room, query))) = found else {
            return bind_handle(query(&sql.all), handle);
        };
        let query = bind_names(bind_handle(query, handle), wanted, room);
        if load.select.names { bind_handle(query, handle) } else { query }
    }

    pub(super) async fn list(&self, principal: &Principal) -> Result<Vec<SessionInfo>, Error> {
        self.ready(SESSIONS_OF).await?;
        let failed = |error| failed(SESSIONS_OF, error);
        let query = query(&self.sql.sessions_of).bind(principal.as_str().as_bytes());
        let mut link = self.links.acquire().await.map_err(failed)?;
        let rows = link.rows(query).await.map_err(failed)?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            let now = time(row, 3).map_err(failed)?;
            let session = readable(Session::read(row, &Names::default(), now));
            sessions.extend(session.filter(|session| session.is_live(now)).map(Session::info));
        }
        sessions.sort_unstable_by_key(|info| (info.signed_in_at, info.handle));
        Ok(sessions)
    }
}

/// Returns the names to read; `None` for all.
fn named(wanted: &Wanted) -> Option<&[Name]> {
    match wanted {
        Wanted::Nothing => Some(&[]),
        Wanted::Named(names) => Some(names),
        Wanted::Everything => None,
    }
}

pub(super) fn bind_handle(query: Query, handle: Handle) -> Query {
    query.bind(handle.as_bytes().as_slice())
}

/// Takes the rows of a load apart: the record, the attributes that were asked for, and the names.
struct Reading<'a> {
    select: &'a Select,
    known: &'a [Name],
    now: Timestamp,
    record: Option<Vec<u8>>,
    is_sealed: bool,
    attributes: Vec<StoredAttribute>,
    names: Vec<Name>,
}

/// Up to so many known names it is cheaper to look for one than to make it anew.
const FEW: usize = 8;

impl<'a> Reading<'a> {
    fn new(select: &'a Select, now: Timestamp) -> Self {
        let known = match &select.values {
            Wanted::Named(wanted) if wanted.len() <= FEW => &wanted[..],
            _ => &[],
        };
        let (attributes, names) = (Vec::new(), Vec::new());
        Self { select, known, now, record: None, is_sealed: false, attributes, names }
    }

    fn add(&mut self, row: MySqlRow) -> Result<(), sqlx::Error> {
        let lapses_at = lapse(&row, 2)?;
        if is_record(&row, 0)? {
            self.is_sealed = lapses_at.is_some();
            self.record = Some(bytes(&row, 3)?.to_vec());
        } else if lapses_at.is_some_and(|end| end <= self.now) {
        } else if is_null(&row, 3)? {
            self.names.push(name(&row, 0)?);
        } else {
            self.attributes.push(attribute(row, 0, self.known)?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Option<Snapshot>, sqlx::Error> {
        if self.is_sealed {
            return Ok(None);
        }
        let record = self.record.ok_or(Damaged::Column("record"))?;
        if matches!(self.select.values, Wanted::Everything) || self.names.is_empty() {
            self.names.extend(self.attributes.iter().map(|attribute| attribute.name.clone()));
        }
        self.names.sort_unstable();
        let names = self.select.names.then_some(self.names);
        self.attributes.retain(|attribute| self.select.values.includes(attribute.name.as_str()));
        Ok(Some(Snapshot { record, now: self.now, attributes: self.attributes, names }))
    }
}
