#!/usr/bin/env bash
# Builds target/wasm/noop.wasm, the filter that the benchmark compares with:
# tools/noop-filter as the SDK's own examples are built, nothing stripped.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/wasm-toolchain.sh

cargo build --locked --release --manifest-path tools/noop-filter/Cargo.toml \
    --target "$triple" --target-dir "$target_dir/noop"
put_module "$target_dir/noop/$triple/release/hopguard_noop_filter.wasm" "$wasm_dir/noop.wasm"
