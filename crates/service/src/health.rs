//! Health over HTTP for whoever supervises a service: `/healthz` says that it lives, `/readyz` that it decides.

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::shell::Status;

pub async fn serve(
    listener: TcpListener,
    status: watch::Receiver<Status>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let ready = move || {
        let status = status.borrow().clone();
        async move {
            match status {
                Status::Loading => answer(StatusCode::SERVICE_UNAVAILABLE, "loading", 0, 0),
                Status::Stopped => answer(StatusCode::SERVICE_UNAVAILABLE, "stopped", 0, 0),
                Status::Ready { position, facts_at } => {
                    answer(StatusCode::OK, "ready", position, facts_at)
                }
            }
        }
    };
    let routes =
        Router::new().route("/healthz", get(|| async { "ok" })).route("/readyz", get(ready));
    axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

fn answer(
    code: StatusCode,
    status: &str,
    position: u64,
    facts_at: u64,
) -> (StatusCode, Json<serde_json::Value>) {
    let body = serde_json::json!({ "status": status, "position": position, "facts_at": facts_at });
    (code, Json(body))
}
