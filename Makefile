# `make demo`: the whole paper in miniature. `make test`: the gate that everyone runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := all --configfile config/demo.yaml --cores $(shell nproc)
export HF_HUB_OFFLINE ?= 1

.PHONY: demo test setup lint format clean miniature

demo: setup
	$(BIN)/snakemake $(DEMO)
	@$(BIN)/snakemake $(DEMO) --quiet all --report results/report.html
	@$(BIN)/python workflow_scripts/show_demo.py

test: setup lint
	$(BIN)/pytest

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement requirements.lock
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

# Trains the tiny models anew (an hour or two on two cores) and installs them under resources/miniature.
miniature: setup
	$(BIN)/snakemake install_miniature --configfile config/demo.yaml --cores $(shell nproc)

clean:
	rm -rf results/* logs .snakemake
	git checkout -- results/README.md
