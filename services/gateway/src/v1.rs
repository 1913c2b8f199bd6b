//! Version 1 of the API: one file per resource that is read; commands stand in one table of their own.

use crate::openapi::Resource;

pub mod caps;
pub mod claims;
pub mod contracts;
pub mod exports;
pub mod facts;
pub mod findings;
pub mod flows;
pub mod fund;
pub mod implied;
pub mod loops;
pub mod lp_account;
pub mod owners;
pub mod parties;
pub mod pools;
pub mod prices;
pub mod programme;
pub mod register;
pub mod reports;
pub mod reservations;
pub mod reviews;
pub mod statement;
pub mod utilization;
pub mod vouchers;

/// Everything that can be read, as the API's document tells it.
pub const RESOURCES: [Resource; 26] = [
    loops::RESOURCE,
    parties::RESOURCE,
    owners::RESOURCE,
    flows::RESOURCE,
    utilization::RESOURCE,
    pools::RESOURCE,
    reservations::RESOURCE,
    implied::RESOURCE,
    findings::RESOURCE,
    findings::RULES,
    vouchers::RESOURCE,
    programme::RESOURCE,
    claims::RESOURCE,
    reviews::RESOURCE,
    caps::RESOURCE,
    register::RESOURCE,
    contracts::RESOURCE,
    prices::RESOURCE,
    fund::RESOURCE,
    lp_account::RESOURCE,
    statement::RESOURCE,
    facts::RESOURCE,
    exports::BEANCOUNT,
    exports::FOCUS,
    exports::OCEL,
    reports::LOOPS,
];
