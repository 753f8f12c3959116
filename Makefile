# `make demo`: the whole paper in miniature. `make test`: the gate that everyone runs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MINIATURE := --configfile config/demo.yaml --cores $(shell nproc)
DEMO := all captions_report miniature_quality $(MINIATURE)
export HF_HUB_OFFLINE ?= 1

.PHONY: demo test test-slurm faults slurm setup lint format lock clean miniature

demo: setup
	@test -t 1 || echo "No terminal, so no progress line: follow the newest file in .snakemake/log instead"
	$(BIN)/snakemake $(DEMO)
	@$(BIN)/snakemake site $(MINIATURE) --quiet all
	@test results/report.html -nt results/tables/table1.html || $(BIN)/snakemake $(DEMO) --quiet all --report results/report.html
	@cat results/tables/table1.md results/miniature/shapes.md
	@echo "Look at:  results/figures/gallery.png      originals and what was drawn from them"
	@echo "          results/figures/figure4.png      one original under every method"
	@echo "          results/figures/consistency.png  consistency against diversity"
	@echo "          results/tables/table1.html       the table above, and its tests in table1.tests.csv"
	@echo "          results/captions/shapes/report.html  twenty captions an image, the chosen one, its prompt"
	@echo "          results/site/index.html          every number down to its runs, in a folder that opens offline"
	@echo "          results/report.html              everything in one page that opens offline"

# A process for each core, of one thread, or they would fight for the cores; the long ones, which come first, first.
test: setup lint slurm
	OMP_NUM_THREADS=1 $(BIN)/pytest -n logical --dist loadscope --no-loadscope-reorder

# A SLURM on loopback, with pretended GPUs, and the workflow through it.
test-slurm: setup slurm
	$(BIN)/pytest tests/cluster

# What a cluster does to a build, a minute or two each; the log of the last run: docs/faults/slurm.md.
faults: setup slurm
	$(BIN)/pytest tests/cluster/test_slow_faults.py -m fault

# Installs only in a container: where systemd is at work, Debian's packages would start services.
slurm:
	@PATH="$$PATH:/usr/sbin:/sbin"; if command -v slurmctld && command -v munged; then exit 0; fi > /dev/null; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null && [ ! -d /run/systemd/system ]; then \
		(apt-get update && apt-get install -y --no-install-recommends slurm-wlm munge) > /dev/null \
		|| echo "SLURM could not be installed (apt-get install slurm-wlm munge): its tests are skipped"; \
	else echo "No SLURM here: its tests are skipped (Debian, Ubuntu: apt-get install slurm-wlm munge)"; fi

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock
	@echo "Installing the packages of requirements.lock into $(VENV): about 6 GB, a few minutes"
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

# Needs uv. One file for Linux, macOS and Windows, Python 3.11 and later.
lock:
	uv pip compile pyproject.toml --group test --group lint --generate-hashes --no-header --no-emit-index-url \
		--no-annotate --universal --python-version 3.11 --output-file requirements.lock

clean:
	rm -rf results/* logs .snakemake
	git checkout -- results/README.md
