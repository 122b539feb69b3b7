use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http::header::{HeaderMap, HeaderName, HeaderValue, SET_COOKIE};
use pin_project_lite::pin_project;

use super::body::SessionBody;
use super::caching::{OwnCacheControl, allow_storing_less, forbid_sharing, vary_by};
use super::failed::StoreFailed;
use crate::error::StoreNothing;
use crate::session::{Finish, Inner, Kept, Settled};

pin_project! {
    /// The response of a [`SessionService`](super::SessionService): waits for the inner service, and then, if there is
    /// something to store, for the store.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F: Future> {
        #[pin]
        inner: F,
        session: Arc<Inner>,
        answered: bool,
        storing: Option<Box<Storing<F::Output>>>,
    }

    impl<F: Future> PinnedDrop for ResponseFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !*this.answered {
                this.session.abandon();
            }
        }
    }
}

/// What the inner service answered, held back until the store has.
struct Storing<T> {
    answer: T,
    task: Kept<Settled>,
}

impl<F: Future> ResponseFuture<F> {
    #[inline]
    pub(super) fn new(inner: F, session: Arc<Inner>) -> Self {
        Self { inner, session, answered: false, storing: None }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<SessionBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.storing.is_none() {
            let answer = ready!(this.inner.poll(cx));
            if this.session.is_unused_at_the_end() {
                *this.answered = true;
                return Poll::Ready(answer.map(|response| response.map(SessionBody::inner)));
            }
            let failed = || answer.as_ref().map_or(true, |response| this.session.is_failed(response));
            let finish = this.session.finish(failed);
            *this.answered = true;
            match finish {
                Finish::Done(settled) => {
                    return Poll::Ready(answer.map(|response| settle(response, settled, this.session)));
                }
                Finish::Storing(task) => *this.storing = Some(Box::new(Storing { answer, task })),
            }
        }
        let Some(storing) = this.storing else {
            return Poll::Pending;
        };
        let settled = ready!(Pin::new(&mut storing.task).poll(cx)).unwrap_or_else(Settled::unknown);
        let answer = this.storing.take().map(|storing| storing.answer);
        answer.map_or(Poll::Pending, |answer| {
            Poll::Ready(answer.map(|response| settle(response, settled, this.session)))
        })
    }
}

fn settle<R>(response: Response<R>, settled: Settled, session: &Inner) -> Response<SessionBody<R>> {
    let mut response = match settled.status {
        None => response.map(SessionBody::inner),
        Some(status) => {
            let mut response = Response::new(SessionBody::empty());
            *response.status_mut() = status;
            // The request has failed for the layers around too.
            response.extensions_mut().insert(StoreNothing);
            if settled.store_failed {
                response.extensions_mut().insert(StoreFailed);
            }
            response
        }
    };
    let (own, by_header) = session.header().unzip();
    if settled.used {
        keep_private(&mut response, settled.cookie.is_some() || settled.seen.is_some(), session);
        for name in own.iter().flat_map(|own| own.names()) {
            vary_by(response.headers_mut(), name);
        }
    }
    let own = own.filter(|_| by_header == Some(true));
    if let Some(ticket) = settled.cookie {
        tell(response.headers_mut(), own.map(|own| &own.ticket), ticket);
    }
    if let Some(seen) = settled.seen {
        tell(response.headers_mut(), own.and_then(|own| own.seen.as_ref()), *seen);
    }
    if let Some(value) = session.site_data_to_clear(settled.clear) {
        response.headers_mut().entry(CLEAR_SITE_DATA).or_insert(value);
    }
    response
}

fn keep_private<R>(response: &mut Response<R>, sets_cookie: bool, session: &Inner) {
    if sets_cookie && let Some(OwnCacheControl) = response.extensions_mut().remove() {
        allow_storing_less(response.headers_mut());
    }
    let is_ours = forbid_sharing(response.headers_mut(), sets_cookie);
    // A layer around this one may have a cookie to set. Nobody else pays for the note.
    if is_ours && session.marks().is_within_another() {
        response.extensions_mut().insert(OwnCacheControl);
    }
}

/// Tells the client in a header of our own; without one, in a cookie.
fn tell(headers: &mut HeaderMap, own: Option<&HeaderName>, value: HeaderValue) {
    match own {
        Some(name) => drop(headers.insert(name, value)),
        None => drop(headers.append(SET_COOKIE, value)),
    }
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
