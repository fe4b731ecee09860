#!/usr/bin/env bash
# Reads docker-compose.yml with a compose implementation: it must be accepted with the folder of secrets named,
# and refused without it. No container engine is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

compose() { podman-compose --dry-run --file docker-compose.yml "$@"; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
deploy/make-secrets.sh "$work/secrets" >/dev/null

if CONCLAVE_SECRETS='' compose config --quiet >"$work/output" 2>&1; then
    echo "compose: docker-compose.yml is accepted without secrets" >&2
    exit 1
fi
CONCLAVE_SECRETS="$work/secrets" compose config --quiet >"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }
