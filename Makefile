# The commands of the project. Needs Python 3.11+ and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet install --no-deps

.PHONY: help setup demo test lint lint-python lint-sql format quick unit soak benchmark screenshots lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Make .venv with the pinned packages and the command incident-ledger

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (once, a minute or two) ..."
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| { echo "Python 3.11, 3.12 or 3.13 is needed; name it: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.lock
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup ## Generate 90 days of data, run the main job on the local warehouse, show the result
	@$(BIN)/incident-ledger demo

test: lint unit ## Everything that CI runs

lint: $(VENV)/.ready-dev ## Format, lint, types, and the project parsed with warnings as errors
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint-python lint-sql

lint-python: $(VENV)/.ready-dev
	@$(BIN)/ruff format --check scripts tests/python
	@$(BIN)/ruff check scripts tests/python
	@$(BIN)/mypy
	@$(BIN)/yamllint --strict .

lint-sql: $(VENV)/.ready-dev
	@$(BIN)/sqlfluff lint --disable-progress-bar --processes 2 models tests/dbt analyses
	@$(BIN)/dbt --quiet --warn-error parse --no-partial-parse

format: $(VENV)/.ready-dev ## Put every file into form
	@$(BIN)/ruff format scripts tests/python
	@$(BIN)/ruff check --fix scripts tests/python
	@$(BIN)/sqlfluff fix --disable-progress-bar models tests/dbt analyses

quick: $(VENV)/.ready-dev ## The tests that need no whole process (no server, no dbt): under two minutes
	@$(BIN)/python -m pytest -m "not soak and not process" --numprocesses 2 --durations 5

# One more than two cores, since a test waits for its server now and then; each takes 1.5 GiB with its server.
WORKERS = $(shell $(PYTHON) -c 'import os; print(min(6, max(3, os.cpu_count() or 1)))')

unit: $(VENV)/.ready-dev ## All tests
	@$(BIN)/python -m pytest -m "not soak" --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 15

soak: $(VENV)/.ready-dev ## What takes long: 20 kills, 10,000 hostile files, all expressions and incidents on two engines
	@$(BIN)/python -m pytest -m soak

benchmark: $(VENV)/.ready-dev ## Measure the ratios that README quotes
	@$(BIN)/python scripts/benchmark

screenshots: setup ## Make the pictures of README again, from the demo (needs Chromium)
	@INCIDENT_LEDGER_LOCAL_DIR=$(PICTURES) $(BIN)/incident-ledger demo --date 2026-03-05 >/dev/null
	@INCIDENT_LEDGER_LOCAL_DIR=$(PICTURES) $(BIN)/incident-ledger warehouse stop >/dev/null
	@for page in system-health incident-review; do \
		chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --window-size=1440,1150 --virtual-time-budget=3000 \
			--screenshot=$(CURDIR)/analyses/pictures/$$page.png file://$(PICTURES)/pages/$$page.html 2>/dev/null || exit 1; \
	done

PICTURES := $(CURDIR)/target/pictures

lock: ## Pin the newest packages that fit pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra build --extra dev --output-file requirements-dev.lock $(LOCK)
	uv pip compile pyproject.toml --extra build --constraint requirements-dev.lock --output-file requirements.lock $(LOCK)

LOCK := --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate --upgrade --quiet

clean: ## Remove what the commands made (not .local, which holds data)
	@rm -rf target logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
