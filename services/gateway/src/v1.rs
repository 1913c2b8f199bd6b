//! Version 1 of the API: one file per resource.

pub mod claims;
pub mod findings;
pub mod flows;
pub mod implied;
pub mod loops;
pub mod owners;
pub mod parties;
pub mod programme;
pub mod statement;
pub mod utilization;
pub mod vouchers;
