#!/usr/bin/env bash
# Draws docs/dashboard.png: the queries of observability/hopguard-dashboard.json, answered by a
# real Prometheus that watched the demo's Envoy for DASHBOARD_SECONDS (300) of the demo's
# traffic. Drawn with matplotlib: Grafana, which is not needed here, would lay it out itself.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
prometheus=$(testbed/prometheus/fetch.sh)
venv=$target/dashboard-picture
[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check install --quiet \
    --requirement tools/dashboard-picture/requirements.txt >&2
cargo build --locked --quiet -p hopguard-testbed --example demo

exec "$venv/bin/python" tools/dashboard-picture/draw.py \
    --demo "$target/debug/examples/demo" \
    --prometheus "$prometheus/prometheus" \
    --seconds "${DASHBOARD_SECONDS:-300}" \
    --picture "${DASHBOARD_PICTURE:-docs/dashboard.png}"
