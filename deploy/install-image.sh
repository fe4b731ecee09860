#!/usr/bin/env bash
# Installs Conclave into an environment of its own, every package known by hash.
#   install-image.sh ENVIRONMENT LOCK...     for example: install-image.sh /opt/conclave runtime local
# The Dockerfile runs it, and so does `make check`, which has no container engine to build with.
set -euo pipefail

app="$(cd "$(dirname "$0")/.." && pwd)"
environment="${1:?usage: install-image.sh ENVIRONMENT LOCK...}"
shift
(($# > 0)) || { echo "usage: install-image.sh ENVIRONMENT LOCK..." >&2; exit 2; }

locks=("$app/requirements/installer.lock")
for name in "$@"; do
    locks+=("$app/requirements/$name.lock")
done
python="$environment/bin/python"

"${PYTHON:-python3}" -m venv "$environment"
"$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "${locks[0]}"
"$environment/bin/uv" pip sync --quiet --python "$python" --no-build-isolation --require-hashes "${locks[@]}"
"$environment/bin/uv" pip install --quiet --python "$python" --no-deps --no-build-isolation --editable "$app"
# What installs has no place in what runs.
"$environment/bin/uv" pip uninstall --quiet --python "$python" pip setuptools uv
