# ENNU migration workbook. `make` alone lists what there is. Needs Python 3.11 and make, nothing else of ours.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
RUN ?= params/runs/demo.yml
SYNTHEA ?=
SLOW ?=
export UV_COMPILE_BYTECODE := 1

.PHONY: help setup migrate synthea lab test bench lint lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## Create .venv with the pinned, hash-checked dependencies; the command is .venv/bin/ennu

$(VENV)/.ready: requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "needs Python 3.11; set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.bench: $(VENV)/.ready requirements-bench.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-bench.lock
	@touch $@

migrate: setup ## Build the demo clinic, start the emulator, run phases 01 to 08, print where the reports are
	@$(BIN)/ennu demo --run $(RUN)

synthea: setup ## The same with a Synthea CSV export: make synthea SYNTHEA=/path/to/csv
	@test -n "$(SYNTHEA)" || { echo "give the folder of the export: make synthea SYNTHEA=/path/to/csv"; exit 2; }
	@$(BIN)/ennu clinic build --run params/runs/synthea.yml --from-synthea $(SYNTHEA) --replace
	@$(BIN)/ennu run --run params/runs/synthea.yml

lab: setup ## Open JupyterLab at notebook 01, with the demo clinic and the emulator ready
	@$(BIN)/ennu lab --run $(RUN)

test: setup ## Run the tests, the notebooks among them; with SLOW=1 the slow ones too, and print branch coverage
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(PYTEST) -m "not slow" $(if $(SLOW),--cov --cov-report=term:skip-covered)
	@$(if $(SLOW),$(PYTEST) -m slow)

bench: $(VENV)/.bench ## Run the benchmarks, each beside the obvious alternative; ENNU_BENCH_PEOPLE sets the size of matching
	@$(BIN)/python -m pytest tests/benchmarks --benchmark-only -s

lint: setup ## Check style only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lock: ## Compile requirements.lock and requirements-bench.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-header --no-annotate --python-version 3.11 --output-file requirements.lock --quiet
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' | $(BIN)/uv pip compile - --constraint requirements.lock --generate-hashes --no-header --no-annotate --python-version 3.11 --output-file requirements-bench.lock --quiet

clean: ## Remove the environment, the workspace and the rendered reports
	@rm -rf $(VENV) workspace reports/*/ reports/index.html
