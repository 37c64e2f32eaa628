#!/usr/bin/env bash
# Puts the Python packages of requirements.txt at <target>/otlp/<hash of that file> and prints
# that path as the last line on stdout; progress goes to stderr. Does nothing when they are
# there. Two runs at the same time are safe: each unpacks into a directory of its own and
# moves it into place.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../pip.sh"

target=${CARGO_TARGET_DIR:-$here/../../target}
mkdir -p "$target/otlp"
store=$(cd "$target/otlp" && pwd)
hash=$(sha256sum "$here/requirements.txt")
packages=$store/${hash:0:16}
if [[ -d $packages ]]; then
    printf '%s\n' "$packages"
    exit 0
fi

work=$(mktemp -d "$store/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT
find_python "$work"

say "downloading OpenTelemetry's messages for Python"
pip_download "$work" "$here/requirements.txt" --platform any \
    || die "pip could not download what $here/requirements.txt pins"

"$python" - "$work" <<'PYTHON' >&2
import compileall, glob, sys, zipfile
work = sys.argv[1]
for wheel in glob.glob(work + "/*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work + "/unpacked")
compileall.compile_dir(work + "/unpacked", quiet=1)
PYTHON

# The other run may have been first; its packages have the same hashes as ours.
mv -T "$work/unpacked" "$packages" 2> /dev/null || [[ -d $packages ]] \
    || die "could not move the packages to $packages"
printf '%s\n' "$packages"
