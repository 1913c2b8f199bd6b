//! Who may: every request under `/v1` comes from a caller, and a caller sees its own.
//!
//! Invariants: a request without a rule for the caller's role is refused, the operator's excepted; what a
//! regulator asks is on record before it is answered.

mod caller;
mod keys;
mod rules;
mod token;

pub use caller::{Caller, NotARole, Role};
pub use keys::{Key, KeySource, Keys, KeysError, Spans};
pub use token::{NotAdmitted, Terms, Verifier};

use std::sync::Arc;

use axum::extract::{MatchedPath, OriginalUri, Query, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::Response;
use loopledger_service::clock;
use loopledger_views::{Access as Record, Belonging, Views, reading_as};

use crate::problem::Problem;
use rules::{Grant, Owned};

/// Whom the API lets in.
#[derive(Clone)]
pub enum Access {
    /// Everybody who reaches it, as the operator: for an address of this machine only.
    Open,
    /// Whoever brings a token.
    Tokens(Arc<Verifier>),
}

pub struct Door {
    pub access: Access,
    pub views: Arc<Views>,
}

pub async fn admit(
    State(door): State<Arc<Door>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = door.caller(request.headers()).await?;
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let grant = rules::grant(request.method(), path.unwrap_or_default(), caller.role);
    if caller.role == Role::Regulator {
        let original = request.extensions().get::<OriginalUri>();
        let asked = original.map_or(request.uri(), |OriginalUri(uri)| uri);
        let record = Record {
            subject: &caller.subject,
            role: caller.role.name(),
            method: request.method().as_str(),
            path: asked.path(),
            query: asked.query().unwrap_or_default(),
        };
        door.views.record_access(&record).await?;
    }
    // What it may not see, the database does not show it either.
    reading_as(caller.reader(), async {
        match grant {
            Grant::All => {}
            Grant::Nothing => {
                let detail = format!("a {} may not do this", caller.role.name());
                return Err(Problem::forbidden(detail));
            }
            Grant::Own { parameter, of } => {
                if let Some(narrowed) = door.narrow(&caller, request.uri(), parameter, of).await? {
                    *request.uri_mut() = narrowed;
                }
            }
        }
        request.extensions_mut().insert(caller.clone());
        Ok(next.run(request).await)
    })
    .await
}

impl Door {
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        let Access::Tokens(verifier) = &self.access else { return Ok(Caller::operator()) };
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let (Some(header), None) = (given.next(), given.next()) else {
            let detail = "send one header `Authorization: Bearer TOKEN`";
            return Err(Problem::unauthenticated(detail));
        };
        let token = header.to_str().ok().and_then(|text| text.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, token)) = token else {
            return Err(Problem::unauthenticated("the authorization is no bearer token"));
        };
        match verifier.verify(token.trim(), clock::now()).await {
            Ok(caller) => Ok(caller),
            Err(NotAdmitted::NoKeys(_)) => Err(Problem::no_keys()),
            Err(refused) => Err(Problem::unauthenticated(&refused)),
        }
    }

    /// The request's address, with the parameter filled in where it is missing; nothing when it names the
    /// caller's own already.
    async fn narrow(
        &self,
        caller: &Caller,
        uri: &Uri,
        parameter: &str,
        of: Owned,
    ) -> Result<Option<Uri>, Problem> {
        // As the handler will read them: a name may be percent-encoded.
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)?;
        let mut values = pairs.iter().filter(|(name, _)| name == parameter);
        let (first, second) = (values.next(), values.next());
        if second.is_some() {
            let detail = format!("the parameter {parameter} is there twice");
            return Err(Problem::bad_parameter(&detail));
        }
        if let Some((_, asked)) = first {
            if self.is_own(caller, asked, of).await? {
                return Ok(None);
            }
            return Err(Problem::not_known(format!("there is no {parameter} {asked} of yours")));
        }
        let Some(own) = caller.only(of) else {
            let detail = format!("name one of yours in the parameter {parameter}");
            return Err(Problem::bad_parameter(&detail));
        };
        let before = uri.query().filter(|query| !query.is_empty());
        let before = before.map(|query| format!("{query}&")).unwrap_or_default();
        let narrowed: PathAndQuery = format!("{}?{before}{parameter}={own}", uri.path())
            .parse()
            .expect("an id needs no encoding in a query that was well formed");
        Ok(Some(Uri::from(narrowed)))
    }

    async fn is_own(&self, caller: &Caller, asked: &str, of: Owned) -> Result<bool, Problem> {
        let Some(party) = caller.party.as_ref() else { return Ok(caller.has(asked, of)) };
        let how = match of {
            Owned::Pool => Belonging::PoolOperator,
            Owned::Contract => Belonging::ContractSide,
            Owned::Party | Owned::Programme | Owned::Fund => return Ok(caller.has(asked, of)),
        };
        Ok(self.views.belongs(how, asked, &[party.as_str()]).await?)
    }
}

#[cfg(test)]
mod tests;
