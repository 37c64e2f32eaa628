#!/usr/bin/env bash
# Builds target/wasm/conformance.wasm: tools/conformance-filter, in which a real Envoy
# judges the cases of conformance suites (docs/conformance.md).
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/wasm-toolchain.sh

cargo build --locked --profile conformance --package hopguard-conformance-filter --target "$triple"
put_module "$target_dir/$triple/conformance/hopguard_conformance_filter.wasm" "$wasm_dir/conformance.wasm"
