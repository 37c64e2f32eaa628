#!/usr/bin/env bash
# Prints a directory with `prometheus` and `promtool` as the last line on stdout; progress goes
# to stderr. Where PATH has both, theirs; else those of Debian's package `prometheus`, unpacked
# at <target>/prometheus/<version> and not installed, for the package would start a service.
# Does nothing when they are there. Two runs at the same time are safe: each unpacks into a
# directory of its own and moves it into place.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

if promtool=$(command -v promtool) && command -v prometheus > /dev/null; then
    dirname "$promtool"
    exit 0
fi

target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/prometheus"
store=$(cd "$target/prometheus" && pwd)
for there in "$store"/*/promtool; do
    [[ -x $there ]] || continue
    dirname "$there"
    exit 0
done

command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null \
    || die "no promtool in PATH, and no apt-get to get it with; install Prometheus (Debian: the package prometheus)"
work=$(mktemp -d "$store/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT

# apt checks the package against Debian's signed lists, which may be missing or of the past.
download() { (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download prometheus >&2); }
if ! download 2> /dev/null; then
    [[ $(id -u) != 0 ]] || apt-get update -qq >&2
    download || die "apt-get could not download the package prometheus"
fi
(deb=("$work"/prometheus_*.deb) && dpkg-deb --extract "${deb[0]}" "$work/package")
mkdir "$work/unpacked"
mv "$work/package/usr/bin/prometheus" "$work/package/usr/bin/promtool" "$work/unpacked/"
version=$("$work/unpacked/promtool" --version | awk 'NR == 1 { print $3 }')
[[ -n $version ]] || die "the downloaded promtool does not run on this machine"

# The other run may have been first.
mv -T "$work/unpacked" "$store/$version" 2> /dev/null || [[ -x $store/$version/promtool ]] \
    || die "could not move Prometheus into $store/$version"
printf '%s\n' "$store/$version"
