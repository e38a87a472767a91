# make demo: the whole workflow on synthesised speech.  make test: the tests.  make soak: the long
# ones.  make lint: the linters.

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin

.PHONY: demo test soak lint lock clean
.DELETE_ON_ERROR:
# Where this is set, every job would compile anew all that it imports.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/run.installed
	$(BIN)/snakemake --cores $(CORES) --configfile config.demo.yaml
	@echo "Open results/demo/report.html"

test: .venv/development.installed
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

soak: .venv/development.installed
	$(BIN)/python -m pytest -m soak --capture=no --verbose

lint: .venv/development.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# The locked files, made again from what the .in files ask for.
lock: .venv/uv.installed
	for name in run development benchmarks; do \
	    $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	        --output-file envs/$$name.txt envs/$$name.in || exit 1; \
	done

clean:
	rm -rf .venv

.venv/uv.installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@touch $@

# Development holds all of run: whichever is installed, the other's packages are not removed.
.venv/%.installed: envs/%.txt .venv/uv.installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@
