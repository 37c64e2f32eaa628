#!/usr/bin/env bash
# Has what the tests of pushed images need: a registry (Debian's docker-registry, unpacked to
# <target>/registry, since installed it would start a service) and skopeo. Prints the path of
# the registry as the last line on stdout; progress goes to stderr. Does nothing when both are
# there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../pip.sh"

target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/registry"
store=$(cd "$target/registry" && pwd)

command -v skopeo > /dev/null || apt_install skopeo

if command -v docker-registry; then
    exit 0
fi
binary=$store/docker-registry
if [[ ! -x $binary ]]; then
    command -v apt-get > /dev/null || die "no docker-registry here (Debian: docker-registry)"
    work=$(mktemp -d "$store/.fetch-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    say "downloading docker-registry"
    cd "$work"
    # Where the lists are old or missing, they are fetched and it is tried again.
    apt-get download -qq docker-registry >&2 2> /dev/null || {
        DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
        apt-get download -qq docker-registry >&2
    }
    dpkg -x docker-registry_*.deb unpacked
    mv unpacked/usr/bin/docker-registry "$binary"
fi
printf '%s\n' "$binary"
