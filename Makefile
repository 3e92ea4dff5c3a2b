# Every target sets up what it needs in a clean clone: Python 3.11, pip and make are all it counts on.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

export UV_PYTHON_DOWNLOADS := never
UV := .bootstrap/bin/uv
BIN := .venv/bin

.PHONY: help
help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

# -- set-up, each behind a stamp ------------------------------------------------------------------------------

.bootstrap/.stamp: bootstrap.lock
	@rm -rf .bootstrap
	python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --root-user-action=ignore --require-hashes --target .bootstrap -r bootstrap.lock
	@touch $@

.venv/.stamp: .bootstrap/.stamp requirements-dev.lock pyproject.toml
	@test -x $(BIN)/python || $(UV) venv --quiet --python python3 .venv
	$(UV) pip sync --quiet --require-hashes requirements-dev.lock
	$(UV) pip install --quiet --no-deps --editable .
	@touch $@

.PHONY: venv
venv: .venv/.stamp ## the Python environment, from the lock

.PHONY: locks
locks: .bootstrap/.stamp ## resolve the locks anew from pyproject.toml (UPGRADE=1 takes newer releases)
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make locks' $(if $(UPGRADE),--upgrade) pyproject.toml
