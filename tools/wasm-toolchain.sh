# shellcheck shell=bash
# Sourced at the root of the repository by what builds WebAssembly. Chooses the
# toolchain, with whatever Rust this machine has:
#   rustup   the wasm32-unknown-unknown target, added where it is missing;
#   distro   the distribution's Rust with its library sources (Debian: rustc-web,
#            cargo-web, rust-web-src, lld-19), where rustup is missing or offline.
# WASM_TOOLCHAIN=rustup|distro forces one. Sets `triple`, `wasm_dir` (where the
# modules go) and `target_dir` (where cargo builds), and cargo's environment.

target_dir=${CARGO_TARGET_DIR:-target}
wasm_dir=$target_dir/wasm
triple=wasm32-unknown-unknown
distro_packages="rustc-web cargo-web rust-web-src lld-19"

say() { printf 'wasm: %s\n' "$*" >&2; }

has_rustup_target() {
    command -v rustup >/dev/null || return 1
    rustup target list --installed 2>/dev/null | grep -qx "$triple" && return 0
    say "adding the rustup target $triple"
    timeout 180 rustup target add "$triple" >&2
}

has_distro_rust() {
    [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src ] || [ -d "$(/usr/bin/rustc --print sysroot 2>/dev/null)/lib/rustlib/src" ] || return 1
    command -v wasm-ld-19 >/dev/null
}

install_distro_rust() {
    has_distro_rust && return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "neither rustup's target $triple nor the distribution's Rust is here; install one:"
        say "    rustup target add $triple"
        say "    sudo apt-get install --no-install-recommends $distro_packages"
        return 1
    fi
    say "installing $distro_packages"
    apt-get update -qq >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $distro_packages >&2
}

toolchain=${WASM_TOOLCHAIN:-}
if [ -z "$toolchain" ]; then
    if has_rustup_target; then toolchain=rustup; else toolchain=distro; fi
fi
case $toolchain in
rustup)
    has_rustup_target || { say "rustup has no target $triple, and could not add it"; exit 1; }
    ;;
distro)
    install_distro_rust
    export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19
    # The library is built along; its sources are the distribution's.
    export CARGO_UNSTABLE_BUILD_STD=std,panic_abort
    # Not in one folder with rustup's: the compilers differ.
    target_dir=$target_dir/distro
    export CARGO_TARGET_DIR=$target_dir
    ;;
*)
    say "WASM_TOOLCHAIN=$toolchain is neither rustup nor distro"
    exit 1
    ;;
esac
say "toolchain: $toolchain ($(rustc --version))"

# No path of this machine may be in a module: two machines, the same bytes.
sysroot=$(rustc --print sysroot)
remap="--remap-path-prefix=$PWD=/hopguard --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$sysroot=/rust"
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$remap"

# A finished module in its place, at once: nobody reads half of one.
put_module() {
    mkdir -p "$(dirname "$2")"
    [ "$1" = "$2.new" ] || cp "$1" "$2.new"
    mv "$2.new" "$2"
    say "$2: $(stat -c %s "$2") bytes, SHA-256 $(sha256sum "$2" | cut -d' ' -f1)"
}
