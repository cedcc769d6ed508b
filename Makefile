# Two commands do everything: `make run` and `make test`. `make help` lists the rest.

PORT ?= 8501
WORKSPACE ?= demo-workspace
JOBS ?= 2

# One environment per Python version, so that `make test PYTHON=python3.11` leaves the other alone.
# The stamp's name holds a checksum of all that the environment was made from: whichever of it changes
# (a dependency, the Python, the folder), the environment is made anew.
ifneq ($(filter-out help clean,$(or $(MAKECMDGOALS),help)),)
  INTERPRETER := $(shell sh .ci/pick-python $(PYTHON))
  ifeq ($(INTERPRETER),)
    $(error no Python to work with)
  endif
  VENV := .venv-$(shell "$(INTERPRETER)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  MADE_FROM := $(shell { "$(INTERPRETER)" -VV; pwd; cat pyproject.toml constraints.txt; } | cksum | cut -d' ' -f1)
endif
BIN := $(VENV)/bin
TO_RUN := $(VENV)/.to-run-$(MADE_FROM)
TO_TEST := $(VENV)/.to-test-$(MADE_FROM)

CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
export CHROMIUM
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run test venv lint unit e2e slow bench evidence mutants clean

help: ## list these targets
	@grep -hE '^[a-z0-9]+:.*## ' Makefile | sed -E 's/^([a-z0-9]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo "Settings: PYTHON=python3.11  PORT=$(PORT)  WORKSPACE=$(WORKSPACE)  JOBS=$(JOBS)"

run: $(TO_RUN) ## set up, make the demo workspace if it is not there, serve the app
	@$(BIN)/python -m hitl_review demo "$(WORKSPACE)"
	@$(BIN)/python -m hitl_review serve "$(WORKSPACE)" --port $(PORT)

test: lint unit e2e ## set up, then lint, types, unit tests and browser tests

venv: $(TO_TEST) ## set up the environment only
	@echo "$(VENV) is ready (.venv points at it)"

lint: $(TO_TEST) ## ruff, and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/mypy hitl_review app.py

unit: $(TO_TEST) ## every test that needs no browser
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow and not browser"

# A browser waits for half of the time, so that one file of tests more than there are cores is under way.
e2e: $(TO_TEST) ## the tests in a real browser, a file of them at a time
	@if [ -n "$(CHROMIUM)" ]; then \
	    $(BIN)/python -m pytest -q -n $$(($(JOBS) + 1)) --dist loadfile -m "browser and not slow"; \
	else \
	    echo "*** THE BROWSER TESTS DID NOT RUN: no Chromium was found."; \
	    echo "*** Install it (Debian: apt-get install chromium) or name it: make e2e CHROMIUM=/path/to/chromium"; \
	    [ "$${CI:-}" != true ]; \
	fi

slow: $(TO_TEST) ## the tests that take longer than a minute each
	$(BIN)/python -m pytest -q -m slow

bench: $(TO_TEST) ## run every benchmark, each of which prints what it measured
	@set -e; for each in tests/benchmarks/bench_*.py; do \
	    echo "== $$each"; PYTHONPATH=. $(BIN)/python "$$each"; \
	done

evidence: $(TO_TEST) ## what the product's claims rest on: each program prints its tables as Markdown
	@status=0; for each in tests/evidence/evidence_*.py; do \
	    PYTHONPATH=. $(BIN)/python "$$each" || status=1; \
	done; exit $$status

mutants: $(TO_TEST) ## put small faults into the log and its verifier, and count those that no test notices (an hour)
	$(BIN)/python -m pip install -qq --constraint constraints.txt --editable ".[mutants]"
	$(BIN)/mutmut run --max-children $(JOBS) 'hitl_review.domain.rotation.*'
	$(BIN)/python -m tests.mutants $(JOBS)

clean: ## remove the environments and what tools left behind
	rm -rf .venv .venv-*/ .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants

# Compiling every module of every package takes longer than all the rest of the set-up; only the tests, whose
# bounds on time must not meet a first import, wait for it.
$(TO_RUN):
	@echo "Setting up $(VENV) with $(INTERPRETER) (a minute or two, once)"
	@rm -rf $(VENV)
	@"$(INTERPRETER)" -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --no-compile --constraint constraints.txt --editable ".[figures]"
	@if [ -L .venv ] || [ ! -e .venv ]; then ln -sfn $(VENV) .venv; fi
	@touch $@

$(TO_TEST): $(TO_RUN)
	@echo "Adding what the tests need to $(VENV)"
	@$(BIN)/python -m pip install -qq --no-compile --constraint constraints.txt --editable ".[figures,test]"
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true # a package may ship a file that is not meant to compile
	@touch $@
