//! `/healthz`: the process lives. `/readyz`: the views can be asked, and how far they are behind the journal. `/metrics`:
//! the same for Prometheus, with what the process counts.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use loopledger_journal::{Filter, Journal};
use loopledger_service::metrics;
use loopledger_views::Views;
use serde_json::{Value, json};

pub fn router<J: Journal>(views: Views, journal: J) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readiness::<J>))
        .route("/metrics", get(figures::<J>))
        .with_state(Arc::new((views, journal)))
}

/// `lag` counts the commits that are in the journal and not yet in the views.
async fn readiness<J: Journal>(State(asked): State<Arc<(Views, J)>>) -> (StatusCode, Json<Value>) {
    let (views, journal) = &*asked;
    let unready = |cause: String| {
        (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "unready", "cause": cause })))
    };
    let position = match views.position().await {
        Ok(position) => position,
        Err(error) => return unready(error.to_string()),
    };
    match journal.last(&Filter::all()).await {
        Ok(last) => {
            let lag = last.saturating_sub(position);
            (StatusCode::OK, Json(json!({ "status": "ready", "position": position, "lag": lag })))
        }
        Err(error) => unready(error.to_string()),
    }
}

/// Without the lag where it cannot be told.
async fn figures<J: Journal>(State(asked): State<Arc<(Views, J)>>) -> String {
    let (views, journal) = &*asked;
    let mut text = metrics::text();
    let ends = (views.position().await, journal.last(&Filter::all()).await);
    if let (Ok(position), Ok(last)) = ends {
        text += "# HELP loopledger_views_lag_commits Commits that are not yet in the views\n\
                 # TYPE loopledger_views_lag_commits gauge\n";
        text += &format!("loopledger_views_lag_commits {}\n", last.saturating_sub(position));
    }
    text
}
