# hopguard: `make help` lists what there is to do.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

.PHONY: help setup wasm component cargo-component decision-table component-js wasmtime image push noop conformance envoy registry demo test chaos soak test-distro test-matrix lint deny bench fuzz fuzz-seeds dashboard-picture fmt clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 10

setup: ## Install what is missing: C compiler, openssl, pip, Rust components
	@tools/setup.sh

wasm: setup ## Build target/wasm/hopguard.wasm
	@tools/build-wasm.sh

component: setup ## Build target/wasm/hopguard.component.wasm: the decision engine for any host (docs/component.md)
	@tools/build-component.sh

cargo-component: setup ## Install the pinned cargo-component in target/tools, with which `make component` then builds
	@tools/cargo-component.sh

decision-table: setup ## Make component/table/decisions.json anew, with new certificates
	@cargo run --locked --quiet -p hopguard-component --example decision-table

component-js: component ## Run the component in Node.js, by jco
	@tools/check-component-js.sh --required

wasmtime: setup ## Fetch the host in which the tests run the component
	@testbed/wasmtime/fetch.sh >/dev/null

image: wasm ## Write target/image: the module as an OCI image, with its SBOM (docs/image.md)
	@tools/build-image.sh

push: ## Build target/image and push it: REGISTRY=registry.example.com/team/hopguard (PUSH_OPTIONS)
	@[ -n "$(REGISTRY)" ] || { echo 'push: where to? REGISTRY=registry.example.com/team/hopguard' >&2; exit 2; }
	@$(MAKE) --no-print-directory image
	@cargo run --locked --quiet -p hopguard-cli --features push -- push "$${CARGO_TARGET_DIR:-target}/image" "$(REGISTRY)" $(PUSH_OPTIONS)

envoy: setup ## Fetch the pinned Envoy, unless ENVOY=/path names one
	@testbed/envoy/fetch.sh >/dev/null

registry: setup ## Fetch the registry and skopeo that the tests of pushed images need
	@testbed/registry/fetch.sh >/dev/null || echo 'registry: the tests of pushed images will fail' >&2

demo: wasm envoy ## Show what is allowed and denied, and why, against real servers (KEEP=1 leaves it running)
	@cargo run --locked --quiet -p hopguard-testbed --example demo

conformance: setup ## Build the filter that judges the cases of conformance suites in Envoy
	@tools/build-conformance.sh

test: wasm component conformance envoy registry wasmtime ## All tests: the core, and the module in a real Envoy
	@tools/check-reproducible.sh
	@tools/check-component-js.sh
	@echo 'test: building and running all tests' >&2
	@cargo test --locked --workspace --features hopguard-cli/push

chaos: wasm envoy ## A random walk in which nothing may leak: CHAOS_STEPS (400), CHAOS_SEED of one that failed
	@CHAOS_STEPS=$${CHAOS_STEPS:-400} CHAOS_SEED=$${CHAOS_SEED:-$$(date +%s)} \
		cargo test --locked --test envoy -- --exact chaos::no_walk_leads_to_a_leaked_byte_or_a_wrong_verdict --nocapture

soak: wasm envoy ## A long life, compressed: memory, bounds and exact counts (SOAK_ROUNDS)
	@cargo run --locked --release --quiet -p hopguard-testbed --example soak

test-distro: setup ## Build the module with the distribution's Rust, and run the demo with it
	@WASM_TOOLCHAIN=distro WASM_OUT=$(CURDIR)/target/distro/hopguard.wasm tools/build-wasm.sh
	@HOPGUARD_WASM=$(CURDIR)/target/distro/hopguard.wasm cargo run --locked --quiet -p hopguard-testbed --example demo

test-matrix: wasm ## All tests in a real Envoy of each version, or of those in VERSIONS only; TESTS=filter
	@tools/test-matrix.sh $(VERSIONS)

lint: setup ## Formatting and clippy, as CI has them
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets --features hopguard-cli/push -- -D warnings
	@tools/lint-wasm.sh

deny: setup ## Licences, sources, banned and doubled crates; advisories where reachable (DENY_ADVISORIES)
	@tools/deny.sh

bench: wasm noop envoy ## CPU per request of a real Envoy with and without the plugin
	@cargo run --locked --release --quiet -p hopguard-testbed --example bench

fuzz: setup ## Fuzz every parser, FUZZ_SECONDS (60) each, or FUZZ_TARGETS only: fuzz/README.md
	@tools/fuzz.sh $(FUZZ_TARGETS)

fuzz-seeds: setup ## Make the fixtures and the seeds of the fuzz targets anew
	@cargo run --locked --quiet -p hopguard-testbed --example fuzz-seeds

dashboard-picture: wasm envoy ## Draw docs/dashboard.png: a real Prometheus watches the demo
	@tools/draw-dashboard.sh

noop: setup ## Build the filter that does nothing, for the benchmark
	@tools/build-noop.sh

fmt: ## Format the sources
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

clean: ## Remove all that was built
	cargo clean
