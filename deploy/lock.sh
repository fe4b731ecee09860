#!/usr/bin/env bash
# Turns requirements/*.in into requirements/*.lock, by hash and without naming any index.
#   lock.sh            keep the versions that are locked, add what is missing
#   lock.sh --upgrade  take the newest versions allowed
#   lock.sh --check    change nothing; fail when a lock does not answer its .in file
# Later locks are held to the earlier ones, so one environment can hold them all.
set -euo pipefail
cd "$(dirname "$0")/../requirements"

mode="${1:-}"
case "$mode" in "" | --check | --upgrade) ;; *) echo "usage: lock.sh [--check | --upgrade]" >&2; exit 2 ;; esac

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp ./*.in ./*.lock "$work"/ 2>/dev/null || true

resolve() { # resolve NAME [OPTION...]
    local name="$1"
    shift
    [[ "$mode" == --check ]] || echo "lock: $name"
    (cd "$work" && uv pip compile "$name.in" --output-file "$name.lock" --quiet --generate-hashes \
        --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
        ${mode/--check/} "$@")
}

resolve installer
resolve runtime
resolve local --constraint runtime.lock
resolve dev --constraint runtime.lock --constraint local.lock
resolve models --no-deps

# Hashes are left out of the check: an index may add a file to a version long after it was locked.
pins() { grep --invert-match '^ *--hash=' "$1"; }

if [[ "$mode" == --check ]]; then
    for lock in "$work"/*.lock; do
        if ! diff <(pins "$lock") <(pins "$(basename "$lock")") >&2; then
            echo "lock: requirements/$(basename "$lock") does not answer its .in file; run deploy/lock.sh" >&2
            exit 1
        fi
    done
else
    cp "$work"/*.lock .
fi
