//! Health over HTTP for whoever supervises a service: `/healthz` says that it lives, `/readyz` that it decides,
//! `/metrics` what it counts.

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::shell::Status;

pub async fn serve(
    listener: TcpListener,
    statuses: Vec<watch::Receiver<Status>>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let ready = move || {
        let statuses: Vec<Status> = statuses.iter().map(|status| status.borrow().clone()).collect();
        async move {
            match together(&statuses) {
                Status::Loading => answer(StatusCode::SERVICE_UNAVAILABLE, "loading", 0, 0),
                Status::Stopped => answer(StatusCode::SERVICE_UNAVAILABLE, "stopped", 0, 0),
                Status::Ready { position, facts_at } => {
                    answer(StatusCode::OK, "ready", position, facts_at)
                }
            }
        }
    };
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|| async { metrics::text() }));
    axum::serve(listener, routes).with_graceful_shutdown(shutdown.cancelled_owned()).await
}

/// Ready where every partition is: at the last commit of any, and with the facts that all know.
fn together(statuses: &[Status]) -> Status {
    let join = |joined: Status, status: &Status| match (joined, status) {
        (Status::Stopped, _) | (_, Status::Stopped) => Status::Stopped,
        (Status::Loading, _) | (_, Status::Loading) => Status::Loading,
        (
            Status::Ready { position, facts_at },
            Status::Ready { position: last, facts_at: known },
        ) => Status::Ready { position: position.max(*last), facts_at: facts_at.min(*known) },
    };
    let first = statuses.first().cloned().unwrap_or(Status::Stopped);
    statuses.iter().fold(first, join)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_all_its_partitions_are() {
        let (early, late) = (
            Status::Ready { position: 3, facts_at: 9 },
            Status::Ready { position: 8, facts_at: 7 },
        );
        let both = Status::Ready { position: 8, facts_at: 7 };
        assert_eq!(together(&[early.clone(), late.clone()]), both);
        assert_eq!(together(&[early.clone(), Status::Loading]), Status::Loading);
        assert_eq!(together(&[Status::Loading, Status::Stopped, late]), Status::Stopped);
        assert_eq!(together(std::slice::from_ref(&early)), early);
    }
}
