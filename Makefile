# The verbs of the project. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.conclave-setup
LOCKS := $(addprefix requirements/,installer.lock runtime.lock local.lock dev.lock models.lock)
export UV_HTTP_TIMEOUT ?= 300

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(STAMP) ## Make .venv and install everything in it, known by hash (nothing to do the second time)

$(STAMP): $(LOCKS) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "setup: Conclave needs Python 3.11 or newer and '$(PYTHON)' is not; try: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11" >&2; exit 1; }
	@if [ ! -x $(BIN)/python ]; then echo "setup 1/4: a new environment in $(VENV)"; $(PYTHON) -m venv $(VENV); fi
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then $(BIN)/python -m ensurepip >/dev/null; fi
	@echo "setup 2/4: the installer"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.lock
	@echo "setup 3/4: libraries, servers and three small models (about 2.5 GB to fetch the first time; minutes)"
	@$(BIN)/uv pip sync --no-build-isolation --python $(BIN)/python --require-hashes $(LOCKS)
	@echo "setup 4/4: conclave itself, editable"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "setup: done"

.PHONY: demo
demo: setup ## Start the service, ask it two real questions, stop it
	@$(BIN)/conclave demo

.PHONY: serve
serve: setup ## Start the service on this machine; Ctrl-C stops it
	@$(BIN)/conclave serve

.PHONY: test
test: setup ## Run every test
	@$(BIN)/python -m pytest

.PHONY: check
check: setup ## Format, lint, types, layers, locks, compose file and image steps
	@echo "check: format"  && $(BIN)/ruff format --check .
	@echo "check: lint"    && $(BIN)/ruff check .
	@echo "check: types"   && $(BIN)/mypy
	@echo "check: layers"  && $(BIN)/lint-imports
	@echo "check: locks"   && PATH="$(CURDIR)/$(BIN):$$PATH" deploy/lock.sh --check
	@echo "check: compose" && PATH="$(CURDIR)/$(BIN):$$PATH" deploy/check-compose.sh
	@echo "check: image"   && PATH="$(CURDIR)/$(BIN):$$PATH" deploy/check-image.sh

.PHONY: fmt
fmt: setup ## Format and mend what lint can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure, and show each figure beside its aim
	@$(BIN)/conclave bench all

.PHONY: docs
docs: setup ## Check that the documents point at things that exist
	@$(BIN)/python -m pytest --quiet tests/architecture/test_docs.py

.PHONY: lock
lock: setup ## Resolve requirements/*.in anew into requirements/*.lock
	@PATH="$(CURDIR)/$(BIN):$$PATH" deploy/lock.sh --upgrade
