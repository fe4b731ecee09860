#!/usr/bin/env bash
# Makes the secrets that docker-compose.yml asks for, at random, in a folder that only its owner can enter.
#   make-secrets.sh FOLDER
# The files in it are readable by all, because the containers read them as another user than yours.
set -euo pipefail

folder="${1:?usage: make-secrets.sh FOLDER}"
[[ ! -e "$folder" ]] || { echo "make-secrets: $folder is already there; nothing changed" >&2; exit 1; }

random() { od --address-radix=n --format=x1 --read-bytes=32 /dev/urandom | tr --delete ' \n'; }

umask 077
mkdir -p "$folder"
password="$(random)"
printf '%s' "$password" >"$folder/postgres_password"
printf 'postgresql://conclave:%s@postgres:5432/conclave' "$password" >"$folder/database_url"
random >"$folder/key_pepper"
chmod 0444 "$folder"/*
echo "make-secrets: wrote $folder; start with: CONCLAVE_SECRETS=$folder docker compose up"
