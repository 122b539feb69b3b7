use std::fmt;
use std::sync::atomic::Ordering;

use cloakroom_core::{Error, ErrorKind};
use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use super::MySqlStore;
use super::error::failed;
use super::row::number;
use super::script::{Answer, Script};
use crate::namespace::Namespace;

/// What the `layout` of the tables must be.
const LAYOUT: u64 = 1;

/// How long a node waits, in seconds, for another one that makes the tables.
const MIGRATION_WAIT: u32 = 60;

pub(super) const MIGRATE: &str = "migrate";

pub(super) fn text(namespace: &Namespace) -> String {
    namespace.apply(include_str!("schema.sql"))
}

/// Why a database cannot hold sessions as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    Layout(u64),
    Setting(&'static str),
    Busy,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(found) => write!(
                f,
                "the tables have layout {found}, and this version knows {LAYOUT}: if it is an older one, call \
                 `MySqlStore::migrate`"
            ),
            Self::Setting(why) => f.write_str(why),
            Self::Busy => write!(f, "another node has been making the tables for {MIGRATION_WAIT} seconds"),
        }
    }
}

impl std::error::Error for Unusable {}

impl MySqlStore {
    /// Checks once that the database can hold sessions.
    pub(super) async fn ready(&self, during: &'static str) -> Result<(), Error> {
        if self.is_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // In a box, so that no later operation's future has room for it.
        match Box::pin(self.unusable()).await {
            Ok(None) => {
                self.is_ready.store(true, Ordering::Release);
                Ok(())
            }
            Ok(Some(why)) => Err(Error::new(ErrorKind::Refused, during, why)),
            Err(error) => Err(failed(during, error)),
        }
    }

    async fn unusable(&self) -> Result<Option<Unusable>, sqlx::Error> {
        let mut script = Script::default();
        let settings_at = script.push(
            &self.namespace,
            "SHOW SESSION VARIABLES WHERE Variable_name IN \
             ('autocommit', 'foreign_key_checks', 'tx_isolation', 'transaction_isolation')",
        );
        for table in ["sessions", "attributes", "slots"] {
            script.push(&self.namespace, &format!("SELECT 1 FROM cloakroom_{table} LIMIT 0"));
        }
        let layout_at = script.push(&self.namespace, "SELECT layout FROM cloakroom_state WHERE id = 1");
        let answers = self.links.acquire().await?.run(script).await?;
        if let Some(why) = unusable_setting(&answers[settings_at])? {
            return Ok(Some(Unusable::Setting(why)));
        }
        let layout = answers[layout_at].rows.first().map_or(Ok(0), |row| number(row, 0, "layout"))?;
        Ok((layout != LAYOUT).then_some(Unusable::Layout(layout)))
    }

    /// Makes the tables, one node at a time.
    pub(super) async fn create_tables(&self) -> Result<(), Error> {
        let failed = |error| failed(MIGRATE, error);
        let lock = format!("CONCAT('cloakroom ', SHA1(CONCAT(DATABASE(), '.{}')))", self.namespace.shared());
        let mut link = self.links.acquire().await.map_err(failed)?;
        link.set_open(true);
        let mut script = Script::default();
        script.push(&self.namespace, &format!("SELECT GET_LOCK({lock}, {MIGRATION_WAIT}) = 1"));
        let answers = link.run(script).await.map_err(failed)?;
        let got = answers.first().and_then(|answer| answer.rows.first());
        if !got.is_some_and(|row| number(row, 0, "lock").is_ok_and(|got| got == 1)) {
            return Err(Error::new(ErrorKind::Timeout, MIGRATE, Unusable::Busy));
        }
        let mut script = Script::default();
        script.push_all(&text(&self.namespace));
        script.push(&self.namespace, &format!("DO RELEASE_LOCK({lock})"));
        link.run(script).await.map_err(failed)?;
        link.set_open(false);
        Ok(())
    }
}

fn unusable_setting(settings: &Answer) -> Result<Option<&'static str>, sqlx::Error> {
    for row in &settings.rows {
        let (name, value) = (text_of(row, 0)?, text_of(row, 1)?);
        let why = match (name.as_str(), value.as_str()) {
            ("autocommit", "OFF") => {
                "`autocommit` is off on connections of this pool: every operation would leave a transaction open"
            }
            ("foreign_key_checks", "OFF") => {
                "`foreign_key_checks` is off on connections of this pool: attributes would outlive their sessions"
            }
            ("tx_isolation" | "transaction_isolation", "READ-UNCOMMITTED") => {
                "the transaction isolation of connections of this pool is READ UNCOMMITTED: a load would see half of a \
                 commit"
            }
            _ => continue,
        };
        return Ok(Some(why));
    }
    Ok(None)
}

fn text_of(row: &MySqlRow, at: usize) -> Result<String, sqlx::Error> {
    row.try_get(at)
}
