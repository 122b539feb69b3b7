use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;

pub(super) async fn render(State(prometheus): State<PrometheusHandle>) -> impl IntoResponse {
    prometheus.run_upkeep();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], prometheus.render())
}
