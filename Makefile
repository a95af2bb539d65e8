# make            what the other targets need: .venv, Azurite, and .venv313 where there is a Python 3.13
# make demo       the whole story, from flights to a drift alert and a decision
# make run        the whole system on this machine, until Ctrl-C
# make test       every test
# make lint       format, lint, types, layers
# make soak       a million records under all that can fail, in under 100 minutes; goes on where it was interrupted
# make bench      what scoring, keeping, comparing and looking cost; the last line of each is JSON
# make bench-retrain   what rules of when to retrain cost above the optimum, on streams that are downloaded once
# make bench-peers   other tools, each in an environment of its own, for benchmarks.drift to be measured beside

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_QUIET := --quiet --disable-pip-version-check

# The Python that Azure runs, if this machine has it: a shim of pyenv may exist and fail, hence the trial.
PYTHON313 := $(firstword $(foreach candidate,python3.13 $(wildcard $(shell pyenv root 2>/dev/null)/versions/3.13*/bin/python),$(if $(shell $(candidate) -c 'print(1)' 2>/dev/null),$(candidate))))
WORKER := $(if $(PYTHON313),.venv313/ready,no-worker)

.PHONY: all demo run test lint soak bench bench-retrain bench-peers clean no-worker
all: $(VENV)/ready $(WORKER)

$(VENV)/ready: pyproject.toml requirements.txt infra/local/azurite/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12")'
	@echo "setting up $(VENV): about two minutes, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint requirements.txt --editable '.[dev]'
	@$(BIN)/python -m infra.local.azurite
	@touch $@

.venv313/ready: pyproject.toml requirements.txt
	@echo "setting up .venv313, the Python that Azure runs, with the real worker's library: about a minute, once"
	@test -x .venv313/bin/python || $(PYTHON313) -m venv .venv313
	@.venv313/bin/python -m pip install $(PIP_QUIET) --constraint requirements.txt --editable '.[local]'
	@touch $@

no-worker:
	@echo "NOTE: no Python 3.13 on this machine, so tests/worker will be skipped"

demo: $(VENV)/ready
	@$(BIN)/python -m infra.local.demo

run: $(VENV)/ready
	@$(BIN)/python -m infra.local

test: all
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(VENV)/ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports

soak: $(VENV)/ready
	@$(BIN)/python -m tests.chaos.soak

bench: $(VENV)/ready
	@$(BIN)/python -m benchmarks.score
	@$(BIN)/python -m benchmarks.capture
	@$(BIN)/python -m benchmarks.drift
	@$(BIN)/python -m benchmarks.looks

bench-retrain: $(VENV)/ready
	@$(BIN)/python -m pip install $(PIP_QUIET) --constraint requirements.txt --editable '.[bench]'
	@$(BIN)/python -m benchmarks.retrain --processes 2

PEERS := $(basename $(notdir $(wildcard benchmarks/peers/*.txt)))
bench-peers: $(PEERS:%=benchmarks/peers/.venv-%/ready)

# One that cannot be installed stops no other: the benchmark says that it is not there.
benchmarks/peers/.venv-%/ready: benchmarks/peers/%.txt
	@echo "setting up $*: a minute or two, once"
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install $(PIP_QUIET) --requirement $< && touch $@ || echo "NOTE: $* is not to be had here"

clean:
	rm -rf $(VENV) .venv313 .local infra/local/azurite/node_modules benchmarks/peers/.venv-*
