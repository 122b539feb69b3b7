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
        let answer = match wait {
            None => self.client.send(call).await.map(Answer::from),
            // What is seldom done is in a box, so that the future of what is usual is small.
            Some(wait) => Box::pin(self.client.send_and_wait(call, wait)).await,
        };
        let answer = match answer {
            // It has not run: the server was restarted, or its scripts were flushed.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                Box::pin(self.run_in_full(script, call, wait)).await
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

    async fn run_in_full(&self, script: &Script, call: &Cmd, wait: Option<Wait>) -> RedisResult<Answer> {
        let call = script.in_full(call);
        match wait {
            None => self.client.send(&call).await.map(Answer::from),
            Some(wait) => self.client.send_and_wait(&call, wait).await,
        }
    }
}
