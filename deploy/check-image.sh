#!/usr/bin/env bash
# Runs the image's install steps in a temporary folder, on the files that the image would get,
# and asks the result for every command that docker-compose.yml starts.
set -euo pipefail
cd "$(dirname "$0")/.."

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir "$work/app" "$work/home"

mapfile -t wanted < <(sed -n 's/^!//p' .dockerignore)
git ls-files -z --cached --others --exclude-standard -- "${wanted[@]}" \
    | tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory "$work/app"

"$work/app/deploy/install-image.sh" "$work/environment" runtime local

conclave() {
    (cd / && env -i HOME="$work/home" PATH="$work/environment/bin:/usr/bin:/bin" PYTHONPATH="$work/app" \
        PYTHONDONTWRITEBYTECODE=1 conclave "$@")
}

conclave --version
for command in migrate api worker host health; do
    conclave "$command" --help >"$work/help" || { echo "check: the image cannot run 'conclave $command'" >&2; exit 1; }
done
