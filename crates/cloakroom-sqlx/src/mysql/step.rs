use cloakroom_core::Timestamp;
use sqlx::mysql::MySqlRow;

use super::MySqlStore;
use super::link::Link;
use super::row::{number, time};
use super::script::{Answer, Script};
use super::statements::{NOW, Query};

/// How long a transaction waits for a lock, in seconds. The server's own default is 50.
pub(super) const LOCK_WAIT: u32 = 5;

const COMMIT: &str = "COMMIT AND NO CHAIN NO RELEASE";
const ROLLBACK: &str = "ROLLBACK AND NO CHAIN NO RELEASE";

/// Gives the connection back as it was.
const RESET: &str = "SET SESSION innodb_lock_wait_timeout = @cloakroom_lock_wait";

/// A transaction. Unless it is [committed](Step::commit) it leaves nothing behind, also when its future is dropped.
pub(super) struct Step<'a> {
    link: Link,
    pub(super) store: &'a MySqlStore,
    /// The server's time, read after the locks were got.
    pub(super) now: Timestamp,
    /// Sessions of an earlier epoch have all been ended.
    pub(super) epoch: u64,
}

/// What a transaction begins with, in one message.
pub(super) struct Opening<'a> {
    store: &'a MySqlStore,
    script: Script,
}

/// What a transaction ends with, in one message.
pub(super) struct Closing<'a> {
    step: Step<'a>,
    script: Script,
}

impl MySqlStore {
    /// Begins a transaction at READ COMMITTED: each of its statements sees what was committed before that statement, so also
    /// before the locks that the statements ahead of it have waited for.
    pub(super) fn opening(&self) -> Opening<'_> {
        let mut opening = Opening { store: self, script: Script::default() };
        opening.push(&format!(
            "SET @cloakroom_lock_wait = @@SESSION.innodb_lock_wait_timeout, \
             SESSION innodb_lock_wait_timeout = {LOCK_WAIT}"
        ));
        opening.push("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
        opening.push("START TRANSACTION READ WRITE");
        opening
    }
}

impl<'a> Opening<'a> {
    /// Adds a statement, and returns where its answer will be.
    pub(super) fn push(&mut self, statement: &str) -> usize {
        self.script.push(&self.store.namespace, statement)
    }

    /// Adds the question for the time and the epoch: after what locks, and before what needs them.
    pub(super) fn push_now(&mut self) -> usize {
        self.push(&format!("SELECT {NOW}, epoch FROM cloakroom_state WHERE id = 1"))
    }

    /// Sends it all on a connection, and reads the time and the epoch from the answer at `now_at`.
    pub(super) async fn send(
        self,
        mut link: Link,
        now_at: usize,
    ) -> Result<(Step<'a>, Vec<Answer>), sqlx::Error> {
        link.set_open(true);
        let answers = link.run(self.script).await?;
        let state = answers.get(now_at).and_then(|answer| answer.rows.first());
        let state = state.ok_or(sqlx::Error::RowNotFound)?;
        let (now, epoch) = (time(state, 0)?, number(state, 1, "epoch")?);
        Ok((Step { link, store: self.store, now, epoch }, answers))
    }
}

impl Opening<'_> {
    /// Sends it all, and commits in the same message: where no rule has to decide in between.
    pub(super) async fn commit(mut self, mut link: Link) -> Result<(), sqlx::Error> {
        self.push(COMMIT);
        self.push(RESET);
        link.set_open(true);
        link.run(self.script).await?;
        link.set_open(false);
        Ok(())
    }
}

impl<'a> Step<'a> {
    /// Asks further questions in one message.
    pub(super) async fn ask(&mut self, statements: &[String]) -> Result<Vec<Answer>, sqlx::Error> {
        let mut script = Script::default();
        for statement in statements {
            script.push(&self.store.namespace, statement);
        }
        self.link.run(script).await
    }

    /// Asks one further question.
    pub(super) async fn rows(&mut self, statement: String) -> Result<Vec<MySqlRow>, sqlx::Error> {
        let answers = self.ask(&[statement]).await?;
        Ok(answers.into_iter().next().unwrap_or_default().rows)
    }

    pub(super) async fn execute(&mut self, query: Query) -> Result<u64, sqlx::Error> {
        self.link.execute(query).await
    }

    pub(super) fn closing(self) -> Closing<'a> {
        Closing { step: self, script: Script::default() }
    }

    /// Undoes everything.
    pub(super) async fn undo(self) -> Result<(), sqlx::Error> {
        self.closing().send(ROLLBACK).await
    }
}

impl Closing<'_> {
    pub(super) fn push(&mut self, statement: &str) {
        self.script.push(&self.step.store.namespace, statement);
    }

    /// Sends it all, and commits in the same message. If any statement fails, so does all.
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.send(COMMIT).await
    }

    async fn send(mut self, end: &str) -> Result<(), sqlx::Error> {
        self.push(end);
        self.push(RESET);
        self.step.link.run(self.script).await?;
        self.step.link.set_open(false);
        Ok(())
    }
}
