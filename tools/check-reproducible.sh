#!/usr/bin/env bash
# Builds the module a second time, in another folder and from another target
# directory, and compares the bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
target_dir=${CARGO_TARGET_DIR:-target}
first=$target_dir/wasm/hopguard.wasm

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
echo "test: building the module a second time, elsewhere, to compare the bytes" >&2
tar --exclude=./target --exclude=./.git --exclude=./fuzz/corpus -cf - . | tar -xf - -C "$copy"
CARGO_TARGET_DIR=$copy/target "$copy/tools/build-wasm.sh" >&2
if ! cmp "$first" "$copy/target/wasm/hopguard.wasm"; then
    echo "test: two builds of one tree differ" >&2
    exit 1
fi
echo "test: both builds have the same bytes" >&2
