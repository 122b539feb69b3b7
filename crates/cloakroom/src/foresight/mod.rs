//! What a request will read, foreseen from what those of the same route have read before: see
//! [`LoadPolicy::Foreseen`](crate::LoadPolicy::Foreseen).
//!
//! - A [`Route`] tells which requests are alike.
//! - `History` is what was observed of one, and the forecast that follows.
//! - [`Reads`] is what one request reads, noted while it runs and observed when the last handle of its session is gone.

mod history;
mod reads;
mod route;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use self::history::History;
pub(crate) use self::reads::Reads;
pub(crate) use self::route::{Asked, Route, keep_route};
use crate::telemetry;

/// What a layer remembers of its routes: of those whose requests had to fetch something, as many as were in use last.
pub(crate) struct Foresight(Mutex<LruCache<Route, Arc<Known>>>);

/// What is remembered of one route.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<History>);

/// How many routes a layer remembers. With paths in place of axum's routes, visitors can make up more than that; each of
/// them can only push out what was not in use for as long.
const ROUTES: usize = 1024;

impl Foresight {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::unbounded()))
    }

    /// Begins a request of this route, if something is remembered of it.
    pub(crate) fn begin(&self, route: Route) -> Option<Box<Reads>> {
        let known = lock(&self.0).get(&route).map(Arc::clone)?;
        Some(Box::new(Reads::of_known(route, known)))
    }

    /// Returns what is remembered of a route, from now on if it was not.
    fn remember(&self, route: Route) -> Arc<Known> {
        let (known, more) = {
            let mut routes = lock(&self.0);
            let before = routes.len();
            let known = Arc::clone(routes.get_or_insert(route, Arc::default));
            if routes.len() > ROUTES {
                routes.pop_lru();
            }
            (known, routes.len() - before)
        };
        telemetry::routes(more as f64);
        known
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Foresight {
    fn drop(&mut self) {
        telemetry::routes(-(lock(&self.0).len() as f64));
    }
}

impl fmt::Debug for Foresight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foresight").field("routes", &lock(&self.0).len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::Name;
    use http::{Extensions, Method};

    const NAME: Name = Name::from_static("a");

    fn route(path: &str) -> Route {
        Asked::by(&Method::GET, path).route(&Extensions::new())
    }

    fn begin(foresight: &Foresight, route: Route) -> Box<Reads> {
        foresight.begin(route).unwrap_or_else(|| Box::new(Reads::of_unknown(route)))
    }

    fn fetches(foresight: &Foresight, route: Route) {
        let mut reads = begin(foresight, route);
        reads.fetched(1);
        reads.note(&NAME);
        reads.end(foresight, true, |_| None);
    }

    fn is_known(foresight: &Foresight, route: Route) -> bool {
        foresight.begin(route).is_some_and(|reads| reads.foreseen().contains(&NAME))
    }

    #[test]
    fn a_route_is_remembered_once_something_had_to_be_fetched() {
        let foresight = Foresight::new();
        let mut reads = begin(&foresight, route("/"));
        reads.note(&NAME);
        reads.end(&foresight, true, |_| None);
        assert_eq!(lock(&foresight.0).len(), 0);
        fetches(&foresight, route("/"));
        assert!(is_known(&foresight, route("/")) && !is_known(&foresight, route("/other")));
    }

    #[test]
    fn routes_are_bounded_and_those_in_use_stay() {
        let foresight = Foresight::new();
        fetches(&foresight, route("/shop"));
        for number in 0..2 * ROUTES {
            let word: String =
                number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
            fetches(&foresight, route(&format!("/{word}")));
            assert!(is_known(&foresight, route("/shop")));
        }
        assert_eq!(lock(&foresight.0).len(), ROUTES);
        assert!(!is_known(&foresight, route("/a")));
    }

    #[test]
    fn requests_at_the_same_time_are_all_counted() {
        let foresight = Foresight::new();
        fetches(&foresight, route("/"));
        let (one, two) = (begin(&foresight, route("/")), begin(&foresight, route("/")));
        let other = Name::from_static("b");
        for mut reads in [one, two] {
            reads.note(&NAME);
            reads.note(&other);
            reads.end(&foresight, true, |_| None);
        }
        let reads = begin(&foresight, route("/"));
        assert_eq!(reads.foreseen()[..], [NAME, other]);
    }
}
