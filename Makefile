# ML Studio. `make help` explains every command. Needs Python 3.11 or newer and make, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help

FIND_PYTHON := for name in python3.11 python3.12 python3.13 python3 python; do \
  "$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$name" && break; done
PYTHON ?= $(shell $(FIND_PYTHON))
COMPOSE ?= docker compose
ARGS ?=
WORKERS ?= 2
BIN := .venv/bin
READY := .venv/.ready
MODULES := cerberus studio mlflow pages tests

.PHONY: help
help: ## Explain every command
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(READY) ## Make the virtual environment .venv from requirements.lock (once; quick afterwards)

# uv installs the locked set in seconds; where it cannot (an index that only pip is set up for), pip does the same.
$(READY): requirements.lock pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "ML Studio needs Python 3.11 or newer with its venv module: install it (Debian: apt install python3.11-venv), or name one with PYTHON=/path/to/python3.11"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || { echo "Making the virtual environment .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; }
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	@echo "Installing the packages of requirements.lock (each checked by its hash)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.lock 2>.venv/pip.log || { cat .venv/pip.log; exit 1; }
	@$(BIN)/uv pip sync -q --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock 2>.venv/uv.log \
	  || { echo "uv could not, trying pip"; $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/uv pip install -q --python $(BIN)/python --offline --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: run
run: $(READY) ## Start Cerberus, MLflow and Studio here, with demo data at the first start
	@$(BIN)/python -m studio.local run

.PHONY: demo
demo: $(READY) ## Fill the running ML Studio with demo people, projects and runs (no duplicates)
	@$(BIN)/python -m studio.local demo

.PHONY: test
test: $(READY) ## Run the tests; says at the end what it left out (ARGS="-k name" chooses)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: check
check: $(READY) ## Lint, types and import rules
	@$(BIN)/ruff check $(MODULES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: e2e
e2e: $(READY) ## Only the tests that drive a browser (needs Chromium)
	@MLSTUDIO_REQUIRE=browser $(BIN)/python -m pytest -m browser $(ARGS)

.PHONY: bench
bench: $(READY) ## Measure permission checks, a big organisation, what access control costs MLflow (ARGS=--markdown), and if time tells
	@PYTHONPATH=. $(BIN)/python tests/bench/scale.py
	@$(BIN)/python tests/bench/tracking.py $(ARGS)
	@$(BIN)/python tests/bench/telling.py

.PHONY: soak
soak: $(READY) ## Let 50 clients log for ten minutes: answers, times, memory (ARGS="--minutes 2")
	@$(BIN)/python tests/bench/soak.py $(ARGS)

.PHONY: clients
clients: $(READY) ## Try ordinary MLflow clients of three versions on the server, each in an environment of its own (minutes)
	@$(BIN)/python tests/clients/run.py $(ARGS)

# One lock for development, and one an image: the same versions, without what only the others or the tests need.
COMPILE = $(BIN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" -q

.PHONY: lock
lock: $(READY) ## Resolve the requirements.lock files anew from pyproject.toml (UPGRADE=1 takes newer versions)
	@$(COMPILE) --all-extras --universal $(if $(UPGRADE),--upgrade) -o requirements.lock
	@$(COMPILE) --python-platform linux -c requirements.lock --extra build -o cerberus/requirements.lock
	@$(COMPILE) --python-platform linux -c requirements.lock --extra build --extra mlflow -o mlflow/requirements.lock
	@$(COMPILE) --python-platform linux -c requirements.lock --extra build --extra studio -o studio/requirements.lock

.PHONY: secrets
secrets: ## Make the passwords that the containers use, in .data/secrets (kept if there)
	@$(PYTHON) -m studio.local.secret_files

.PHONY: up
up: secrets ## Build and start everything in containers (Docker), and print the addresses
	@$(COMPOSE) up --detach --build --wait
	@$(PYTHON) -m studio.local.secret_files --addresses

.PHONY: down
down: ## Stop the containers; what they stored stays
	@$(COMPOSE) down

.PHONY: clean
clean: ## Remove the virtual environment and caches; the data directory stays
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .bench .clients
	@find . -name __pycache__ -type d -not -path './.data/*' -prune -exec rm -rf {} +
