use tower_layer::Layer;

use super::service::{Mark, RouteService};
use crate::config::LoadPolicy;

impl<S> Layer<S> for LoadPolicy {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> RouteService<S> {
        RouteService::new(inner, Mark::Load(self.clone()))
    }
}
