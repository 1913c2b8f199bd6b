//! The HTTP API: commands to the services, queries of the views, health and readiness, and its own description.
//!
//! Invariant: everything under `/v1` passes the door, which knows who may; the API's description is open to all.
//! Invariant: no rule of the ledger lives here; a handler reads its parameters, asks and answers.

mod answered;
pub mod auth;
mod commands;
pub mod expiry;
mod forms;
mod freshness;
mod health;
mod limits;
mod openapi;
mod paging;
mod problem;
mod seen;
mod traced;
pub mod v1;

use std::sync::{Arc, LazyLock};

use auth::{Access, Door};
use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
pub use commands::{OnNats, Services};
use freshness::Progress;
pub use limits::Limits;
use limits::Paces;
use loopledger_journal::Journal;
use loopledger_views::Views;
use swagger_ui_dist::{ApiDefinition, OpenApiSource};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What the API stands on.
#[derive(Clone)]
pub struct Api<J, S> {
    pub views: Views,
    pub journal: J,
    /// Who answers commands.
    pub services: S,
    /// Whom it lets in.
    pub access: Access,
    pub limits: Limits,
}

pub fn router<J: Journal, S: Services>(api: Api<J, S>) -> Router {
    let views = Arc::new(api.views.clone());
    let (ledger, journal) = (api.views.clone(), api.journal.clone());
    let progress = Arc::new(Progress { views: ledger, journal });
    let queries = Router::new()
        .merge(v1::loops::router())
        .merge(v1::parties::router())
        .merge(v1::owners::router())
        .merge(v1::flows::router())
        .merge(v1::utilization::router())
        .merge(v1::pools::router())
        .merge(v1::reservations::router())
        .merge(v1::implied::router())
        .merge(v1::findings::router())
        .merge(v1::vouchers::router())
        .merge(v1::programme::router())
        .merge(v1::claims::router())
        .merge(v1::reviews::router())
        .merge(v1::caps::router())
        .merge(v1::register::router())
        .merge(v1::contracts::router())
        .merge(v1::prices::router())
        .merge(v1::fund::router())
        .merge(v1::lp_account::router())
        .merge(v1::statement::router())
        .merge(v1::facts::router())
        .merge(v1::exports::router())
        .merge(v1::reports::router())
        .layer(from_fn_with_state(progress, freshness::wait::<J>))
        .with_state(views.clone());
    let commands = commands::router(api.services.clone(), views.clone());
    let paces = Arc::new(Paces::new(api.limits));
    let door = Arc::new(Door { access: api.access.clone(), views });
    let ruled = queries
        .merge(commands)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(from_fn_with_state(paces, limits::within))
        .layer(from_fn_with_state(door, auth::admit))
        .layer(from_fn(traced::request));
    Router::new()
        .nest("/v1", ruled)
        .route("/v1/openapi.json", get(description))
        .merge(swagger_ui_dist::generate_routes(ApiDefinition {
            uri_prefix: "/docs",
            api_definition: OpenApiSource::Uri("/v1/openapi.json"),
            title: Some("loopledger"),
        }))
        .merge(health::router(api.views, api.journal))
        .fallback(problem::no_such_resource)
}

async fn description() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(openapi::document);
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// Serves until `shutdown`, then lets what has begun end.
pub async fn run<J: Journal, S: Services>(
    listener: TcpListener,
    api: Api<J, S>,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router(api)).with_graceful_shutdown(shutdown.cancelled_owned()).await
}
