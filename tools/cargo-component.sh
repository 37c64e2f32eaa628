#!/usr/bin/env bash
# Installs the pinned cargo-component in target/tools, from source: 400 crates, minutes. Without
# optimisation, for it is to be built more than it is to run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/cargo-component.version
root=$PWD/target/tools

case $("$root/bin/cargo-component" component --version 2>/dev/null || true) in
*" $cargo_component_version"*) exit 0 ;;
esac
echo "cargo-component: building $cargo_component_version in $root (some minutes)" >&2
export CARGO_PROFILE_DEV_DEBUG=0
CARGO_TARGET_DIR=$root/build cargo install --locked --debug --root "$root" \
    "cargo-component@$cargo_component_version"
rm -rf "$root/build"
