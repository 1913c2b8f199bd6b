//! Stories of the voucher context: given a world and what was accepted, a command gets this answer.

mod contradictions;
mod ending;
mod gate;
mod issuing;
mod locking;
mod lp_loop;
mod properties;
mod redeeming;
mod settling;
mod setup;
mod world;
