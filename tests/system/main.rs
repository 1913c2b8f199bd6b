//! Whole-system tests: the program as its users run it, on real servers of its own.

