# matl: every target sets up what it needs; CI runs `make lint` and `make test`.
PYTHON ?= python3.11
EXPERIMENT ?= experiments/covid_ct_cpu.yaml
SWEEP ?= experiments/sweeps/diagnosis.yaml
VENV := .venv
MATL := $(VENV)/bin/matl
READY := $(VENV)/.ready
AUDIT := build/audit

.DEFAULT_GOAL := help
.PHONY: help demo demo-evidence test test-all lint stage1 stage2 stage3 sweep bench bench-peers audit-deps clean

help: ## list the targets
	@grep -hE '^[a-z0-9 -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9 -]+):.*## /\1|/' | \
		awk -F'|' '{printf "  make %-20s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[dev,dicom,export,imagenet,volumes]'
	touch $(READY)

demo: $(READY) ## three stages of transfer on the built-in phantom, and what five seeds showed
	$(MATL) run experiments/demo.yaml
	@$(VENV)/bin/python -m benchmarks.demo_evidence --shown

demo-evidence: $(READY) ## train the demo with five seeds, each with images of its own
	$(VENV)/bin/python -m benchmarks.demo_evidence

test: $(READY) ## the tests, all but the slow ones, two at a time
	OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -m "not slow" -n 2 --dist loadfile

test-all: $(READY) ## all tests
	$(VENV)/bin/python -m pytest

lint: $(READY) ## ruff (lint, format) and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

stage1 stage2 stage3: stage%: $(READY) ## the chain through that part: make stage3 EXPERIMENT=file.yaml
	$(MATL) run $(EXPERIMENT) --through $*

sweep: $(READY) ## create a W&B sweep and start an agent: make sweep SWEEP=file.yaml
	$(MATL) sweep $(SWEEP)

bench: $(READY) ## measure the speed ratios and write benchmarks/results/
	$(VENV)/bin/python -m benchmarks

bench-peers: $(READY) ## the same against lightly's own modules, loader and transforms
	$(VENV)/bin/python -m benchmarks peers

audit-deps: ## known holes in the versions of constraints.txt (pip-audit, OSV's database)
	@test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && \
		$(AUDIT)/bin/python -m pip install --quiet pip-audit; }
	@$(AUDIT)/bin/python -c "import requests; requests.get('https://api.osv.dev', timeout=10)" \
		2> /dev/null || { echo "audit-deps: api.osv.dev cannot be reached; nothing was checked"; exit 1; }
	$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip \
		--vulnerability-service osv --progress-spinner off

clean: ## remove the environment and what tools left; keeps store, cache and runs
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
