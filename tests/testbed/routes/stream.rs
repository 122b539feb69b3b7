use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use cloakroom::Session;
use futures_util::stream;

use crate::failure::Failure;

const CHUNKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Sets an attribute, and answers with a head at once and a body that takes a second.
pub(super) async fn stream(session: Session) -> Result<Body, Failure> {
    session.set_named("streamed", &true)?;
    Ok(Body::from_stream(stream::unfold(0, chunk)))
}

async fn chunk(number: u32) -> Option<(Result<Bytes, Infallible>, u32)> {
    if number == CHUNKS {
        return None;
    }
    if number > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    Some((Ok(format!("chunk {number}\n").into()), number + 1))
}
