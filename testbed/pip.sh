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
