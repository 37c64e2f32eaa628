#!/usr/bin/env bash
# Clippy over the code that exists only as WebAssembly (the host adapter and the
# entry point), and the rule that nothing of the plugin's tree is what may not
# be there.
set -euo pipefail
cd "$(dirname "$0")/.."
triple=wasm32-unknown-unknown

# wasm-bindgen needs a JavaScript host; ring, aws-lc and openssl need C. The same as in
# tools/deny/module.toml, for machines without cargo-deny.
banned='^(wasm-bindgen|js-sys|ring|aws-lc-rs|aws-lc-sys|openssl|openssl-sys|getrandom) '
tree=$(cargo tree --locked --package hopguard --edges normal --target "$triple" --prefix none)
if grep -E "$banned" <<<"$tree"; then
    echo "lint: the plugin's dependency tree has the crates above, which may not be there" >&2
    exit 1
fi

if rustc --print target-libdir --target "$triple" >/dev/null 2>&1 \
    && [ -d "$(rustc --print target-libdir --target "$triple")" ]; then
    cargo clippy --locked --package hopguard --lib --target "$triple" -- -D warnings
    cargo clippy --locked --package hopguard-conformance-filter --target "$triple" -- -D warnings
else
    echo "lint: no $triple target here; clippy over the host adapter is left to a machine that has it" >&2
fi
