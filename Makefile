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
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{ printf "%-8s %s\n", $$1, $$2 }'

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

NPM_CI := PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent --prefer-offline

server/graphiql/dist/.stamp: $(wildcard server/graphiql/*.* server/graphiql/.npmrc server/graphiql/src/*) | .venv/.stamp
	$(NPM_CI) --prefix server/graphiql
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent --prefix server/graphiql build
	@touch $@

.PHONY: web
web: server/graphiql/dist/.stamp ## the GraphiQL page the server serves

tests/browser/.chromium/.stamp: tests/browser/package-lock.json tests/browser/.npmrc tests/browser/unpack.mjs | .venv/.stamp
	$(NPM_CI) --prefix tests/browser
	$(BIN)/node tests/browser/unpack.mjs
	@touch $@

.PHONY: browser
browser: $(if $(wildcard /usr/bin/chromium),,tests/browser/.chromium/.stamp) ## the browser tests drive, where Debian's chromium is not installed

tests/npm/node_modules/.stamp: tests/npm/package-lock.json tests/npm/.npmrc | .venv/.stamp
	$(NPM_CI) --prefix tests/npm
	@touch $@

.PHONY: peers
peers: tests/npm/node_modules/.stamp ## the npm packages tests check us against: audits, composition, a gateway

.PHONY: locks
locks: .bootstrap/.stamp ## resolve the locks anew from pyproject.toml (UPGRADE=1 takes newer releases)
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command 'make locks' $(if $(UPGRADE),--upgrade) pyproject.toml

# -- what a person runs ---------------------------------------------------------------------------------------

.PHONY: demo
demo: venv web ## run the product over a simulated distributor, at 127.0.0.1:8000 (PORT overrides)
	@exec $(BIN)/crossdock demo

.PHONY: token
token: venv ## print a bearer token of the running demo: make -s token PERSONA=buyer
	@$(BIN)/crossdock token $(or $(PERSONA),buyer)

.PHONY: schema
schema: venv ## write schema.graphql from the code
	$(BIN)/crossdock schema > schema.graphql.new
	@mv schema.graphql.new schema.graphql

.PHONY: events
events: venv ## write docs/events.md and docs/asyncapi.json from the code
	$(BIN)/python -c 'from ingest.event_page import page; print(page(), end="")' > docs/events.md
	$(BIN)/python -c 'from json import dumps; from ingest.event_asyncapi import asyncapi; print(dumps(asyncapi(), indent=2))' > docs/asyncapi.json

# -- checks ---------------------------------------------------------------------------------------------------

PRODUCT := $(wildcard domain sources store resolvers engine ingest graph server)
CHECKED := $(PRODUCT) $(wildcard examples benchmarks tests)

.PHONY: lint
lint: venv types ## style, types, layers, dependencies, schema and deployment files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/crossdock schema --check
	$(BIN)/hadolint Dockerfile

.PHONY: types
types: venv ## mypy --strict
	$(BIN)/mypy $(CHECKED)

.PHONY: format
format: venv ## rewrite the Python to the one style
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: test
test: venv web browser peers ## every test but the soak, on two cores
	$(BIN)/pytest -n 2 --dist loadscope

.PHONY: soak
soak: venv web ## minutes of load on the whole product
	$(BIN)/pytest -m soak

.PHONY: bench
bench: venv ## upstream calls and CPU per example query
	$(BIN)/python -m benchmarks

.PHONY: clean
clean: ## remove what make made
	rm -rf .bootstrap .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache server/graphiql/dist tests/browser/.chromium
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +
