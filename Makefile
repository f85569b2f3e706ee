# Everything a fresh clone needs: Python 3.11 or newer and make. `make help` lists the targets.
#
# The versions installed are those in constraints.txt. An environment is made again when
# pyproject.toml or constraints.txt change, and not otherwise.

PYTHON ?= python3
VENV   := .venv
BENCH  := .venv-bench
PINS   := .venv-pins
JOBS   ?= 2
# Options for pytest, as in `make test ARGS="tests/test_public_surface.py -k import"`.
ARGS   ?=
# Byte-code of the tests is kept in the environment, whatever Python is told elsewhere: without it
# each process of the suite compiles 2,600 modules, 15 seconds of a processor.
BYTECODE := PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX=$(abspath $(VENV))/bytecode

RECIPE := pyproject.toml constraints.txt
# Quiet: only errors are shown. No byte-code for the thousands of modules that are never imported:
# Python writes it for the others when it first needs them.
PIP         := -m pip --quiet --quiet --disable-pip-version-check
PIP_INSTALL := $(PIP) install --no-compile --constraint constraints.txt
# Built with the pinned hatchling that is installed first, and not in an environment of pip's own
# making, which would download whatever version is newest.
PROJECT := --no-build-isolation --editable
# Peers that ask for older versions of pandas and NumPy than those pinned, but run with these.
WITHOUT_DEPENDENCIES := --no-deps lifelines ondil

# Two pips in one environment would tread on each other.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench pins clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## install, then fit a log-normal to 2,167 Danish fire insurance losses
	$(VENV)/bin/kullback fit examples/data/danish_fire_losses.csv --y loss --model lognormal

test: $(VENV)/.installed-test ## run the whole test suite
	$(BYTECODE) $(VENV)/bin/python -m pytest --quiet --numprocesses $(JOBS) --dist loadfile $(ARGS)

lint: $(VENV)/.installed-lint ## check style, types and who imports whom
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-lint ## put the sources into the house style
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

docs: $(VENV)/.installed-docs ## build the site, docs/_build/html: every cell executed, every link checked
	$(VENV)/bin/python -m sphinx -b html -W --keep-going -n -q docs docs/_build/html

bench: $(BENCH)/.installed ## time kullback beside its peers, in an environment of its own
	$(BENCH)/bin/python benchmarks/run.py
	$(BENCH)/bin/python benchmarks/first_calls.py

pins: ## resolve the newest versions afresh, and write them to constraints.txt
	$(PYTHON) -m venv --clear $(PINS)
	$(PINS)/bin/python $(PIP) install --no-compile hatchling '.[dev,docs,bench]'
	$(PINS)/bin/python $(PIP) install --no-compile $(WITHOUT_DEPENDENCIES)
	@{ echo '# The versions that the Makefile installs and CI tests with. Written by `make pins`.'; \
	   $(PINS)/bin/python -m pip --disable-pip-version-check freeze --exclude kullback; \
	 } > constraints.new
	mv constraints.new constraints.txt
	rm -rf $(PINS)

clean: ## remove the environments and the caches
	rm -rf $(VENV) $(BENCH) $(PINS) docs/_build docs/reference/names \
	  .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.installed $(BENCH)/.installed: %/.installed: $(RECIPE)
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	  "kullback needs Python 3.11 or newer; this is " + sys.version.split()[0] + \
	  ". Name another one: make PYTHON=python3.12 ...")'
	@echo "Making $* (a minute or two, once) ..."
	@$(PYTHON) -m venv --clear $*
	@$*/bin/python $(PIP_INSTALL) hatchling
	@$*/bin/python $(PIP_INSTALL) $(PROJECT) '.$(if $(filter $(BENCH),$*),[bench])'
	@$(if $(filter $(BENCH),$*),$*/bin/python $(PIP_INSTALL) $(WITHOUT_DEPENDENCIES))
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	@echo "Adding what '$*' needs to $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) $(PROJECT) '.[$*]'
	@touch $@
