# Everything a contributor types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check fmt lint schemas bench clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## install what is missing: PostgreSQL by apt, nats-server >= 2.10 into .tools/
	@scripts/setup.sh

demo: setup ## a private ledger, the lp-loop bundle, the loop report on your terminal
	@cargo build --release --quiet -p loopledger --bin loopledger
	@target/release/loopledger demo tests/scenarios/lp-loop

test: ## every test, on real servers of its own
	@scripts/setup.sh --tests
	@cargo build --workspace --bins
	@LOOPLEDGER_BUILT=1 cargo test --workspace --no-fail-fast

chaos: setup ## kill everything, again and again: CHAOS_SEEDS runs (100) from CHAOS_SEED (1) on
	@cargo build --workspace --bins
	@CHAOS_SEEDS=$${CHAOS_SEEDS:-100} LOOPLEDGER_BUILT=1 cargo test --workspace --test chaos whatever_the_seed -- --nocapture

check: fmt lint test ## what has to pass before a change goes in

fmt: ## format
	@cargo fmt --all

lint: ## clippy, warnings are errors; licences and advisories where cargo-deny is installed
	@cargo clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; fi

schemas: ## write schemas/ anew from the code
	@WRITE_SCHEMAS=1 cargo test --quiet -p loopledger-model --test schemas
	@WRITE_SCHEMAS=1 cargo test --quiet -p loopledger-gateway published

bench: setup ## against PostgreSQL by hand and two crates, all fsynced, into BENCHMARKS.md: 30 minutes (BENCH_QUICK=1: 4, printed)
	@cargo build --release --quiet --manifest-path bench/Cargo.toml
	@bench/target/release/loopledger-bench $(if $(BENCH_QUICK)$(BENCH_PARTS)$(BENCH_CLIENTS)$(BENCH_SIDES),,BENCHMARKS.md)

clean: ## remove builds and the default data folder (.loopledger)
	@cargo clean
	@rm -rf .loopledger
