#!/usr/bin/env bash
# Runs the tests in a real Envoy, in each version of testbed/envoy/versions or in those named as
# arguments, and says of each how many passed, failed and were skipped, and for want of what.
# TESTS is a filter of tests. Logs are left in <target>/matrix.
set -euo pipefail
cd "$(dirname "$0")/.."
target_dir=${CARGO_TARGET_DIR:-target}
logs=$target_dir/matrix
mkdir -p "$logs"

if [[ -n ${ENVOY:-} ]]; then
    echo "test-matrix: ENVOY names one Envoy, and there are to be several; unset it" >&2
    exit 2
fi
if [[ $# -gt 0 ]]; then
    versions=("$@")
else
    mapfile -t versions < <(awk '!/^#/ && NF && !seen[$1]++ { print $1 }' testbed/envoy/versions)
fi

for version in "${versions[@]}"; do
    testbed/envoy/fetch.sh "$version" >/dev/null
done
cargo test --locked --quiet --package hopguard --test envoy --no-run

failed=0
for version in "${versions[@]}"; do
    log=$logs/$version.log
    echo "test-matrix: Envoy $version; log in $log" >&2
    ENVOY_VERSION=$version cargo test --locked --quiet --package hopguard --test envoy -- \
        --format pretty ${TESTS:+"$TESTS"} >"$log" 2>&1 || failed=1
    # A test that was skipped has passed for the harness.
    awk -v version="$version" '
        /SKIPPED [a-z]/ { skipped++; match($0, /lacks [A-Za-z]+/); lacks[substr($0, RSTART + 6, RLENGTH - 6)]++ }
        /^test result: / { results++; passed += $4; wrong += $6 }
        END {
            printf "Envoy %s: %d passed, %d failed, %d skipped", version, passed - skipped, wrong, skipped
            separator = " for want of "
            for (name in lacks) { printf "%s%s (%d)", separator, name, lacks[name]; separator = ", " }
            print ""
            exit results == 0
        }' "$log" || { tail -20 "$log" >&2; failed=1; }
    grep -E '\.\.\. FAILED$' "$log" || true
done
exit "$failed"
