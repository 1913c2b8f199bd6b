//! Which role may ask what, resource by resource.
//!
//! Invariant: what is not in the table is the operator's alone.

use axum::http::Method;

use super::caller::Role;
use crate::commands;

/// What of a resource a role gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    All,
    Nothing,
    /// What the resource answers when this parameter names something of the caller's own.
    Own {
        parameter: &'static str,
        of: Owned,
    },
}

/// What makes a thing the caller's own: the token names it, or the ledger says that it is its party's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owned {
    Party,
    Programme,
    Fund,
    /// The party operates it.
    Pool,
    /// The party is its buyer or its seller.
    Contract,
}

const NONE: Grant = Grant::Nothing;
const PARTY: Grant = Grant::Own { parameter: "party", of: Owned::Party };
const FUND: Grant = Grant::Own { parameter: "party", of: Owned::Fund };
const ITS_FUND: Grant = Grant::Own { parameter: "fund", of: Owned::Fund };
const PARTNER: Grant = Grant::Own { parameter: "lp", of: Owned::Party };
const PROVIDER: Grant = Grant::Own { parameter: "provider", of: Owned::Party };
const APPLICANT: Grant = Grant::Own { parameter: "applicant", of: Owned::Party };
const PROGRAMME: Grant = Grant::Own { parameter: "programme", of: Owned::Programme };
const POOL: Grant = Grant::Own { parameter: "pool", of: Owned::Pool };
const CONTRACT: Grant = Grant::Own { parameter: "contract", of: Owned::Contract };

/// What a programme office, a reviewer, a provider, a fund manager and a company get of each query. The operator
/// and the regulator get all of it.
const QUERIES: [(&str, [Grant; 5]); 26] = [
    ("/v1/loops", [NONE, NONE, NONE, FUND, NONE]),
    ("/v1/parties", [NONE; 5]),
    ("/v1/owners", [NONE; 5]),
    ("/v1/flows", [NONE, NONE, PARTY, FUND, PARTY]),
    ("/v1/utilization", [NONE, NONE, POOL, NONE, NONE]),
    ("/v1/pools", [NONE, NONE, POOL, NONE, NONE]),
    ("/v1/reservations", [NONE, NONE, POOL, NONE, NONE]),
    ("/v1/implied", [NONE, NONE, CONTRACT, NONE, CONTRACT]),
    ("/v1/findings", [NONE; 5]),
    ("/v1/findings/rules", [Grant::All; 5]),
    ("/v1/vouchers", [PROGRAMME, PROGRAMME, NONE, NONE, NONE]),
    ("/v1/programme", [PROGRAMME, PROGRAMME, NONE, NONE, NONE]),
    ("/v1/claims", [PROGRAMME, PROGRAMME, PROVIDER, NONE, NONE]),
    ("/v1/reviews", [PROGRAMME, PROGRAMME, PROVIDER, NONE, APPLICANT]),
    ("/v1/caps", [PROGRAMME, PROGRAMME, NONE, NONE, NONE]),
    ("/v1/register", [NONE; 5]),
    ("/v1/statement", [NONE, NONE, PROVIDER, NONE, NONE]),
    ("/v1/contracts", [NONE, NONE, PARTY, NONE, PARTY]),
    ("/v1/prices", [NONE, NONE, PARTY, NONE, PARTY]),
    ("/v1/fund", [NONE, NONE, NONE, ITS_FUND, NONE]),
    ("/v1/lp-account", [NONE, NONE, PARTNER, ITS_FUND, PARTNER]),
    ("/v1/facts/{position}", [NONE; 5]),
    ("/v1/exports/beancount", [NONE; 5]),
    ("/v1/exports/focus", [NONE; 5]),
    ("/v1/exports/ocel", [NONE; 5]),
    ("/v1/reports/loops", [NONE, NONE, NONE, FUND, NONE]),
];

/// Each of their lines is held to the rules of its command.
const MANY_COMMANDS: [&str; 2] = ["/v1/commands", "/v1/bundles"];

pub fn grant(method: &Method, path: &str, role: Role) -> Grant {
    if *method == Method::POST && role != Role::Regulator {
        let gives = commands::at(path).is_some_and(|endpoint| endpoint.may_be_given_by(role));
        if gives || MANY_COMMANDS.contains(&path) {
            return Grant::All;
        }
    }
    let row = QUERIES.iter().find(|(known, _)| *known == path).map(|(_, grants)| grants);
    let (Some(grants), true) = (row, matches!(*method, Method::GET | Method::HEAD)) else {
        return if role == Role::Operator { Grant::All } else { NONE };
    };
    let [office, reviewer, provider, fund_manager, company] = *grants;
    match role {
        Role::Operator | Role::Regulator => Grant::All,
        Role::ProgrammeOffice => office,
        Role::Reviewer => reviewer,
        Role::Provider => provider,
        Role::FundManager => fund_manager,
        Role::Company => company,
    }
}

#[cfg(test)]
pub fn known(path: &str) -> bool {
    QUERIES.iter().any(|(known, _)| *known == path)
}
