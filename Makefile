# Everything a fresh machine needs is Python 3.11 or newer and make; all else goes into .venv, from the locks.
# ARGS is passed on: make test ARGS="tests/servers -x -n 0". PYTHON picks an interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PACKAGES := clients console eventlog handlers hooks_testkit receiver sandbox workers
.PHONY: help up test faults bench lint format docs lock clean runtime dev

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s%s\n", $$1, $$2 }' Makefile

up: runtime ## Run everything on this machine; Ctrl-C stops it
	@exec .venv/bin/hooks up $(ARGS)

# A set PYTHONDONTWRITEBYTECODE has every pytest compile all tests anew, those that tests start too.
test faults: export PYTHONDONTWRITEBYTECODE :=
test: dev ## Run the whole test suite
	@scripts/test-tools
	@.venv/bin/python -m compileall -q $(PACKAGES) # tests start hundreds of processes
	@.venv/bin/pytest -n 2 --dist worksteal -m "not alone" $(ARGS)
	@.venv/bin/pytest -m alone $(or $(ARGS),$$(grep -rl mark.alone tests --include='*.py')) \
		|| [ $$? = 5 ] # 5: none of those that were asked for

faults: dev ## Run the fault suite alone and at full strength (half an hour)
	@scripts/test-tools
	@.venv/bin/pytest tests/faults tests/api --full -s $(ARGS) || [ $$? = 5 ]
	@.venv/bin/pytest tests --ignore tests/faults --ignore tests/api --full -s -m "long or long_on_both" $(ARGS) || [ $$? = 5 ]

bench: dev ## Measure it beside its peers (ARGS="accept --rounds 1": a part; ARGS=--help)
	@scripts/bench-tools
	@exec .venv/bin/python -m benchmarks $(ARGS)

lint: dev ## Check formatting, lint rules and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

docs: dev ## Write docs/configuration.md anew from the settings
	@.venv/bin/python -m console.reference >docs/configuration.md

format: dev ## Format the code and mend what ruff can mend
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

lock: ## Recompile requirements/ (ARGS=--upgrade renews the pins)
	@scripts/lock $(ARGS)

clean: ## Remove .venv, caches and build leftovers, never .hooks (your events)
	@rm -rf .venv .venv-bench benchmarks/peers/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist ./*.egg-info
	@find . -path ./.hooks -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

.NOTPARALLEL: # two installations into one .venv would trip over each other

runtime dev:
	@PYTHON="$(PYTHON)" scripts/install $@
