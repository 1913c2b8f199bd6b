//! Version 1 of the API: one file per resource.

pub mod flows;
pub mod loops;
pub mod utilization;
pub mod vouchers;
