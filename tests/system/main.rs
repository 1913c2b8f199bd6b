//! Whole-system tests: the program as its users run it, on real servers of its own.

mod access;
mod allocations;
mod archive;
mod bad_input;
mod crashes;
mod cycles;
mod expiry;
mod exports;
mod findings;
mod lp_loop;
mod meters;
mod parties;
mod partitions;
mod permissions;
mod program;
mod programmes;
mod rebuild;
mod rules;
mod stack;
mod statements;
