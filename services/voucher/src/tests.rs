//! Stories of the voucher context: given a world and what was accepted, a command gets this answer.

mod cases;
mod claims;
mod contradictions;
mod ending;
mod gate;
mod issuing;
mod locking;
mod lp_loop;
mod modes;
mod payments;
mod programmes;
mod properties;
mod purchases;
mod redeeming;
mod reviewed;
mod settling;
mod setup;
pub(crate) mod world;
