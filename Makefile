# hopguard: `make help` lists what there is to do.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
TARGET := $(or $(CARGO_TARGET_DIR),target)
WASM := $(TARGET)/wasm/hopguard.wasm
NOOP := $(TARGET)/wasm/noop.wasm

.PHONY: help setup wasm noop envoy demo test lint bench fmt clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

setup: ## Install what is missing: C compiler, openssl, pip, Rust components
	@tools/setup.sh

wasm: setup ## Build target/wasm/hopguard.wasm
	@tools/build-wasm.sh

envoy: setup ## Fetch the pinned Envoy, unless ENVOY=/path names one
	@testbed/envoy/fetch.sh >/dev/null

demo: wasm envoy ## Show what is allowed and denied, and why, against real servers (KEEP=1 leaves it running)
	@cargo run --locked --quiet -p hopguard-testbed --example demo

test: wasm envoy ## All tests: the core, and the module in a real Envoy
	@echo 'test: building and running all tests' >&2
	@cargo test --locked --workspace

lint: setup ## Formatting and clippy, as CI has them
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@tools/lint-wasm.sh

bench: wasm noop envoy ## CPU per request of a real Envoy with and without the plugin
	@cargo run --locked --release --quiet -p hopguard-testbed --example bench

noop: setup
	@tools/build-noop.sh

fmt: ## Format the sources
	cargo fmt --all

clean: ## Remove all that was built
	cargo clean
