use cloakroom_core::Error;
use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};

use super::RedisStore;
use crate::client::{Answer, Wait};
use crate::error::failed;
use crate::scripts::Script;

impl RedisStore {
    /// Calls a script, and waits for replicas to acknowledge what it did if that is asked for.
    pub(super) async fn run(
        &self,
        during: &'static str,
        script: &Script,
        call: &Cmd,
        wait: Option<Wait>,
    ) -> Result<Value, Error> {
        self.look_at_eviction();
        let answer = match self.send(call, wait).await {
            // It has not run: the server was restarted, or its scripts were flushed.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.send(&script.in_full(call), wait).await
            }
            answer => answer,
        };
        match answer.map_err(|error| failed(during, error))? {
            Answer { missing: Some(missing), .. } => {
                Err(Error::new(cloakroom_core::ErrorKind::Timeout, during, missing))
            }
            Answer { value, missing: None } => Ok(value),
        }
    }

    async fn send(&self, command: &Cmd, wait: Option<Wait>) -> RedisResult<Answer> {
        match wait {
            None => self.client.send(command).await.map(Answer::from),
            Some(wait) => self.client.send_and_wait(command, wait).await,
        }
    }
}
