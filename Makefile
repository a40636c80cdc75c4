# Everything a newcomer needs: `make demo` to see it work, `make test` to check it. `make help` lists the rest.

# python3.11 where there is one, else python3; or say it yourself: make setup PYTHON=/usr/bin/python3.12
PYTHON ?= $(firstword $(foreach name,python3.11 python3,$(if $(shell command -v $(name)),$(name))) python3.11)
# uv makes the lock file, nothing else; installing takes pip, which comes with Python.
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin

DEMO_ARGS ?=
TEST_ARGS ?=
RUN_ARGS ?=
BENCH_ARGS ?=
SIMULATE_ARGS ?=
CHAOS_ARGS ?=
FUZZ_ARGS ?=
DEFECTS_ARGS ?=
# Two workers keep a small machine busy without starving the real processes that some tests start.
TEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo run test bench fuzz simulate defects chaos lint format audit lock clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(VENV)/.installed ## Make .venv with everything in it; quick when nothing changed

demo: setup ## Simulated stores and customers, ending in a verdict: make demo DEMO_ARGS="--headless --minutes 1"
	@$(BIN)/syncd demo $(DEMO_ARGS)

run: setup ## The daemon, in SYNCD_DIR or here; made with `syncd init` when there is no config.toml yet
	@home="$${SYNCD_DIR:-.}"; test -f "$$home/config.toml" || $(BIN)/syncd --dir "$$home" init
	@exec $(BIN)/syncd --dir "$${SYNCD_DIR:-.}" run $(RUN_ARGS)

test: setup ## All tests: make test TEST_ARGS="tests/domain -k refund"
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) $(TEST_ARGS)

bench: setup ## Calls and seconds of the usual work
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

simulate: setup ## Long random histories with faults: make simulate SIMULATE_ARGS=...
	@$(BIN)/python -m tests.simulation $(SIMULATE_ARGS)

defects: setup ## Plant known defects one by one and see what catches each: make defects DEFECTS_ARGS=...
	@$(BIN)/python -m tests.defects $(DEFECTS_ARGS)

chaos: setup ## Kill, cut and fill up the real processes: make chaos CHAOS_ARGS=...
	@$(BIN)/python -m tests.chaos $(CHAOS_ARGS)

fuzz: setup ## Mutated messages at every parser and address: make fuzz FUZZ_ARGS="--seconds 600"
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

lint: setup ## ruff, ruff format, mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup ## Put the code into shape
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

audit: setup ## Ask the advisory database about every pinned version (needs the network)
	@$(BIN)/pip-audit --require-hashes --disable-pip -r requirements.lock

lock: ## Pin every dependency anew, with hashes, for every platform (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: install it with 'pipx install uv', or say UV=/path/to/uv." >&2; exit 1; }
	@$(UV) pip compile $(LOCK_ARGS) pyproject.toml -o requirements.lock
	@$(UV) pip compile $(LOCK_ARGS) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
LOCK_ARGS := --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

clean: ## Remove what `make setup` and the tests made
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .coverage

# The virtualenv follows the lock, the project's own metadata follow pyproject.toml.
$(VENV)/.locked: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "syncd needs Python 3.11 or newer: install it (Debian, Ubuntu: apt install python3.11 python3.11-venv), or say which one to take: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make a virtualenv: install its venv package (Debian, Ubuntu: apt install python3-venv), or say which Python to take: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing into $(VENV) (about a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
