#!/usr/bin/env bash
# Clippy over the code that exists only as WebAssembly (the host adapter and the
# entry point), and the rule that nothing of the plugin's tree is what may not
# be there.
set -euo pipefail
cd "$(dirname "$0")/.."
triple=wasm32-unknown-unknown

# wasm-bindgen needs a JavaScript host; ring, aws-lc and openssl need C. The same as in
# tools/deny/module.toml, for machines without cargo-deny. The component has no calls of a
# proxy, either.
banned='wasm-bindgen|js-sys|ring|aws-lc-rs|aws-lc-sys|openssl|openssl-sys|getrandom'
check_tree() {
    local tree
    tree=$(cargo tree --locked --package "$1" --edges normal --target "$triple" --prefix none)
    if grep -E "^($2) " <<<"$tree"; then
        echo "lint: the dependency tree of $1 has the crates above, which may not be there" >&2
        exit 1
    fi
}
check_tree hopguard "$banned"
check_tree hopguard-component "$banned|proxy-wasm"

if rustc --print target-libdir --target "$triple" >/dev/null 2>&1 \
    && [ -d "$(rustc --print target-libdir --target "$triple")" ]; then
    cargo clippy --locked --package hopguard --lib --target "$triple" -- -D warnings
    cargo clippy --locked --package hopguard-conformance-filter --target "$triple" -- -D warnings
    cargo clippy --locked --package hopguard-component --lib --target "$triple" -- -D warnings
else
    echo "lint: no $triple target here; clippy over the host adapter is left to a machine that has it" >&2
fi
