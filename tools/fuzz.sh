#!/usr/bin/env bash
# Fuzzes each target in turn, or those named as arguments, for FUZZ_SECONDS (60) each. Says what
# came of it; stops at the first find, and leaves the input in target/fuzz/artifacts.
#
#   FUZZ_SANITIZER=address|none   AddressSanitizer; by default where this toolchain has it
#   FUZZ_MERGE=1                  afterwards keep in fuzz/corpus what covers more than it did
#
# Why without cargo-fuzz: fuzz/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")/fuzz

say() { printf 'fuzz: %s\n' "$*" >&2; }

# libFuzzer is C++.
if ! command -v c++ >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing g++"
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends g++ >&2
    else
        say "missing; install it and try again: g++ (a C++ compiler, named c++)"
        exit 1
    fi
fi

host=$(rustc -vV | sed -n 's/^host: //p')
sanitizer=${FUZZ_SANITIZER:-}
if [ -z "$sanitizer" ]; then
    runtime=$(find "$(rustc --print target-libdir)" -name 'librustc*_rt.asan.a' -print -quit)
    if [ -n "$runtime" ]; then sanitizer=address; else sanitizer=none; fi
fi

# What cargo-fuzz passes: edges are counted, comparisons are told to libFuzzer.
flags=(-Cpasses=sancov-module --cfg fuzzing)
for argument in -sanitizer-coverage-level=4 -sanitizer-coverage-inline-8bit-counters \
    -sanitizer-coverage-pc-table -sanitizer-coverage-trace-compares; do
    flags+=("-Cllvm-args=$argument")
done
case $sanitizer in
address)
    # The one unstable flag; the stable compiler has what is behind it.
    export RUSTC_BOOTSTRAP=1
    flags+=(-Zsanitizer=address)
    ;;
none) say "this toolchain has no AddressSanitizer: memory errors in dependencies may go unseen" ;;
*)
    say "FUZZ_SANITIZER=$sanitizer is neither address nor none"
    exit 1
    ;;
esac

all=()
for file in fuzz/fuzz_targets/*.rs; do all+=("$(basename "$file" .rs)"); done
targets=("${@:-${all[@]}}")

say "building ($(rustc --version), sanitizer: $sanitizer)"
# With --target, the flags are not those of build scripts.
RUSTFLAGS="${flags[*]}" cargo build --locked --quiet --release --bins \
    --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$target_dir"

# libFuzzer's last words: #N DONE cov: EDGES ft: FEATURES corp: INPUTS/BYTES …
summary() {
    local log=$1 done words
    done=$(grep -aE '[[:space:]]DONE[[:space:]]' "$log" | tail -1)
    words=$(sed -nE 's/^#([0-9]+)[^c]*cov: ([0-9]+) ft: ([0-9]+) corp: ([0-9]+).*/\1 executions, \2 edges, \3 features, \4 inputs/p' <<<"$done")
    printf '%s' "${words:-no summary}"
}

# Adds to the committed corpus the few inputs that together cover what it does not: small ones,
# and by edges alone, for it is to stay small.
merge() {
    local name=$1 binary=$2 corpus=$3 small
    small=$(mktemp -d)
    find "$corpus" -type f -size -1025c -exec cp -t "$small" {} +
    "$binary" -set_cover_merge=1 -use_counters=0 "fuzz/corpus/$name" "$small"
    rm -rf "$small"
}

mkdir -p "$target_dir/log"
for index in "${!targets[@]}"; do
    name=${targets[$index]}
    binary=$target_dir/$host/release/$name
    corpus=$target_dir/corpus/$name
    artifacts=$target_dir/artifacts/$name
    log=$target_dir/log/$name.txt
    [ -x "$binary" ] || { say "there is no target $name"; exit 1; }
    mkdir -p "$corpus" "$artifacts" "fuzz/corpus/$name"
    say "$name ($((index + 1)) of ${#targets[@]}) for $seconds s"
    options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048
        -artifact_prefix="$artifacts/" -print_final_stats=1)
    [ -f "fuzz/dictionaries/$name.dict" ] && options+=(-dict="fuzz/dictionaries/$name.dict")
    if ! "$binary" "${options[@]}" "$corpus" "fuzz/corpus/$name" 2>&1 \
        | tee "$log" | { grep -aE --line-buffered '^#[0-9]+[[:space:]]+(pulse|INITED)' >&2 || true; }; then
        tail -40 "$log" >&2
        say "$name FAILED; again: $binary $artifacts/…"
        exit 1
    fi
    say "$name: $(summary "$log")"
    if [ "${FUZZ_MERGE:-0}" = 1 ]; then
        merge "$name" "$binary" "$corpus" >>"$log" 2>&1
        say "$name: $(find "fuzz/corpus/$name" -type f | wc -l) inputs are in fuzz/corpus/$name"
    fi
done
say "nothing found"
