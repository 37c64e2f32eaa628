#!/usr/bin/env bash
# Licences, sources, banned and doubled crates, by cargo-deny: of the module (strictly), and of
# the whole workspace. Needs no network once the crates are fetched. Advisories besides, where
# RustSec's database can be fetched: DENY_ADVISORIES=required fails where it cannot, and
# DENY_ADVISORIES=off does without.
set -euo pipefail
cd "$(dirname "$0")/.."
deny=$(tools/deny/fetch.sh)
say() { printf 'deny: %s\n' "$*" >&2; }

# No check that cannot fail: ring, which the module may not have, is in the workspace, and has to
# be found there by the same bans.
found=$("$deny" --locked --workspace --config tools/deny/module.toml check bans 2>&1 || true)
if ! grep -q "crate 'ring = .*' is explicitly banned" <<<"$found"; then
    say "the bans of tools/deny/module.toml do not find ring where it is"
    exit 1
fi

say "the module"
"$deny" --locked --config tools/deny/module.toml check licenses bans sources
say "the workspace"
"$deny" --locked --workspace --config deny.toml check licenses bans sources

case ${DENY_ADVISORIES:-} in
    off) exit 0 ;;
    required | "") ;;
    *) say "DENY_ADVISORIES is none of: required, off"; exit 2 ;;
esac
if "$deny" --locked --workspace --config deny.toml fetch db >/dev/null 2>&1; then
    say "advisories"
    "$deny" --locked --workspace --config deny.toml check --disable-fetch advisories
elif [[ ${DENY_ADVISORIES:-} == required ]]; then
    say "the database of advisories cannot be fetched"
    exit 1
else
    say "advisories NOT checked: their database cannot be fetched from here"
fi
