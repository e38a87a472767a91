# make demo: the whole workflow on synthesised speech.  make test: the tests.  make soak: the long
# ones.  make slurm-test: those on a cluster.  make lint: the linters.  make settings:
# the files that follow from the definitions of settings.

PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test soak slurm-test lint settings lock pictures clean
.DELETE_ON_ERROR:
# If this is set, every job compiles everything that it imports.
unexport PYTHONDONTWRITEBYTECODE

demo: $(VENV)/run.installed
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml
	@echo "Open results/demo/report.html"

test: $(VENV)/development.installed
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

soak: $(VENV)/development.installed
	$(BIN)/python -m pytest -m soak --capture=no --verbose

lint: $(VENV)/development.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint

settings: $(VENV)/run.installed
	PYTHONPATH=workflow/scripts $(BIN)/python -m spokenwords.config.reference

# On a Slurm of two nodes that is started on this machine and stopped again; where there is none it is
# installed from Debian's packages, as root. In an environment of its own: with the plugin in the
# other one, every call of Snakemake would look for a controller.
slurm-test: export PATH := $(PATH):/usr/sbin
slurm-test:
	@{ command -v slurmctld && command -v slurmd && command -v munged; } > /dev/null \
	    || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge > /dev/null; } \
	    || { echo "Slurm is needed: the packages slurm-wlm and munge of Debian."; exit 1; }
	$(MAKE) VENV=.venv-slurm .venv-slurm/development.installed .venv-slurm/slurm.installed
	.venv-slurm/bin/python -m pytest -m slurm

# Make the locked files from the .in files.
lock: $(VENV)/uv.installed
	for name in run development benchmarks slurm listen; do \
	    $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	        --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	        --output-file envs/$$name.txt envs/$$name.in || exit 1; \
	done
	sed --in-place '/^  - pip:$$/q' envs/environment.yaml
	sed --quiet 's/ *\\$$//; s/^[[:alnum:]]/      - &/p' envs/run.txt >> envs/environment.yaml

# The pictures of README.md, made from the demo. Graphviz and Chromium are needed.
pictures: demo
	$(BIN)/snakemake results/demo/report.html results/demo/runs/complex/export/model_card.md \
	    --cores 1 --rulegraph dot --configfile config/demo.yaml > docs/rulegraph.dot
	tred docs/rulegraph.dot | gvpr -c -f docs/rulegraph.gvpr | dot -Tsvg > docs/rulegraph.svg
	rm docs/rulegraph.dot
	cp results/demo/runs/complex/alluvial.svg docs/alluvial.svg
	chromium --headless --no-sandbox --hide-scrollbars --window-size=860,700 \
	    --screenshot=docs/gallery.png file://$(CURDIR)/results/demo/runs/complex/gallery.html
	$(BIN)/python -c 'from PIL import Image; picture = Image.open("docs/gallery.png"); \
	    picture.convert("RGB").quantize(128).save("docs/gallery.png", optimize=True)'

clean:
	rm -rf .venv .venv-slurm

$(VENV)/uv.installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	@touch $@

# Development holds all of run: whichever is installed, the other's packages are not removed.
$(VENV)/%.installed: envs/%.txt $(VENV)/uv.installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $<
	@touch $@
