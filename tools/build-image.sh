#!/usr/bin/env bash
# Writes an OCI image layout of the built module with its SBOM to <target>/image, or to
# IMAGE_OUT. IMAGE_VERSION is another version than that of the workspace.
set -euo pipefail
cd "$(dirname "$0")/.."
target_dir=${CARGO_TARGET_DIR:-target}
module=${HOPGUARD_WASM:-$target_dir/wasm/hopguard.wasm}
out=${IMAGE_OUT:-$target_dir/image}
sbom=$target_dir/wasm/hopguard.cdx.json

mkdir -p "$(dirname "$sbom")" "$(dirname "$out")"
cargo run --locked --quiet --package hopguard-sbom -- "$module" "$sbom"

options=(--output "$out" --sbom "$sbom")
[ -z "${IMAGE_VERSION:-}" ] || options+=(--version "$IMAGE_VERSION")
# A commit is named only where it is what was built.
if revision=$(git rev-parse HEAD 2>/dev/null) && [ -z "$(git status --porcelain)" ]; then
    options+=(--revision "$revision")
fi
cargo run --locked --quiet --package hopguard-cli -- image "$module" "${options[@]}"
