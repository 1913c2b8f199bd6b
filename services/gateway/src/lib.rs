//! The HTTP API: health, readiness and the queries of the views, as JSON.
//!
//! Invariant: everything under `/v1` passes the door, which knows who may.
//! Invariant: no rule of the ledger lives here; a handler reads its parameters, asks the views and answers.

pub mod auth;
mod freshness;
mod health;
mod problem;
mod seen;
pub mod v1;

use std::sync::Arc;

use auth::{Access, Door};
use axum::Router;
use axum::middleware::from_fn_with_state;
use loopledger_journal::Journal;
use loopledger_views::Views;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the API stands on.
#[derive(Clone)]
pub struct Api<J> {
    pub views: Views,
    pub journal: J,
    /// Whom it lets in.
    pub access: Access,
}

pub fn router<J: Journal>(api: Api<J>) -> Router {
    let views = Arc::new(api.views.clone());
    let queries = Router::new()
        .merge(v1::loops::router())
        .merge(v1::parties::router())
        .merge(v1::owners::router())
        .merge(v1::flows::router())
        .merge(v1::utilization::router())
        .merge(v1::implied::router())
        .merge(v1::findings::router())
        .merge(v1::vouchers::router())
        .merge(v1::programme::router())
        .merge(v1::claims::router())
        .merge(v1::statement::router())
        .layer(from_fn_with_state(views.clone(), freshness::wait))
        .with_state(views.clone());
    let door = Arc::new(Door { access: api.access.clone(), views });
    let queries = queries.layer(from_fn_with_state(door, auth::admit));
    Router::new()
        .nest("/v1", queries)
        .merge(health::router(api))
        .fallback(problem::no_such_resource)
}

/// Serves until `shutdown`, then lets what has begun end.
pub async fn run<J: Journal>(
    listener: TcpListener,
    api: Api<J>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(api)).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
