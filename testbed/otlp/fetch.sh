#!/usr/bin/env bash
# The packages that decode OTLP: see fetch_packages in ../pip.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../pip.sh"
fetch_packages "$here" "OpenTelemetry's messages for Python" --platform any
