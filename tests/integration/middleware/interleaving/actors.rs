use std::future::Future;
use std::pin::Pin;

use cloakroom::{Error, Session};
use cloakroom_testkit::faulty::Operation;
use http::StatusCode;

pub(super) type Handled = Pin<Box<dyn Future<Output = Result<StatusCode, Error>> + Send>>;
pub(super) type Handler = fn(Session) -> Handled;

/// A request: what it does once its session is loaded, and with which operation that ends.
#[derive(Clone, Copy)]
pub(super) struct Actor {
    pub(super) act: Handler,
    pub(super) ends_with: Operation,
}

fn done(result: Result<(), Error>) -> Handled {
    Box::pin(async move { result.map(|()| StatusCode::OK) })
}

pub(super) const SET_LATE: Actor =
    Actor { act: |it| done(it.set_named("late", &true)), ends_with: Operation::Commit };
pub(super) const SET_OTHER: Actor =
    Actor { act: |it| done(it.set_named("other", &true)), ends_with: Operation::Commit };
pub(super) const ROTATE: Actor = Actor {
    act: |it| {
        it.rotate();
        done(Ok(()))
    },
    ends_with: Operation::Commit,
};
pub(super) const ADA: Actor = Actor { act: |it| done(it.sign_in("ada")), ends_with: Operation::Commit };
pub(super) const BOB: Actor = Actor { act: |it| done(it.sign_in("bob")), ends_with: Operation::Commit };
pub(super) const LOGOUT: Actor = Actor {
    act: |it| {
        it.invalidate();
        done(Ok(()))
    },
    ends_with: Operation::Invalidate,
};
pub(super) const INCREMENT: Actor = Actor {
    act: |it| {
        Box::pin(async move {
            it.update_named("first", |number: &mut i64| *number += 1).await?;
            Ok(StatusCode::OK)
        })
    },
    ends_with: Operation::Commit,
};
