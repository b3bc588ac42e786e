# pyenc: everything a person runs. `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
# the development clips and HM's points, where they lie beside the checkout
SHARED := $(wildcard ../shared)
PHOTOS ?= $(if $(SHARED),$(SHARED)/data/dev/images/*.png $(SHARED)/data/dev/hd/*.png)
BPG ?= $(if $(SHARED),$(SHARED)/reference/bpg_dev.csv)
AI ?= $(if $(SHARED),$(SHARED)/reference/ai_dev.csv)
CLIPS ?= $(if $(SHARED),$(SHARED)/data/dev/*.yuv)
ANCHOR ?= $(if $(SHARED),$(SHARED)/reference/hm_dev.csv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.test-installed
COURSE_STAMP := $(VENV)/.course-installed

.DEFAULT_GOAL := help
.PHONY: help install measure train demo clic learned test test-plain test-bounds lint golden golden-update gates conformance fuzz fuzz-settings bench bench-sweep results course docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make .venv with pyenc and pydec in it, and compile the kernels

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "pyenc needs Python 3.10 or newer: make PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "python's venv module is missing (Debian: apt install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/pyenc --warm-up
	@touch $@

$(TEST_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(COURSE_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[course]'
	@touch $@

measure: $(STAMP) ## Add Dask to .venv, for pysweep --scheduler
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[measure]'

train: $(STAMP) ## Add torch to .venv, for pytrain
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train]'

demo: install ## Encode the clip in media/, decode it in another process, compare
	$(BIN)/python -m cli.demo

test: $(TEST_STAMP) ## Run the test suite
	$(BIN)/python -m pytest -q

test-plain: $(TEST_STAMP) ## Run every kernel as plain Python, without compilation, on small streams
	$(BIN)/python -m tests.gates plain

test-bounds: $(TEST_STAMP) ## Run the tests of decoder and streams with every array index checked
	$(BIN)/python -m tests.gates bounds

lint: $(TEST_STAMP) ## Check style
	$(BIN)/ruff check .

gates: $(TEST_STAMP) ## Run all that the continuous integration runs: lint, suite, golden, plain, bounds, fuzz
	$(BIN)/python -m tests.gates

golden: $(TEST_STAMP) ## Check that all golden streams are what tests/golden/golden.csv says
	$(BIN)/python -m pytest -q tests/golden

golden-update: $(TEST_STAMP) ## Make tests/golden/golden.csv anew, and say which streams changed
	$(BIN)/python -m tests.golden.update

conformance: $(TEST_STAMP) ## Decode foreign streams, and have foreign decoders decode ours
	$(BIN)/python -m tests.conformance.run

fuzz: $(TEST_STAMP) ## Flip bits of streams and watch how the decoder ends
	$(BIN)/python -m tests.fuzz.run

fuzz-settings: $(TEST_STAMP) ## Code random sets of options, and compare all decoders' pictures
	$(BIN)/python -m tests.fuzz.settings

bench: $(TEST_STAMP) ## Measure time, cold and warm start
	$(BIN)/python -m tests.bench.run
	$(BIN)/python -m tests.bench.trend

bench-sweep: $(TEST_STAMP) ## Measure one sweep with --jobs 1 and --jobs 2
	$(BIN)/python -m tests.bench.sweep

results: $(TEST_STAMP) ## Measure docs/results.toml, write docs/RESULTS.md (CLIPS='folder/*.yuv' ANCHOR=points.csv)
	$(BIN)/pysweep docs/results.toml $(if $(CLIPS),--clips '$(CLIPS)')
	$(BIN)/python -m cli.measure.results docs/results.toml $(if $(CLIPS),--clips '$(CLIPS)') \
		$(if $(ANCHOR),--table '$(ANCHOR)') -o docs/RESULTS.md
	$(BIN)/pysweep report docs/results.toml $(if $(CLIPS),--clips '$(CLIPS)')

clic: $(TEST_STAMP) ## Photos at 0.15 bpp: BPG, pyenc, its tools; pages in build/clic (PHOTOS='folder/*.png ...' BPG=points.csv)
	set -e; for photos in $(foreach set,$(PHOTOS),'$(set)'); do \
		name=$$(basename "$$(dirname "$$photos")"); \
		$(BIN)/pysweep recipes/clic.toml --clips "$$photos"; \
		$(BIN)/python -m cli.alloc.clic recipes/clic.toml --clips "$$photos" $(if $(BPG),--table '$(BPG)') -o build/clic/$$name.html; \
		$(BIN)/pyalloc recipes/clic.toml --clips "$$photos" --bpp 0.15 -o build/clic/$$name-0.15bpp; \
	done

course: $(COURSE_STAMP) ## Run the course of docs/course, and write its site into build/course
	$(BIN)/python -m cli.course.build
learned: $(TEST_STAMP) ## Learned codecs beside H.265, HM, BPG and published ones; page in build/learned (PHOTOS CLIPS AI BPG)
	$(BIN)/python -m cli.e2e.learned $(foreach set,$(PHOTOS),'$(set)') $(if $(CLIPS),--clips '$(CLIPS)') \
		$(if $(AI),--hm '$(AI)') $(if $(BPG),--bpg '$(BPG)') -o build/learned

docs: install ## Write docs/OPTIONS.md from the option table
	$(BIN)/python -m cli.help

clean: ## Remove what was built, but not .venv
	rm -rf build *.egg-info .pytest_cache .hypothesis .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
