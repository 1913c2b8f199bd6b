//! Whole-system tests: the program as its users run it, on real servers of its own.

mod access;
mod allocations;
mod archive;
mod bad_input;
mod crashes;
mod cycles;
mod days;
mod expiry;
mod findings;
mod funds;
mod http;
mod http_api;
mod lp_loop;
mod meters;
mod parties;
mod partitions;
mod permissions;
mod program;
mod programmes;
mod readme;
mod rebuild;
mod rules;
mod schemathesis;
mod stack;
mod statements;
mod terminations;
