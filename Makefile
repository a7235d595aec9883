# adunion. Two commands do everything: `make demo` shows it, `make test` proves it.
# Each target does its own set-up; nothing has to be installed by hand first.

SHELL := /bin/bash
PY := .venv/bin/python
LOCK = $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet pyproject.toml

.PHONY: help demo up test test-long test-fast mutation lint bench load screens lock clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/run  ## a running marketplace from nothing: serve, learn, serve again, report (ONCE=1 stops after the report)
	$(PY) -m adserver demo $(if $(ONCE),--once)

up: .venv/run  ## start the console and one serving worker on your own data in ./var
	$(PY) -m adserver up

# Journeys follow clocks (within two seconds ...), so they have the machine to themselves.
test: .venv/dev servers lint  ## everything CI checks: style, types, import directions, all tests on real servers
	$(PY) -m pytest --numprocesses auto --dist loadfile --ignore tests/journeys
	$(PY) -m pytest tests/journeys

test-long: .venv/dev servers  ## the money state machine with 10,000 sequences of 50 steps
	ADUNION_TEST_MONEY_SEQUENCES=10000 $(PY) -m pytest tests/journeys/test_money_state_machine.py --timeout 0

test-fast: .venv/dev  ## the tests that need no server
	$(PY) -m pytest -q tests/house tests/models tests/ranking tests/affiliate

mutation: .venv/dev  ## flip signs, comparisons and numbers in the rules of money and list what no test notices (minutes)
	$(PY) -m pip install --quiet --editable '.[mutation]'
	rm -rf mutants
	$(PY) -m mutmut run
	$(PY) -m mutmut results

lint: .venv/dev  ## ruff, mypy --strict, import-linter
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

bench: .venv/dev  ## measure what docs/benchmarks.md promises and print a table (ONLY="name name" for some)
	.ci/install-servers wrk
	$(PY) -m loadtest.bench $(ONLY)

load: .venv/dev  ## locust against a running system: its web page is on port 8089
	$(PY) -m locust -f loadtest/locustfile.py --host http://127.0.0.1:8080 --web-host 127.0.0.1

screens: .venv/dev  ## the demo's pages as pictures in docs/screens (minutes)
	.ci/install-servers chromium fonts-noto-cjk
	$(PY) -m tests.screens

lock: .venv/dev  ## re-resolve the pinned versions from pyproject.toml
	$(PY) -m pip install --quiet uv
	$(LOCK) --extra build --output-file requirements.lock
	$(LOCK) --extra dev --output-file requirements-dev.lock

clean:  ## remove the virtual environment, data and caches
	rm -rf .venv var mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

.PHONY: servers
servers:
	.ci/install-servers redis-server clickhouse-server postgresql chromium fonts-noto-cjk

# A stamp file a set-up: remade when the lock file changes.
.venv/run: requirements.lock pyproject.toml
	.ci/setup requirements.lock
	touch $@

.venv/dev: requirements-dev.lock pyproject.toml
	.ci/setup requirements-dev.lock
	touch $@ .venv/run
