#!/usr/bin/env bash
# The built component in Node.js, by jco: the table of decisions, and the example. Node.js is
# somebody else's to install; without it there is nothing to check, and this says so.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf 'component-js: %s\n' "$*" >&2; }

if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(parseInt(process.versions.node) < 20))'; then
    say "no Node.js of 20 or newer here: the component is checked in wasmtime alone"
    [ "${1:-}" != --required ]
    exit
fi
target_dir=$(realpath "${CARGO_TARGET_DIR:-target}")
component=${HOPGUARD_COMPONENT:-$target_dir/wasm/hopguard.component.wasm}
# Not in the work tree: that is the user's.
work=$target_dir/component-js/component/examples/javascript
mkdir -p "$work" "$target_dir/component-js/component/table"
cp component/table/decisions.json "$target_dir/component-js/component/table/"
cp -R component/examples/javascript/{.npmrc,package.json,package-lock.json,*.mjs} "$work/"
cd "$work"
if ! cmp -s package-lock.json node_modules/.installed; then
    say "fetching jco"
    npm ci --no-audit --no-fund --ignore-scripts >&2
    cp package-lock.json node_modules/.installed
fi
node transpile.mjs "$component"
node --test check.mjs
