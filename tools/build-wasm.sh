#!/usr/bin/env bash
# Builds target/wasm/hopguard.wasm; WASM_OUT names another output. Which Rust
# does it, and how to force one: tools/wasm-toolchain.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/wasm-toolchain.sh
out=${WASM_OUT:-$wasm_dir/hopguard.wasm}

cargo build --locked --release --lib --package hopguard --target "$triple"
(
    unset CARGO_UNSTABLE_BUILD_STD
    cargo build --locked --quiet --package hopguard-wasm-strip
)
mkdir -p "$(dirname "$out")"
"$target_dir/debug/hopguard-wasm-strip" "$target_dir/$triple/release/hopguard.wasm" "$out.new"
put_module "$out.new" "$out"
