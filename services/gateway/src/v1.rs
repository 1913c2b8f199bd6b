//! Version 1 of the API: one file per resource.

pub mod findings;
pub mod flows;
pub mod implied;
pub mod loops;
pub mod owners;
pub mod parties;
pub mod utilization;
pub mod vouchers;
