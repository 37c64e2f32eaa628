#!/usr/bin/env bash
# wasmtime and its binding to Python: see fetch_packages in ../pip.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../pip.sh"
fetch_packages "$here" "wasmtime"
