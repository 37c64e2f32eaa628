#!/usr/bin/env bash
# Builds target/wasm/hopguard.component.wasm: the world of wit/. The core module is built as the
# plugin's is; the component around it is made by
#   cargo-component   where the pinned version is here (make cargo-component, or on the PATH);
#   componentize      else: tools/componentize, over the encoder that cargo-component has, too.
# COMPONENT_BUILDER=cargo-component|componentize forces one.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/wasm-toolchain.sh
. tools/cargo-component.version
out=$wasm_dir/hopguard.component.wasm
package=hopguard-component
built=$target_dir/$triple/release/hopguard_component.wasm

PATH=$PWD/target/tools/bin:$PATH
builder=${COMPONENT_BUILDER:-}
if [ -z "$builder" ]; then
    builder=componentize
    case $(cargo component --version 2>/dev/null || true) in
    *" $cargo_component_version"*) builder=cargo-component ;;
    esac
fi
say "component by: $builder"

mkdir -p "$wasm_dir"
# cargo-component leaves a component where cargo's module was, and cargo does not look again.
rm -f "$built"
case $builder in
cargo-component)
    cargo component build --locked --release --package "$package" --target "$triple"
    cp "$built" "$out.new"
    ;;
componentize)
    cargo build --locked --release --package "$package" --target "$triple"
    (
        unset CARGO_UNSTABLE_BUILD_STD
        cargo build --locked --quiet --package hopguard-componentize
    )
    "$target_dir/debug/hopguard-componentize" "$built" "$out.new"
    ;;
*)
    say "COMPONENT_BUILDER=$builder is neither cargo-component nor componentize"
    exit 1
    ;;
esac
rm -f "$built"
put_module "$out.new" "$out"
