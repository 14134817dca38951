# One word a task; CI calls the same. All are safe to repeat. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install setup demo test lint unit engine clouds crash-test kill-test e2e types-test vpn-test bench clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(CURDIR)/$(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTEST := $(BIN)/python -m pytest
export PATH := $(BIN):$(PATH):/usr/local/go/bin:/usr/sbin:/sbin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
timed = TIMEFORMAT='== $@: %0R s'; time

help: ## what there is
	@sed -nE 's/^([a-z0-9-]+):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

install: $(VENV)/.installed ## a virtual environment with conpaas and the tools of its tests: .venv/bin/conpaas

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "conpaas needs Python 3.11 or newer; say which: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "installing: Debian package python3-venv (Python here cannot make virtual environments)"; \
	  $(SUDO) apt-get -q update; \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends python3-venv; }
	@echo "installing: conpaas, its dependencies and the tools of its tests, into $(VENV)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(timed) $(BIN)/pip install --quiet --editable '.[test]'
	@touch $@

setup: install ## LXD, its pool and bridge, the base image, the engine: what this machine lacks
	@$(timed) $(BIN)/conpaas setup

demo: setup ## DokuWiki on this machine
	@examples/dokuwiki/fetch.sh
	$(BIN)/conpaas up examples/dokuwiki/manifest.json

test: lint unit engine clouds e2e ## the whole suite

lint: install ## ruff, mypy --strict, ansible-lint: all that each of them finds
	@bad=0; $(timed) { ruff check . || bad=1; mypy || bad=1; \
	  ansible-lint --offline --profile production -q roles playbooks || bad=1; }; exit $$bad

unit: install ## everything without a cloud, and the wheel: seconds
	@$(timed) $(PYTEST) tests/unit tests/packaging tests/test_structure.py

engine: setup ## the engine against a cloud in memory, and a few commands killed somewhere
	@$(timed) $(PYTEST) --numprocesses auto tests/engine tests/crash

N ?= 1000
KILLS ?= 30
crash-test: setup ## N commands, each killed somewhere, and mended by one plain `up`; a failing story says how to play it again
	@$(timed) $(BIN)/python -m tests.crash $(N)

kill-test: setup ## the same on real machines: commands on WordPress, each killed somewhere
	@$(timed) $(BIN)/python -m tests.e2e.kills $(KILLS)

clouds: setup ## stand-ins of AWS and OpenStack: real engine and SDKs, machines on LXD
	@$(timed) $(PYTEST) tests/clouds

e2e: setup ## real machines on LXD, two stories at a time
	@$(timed) $(PYTEST) --numprocesses 2 --dist loadfile tests/e2e

TYPES ?= $(notdir $(patsubst %/tasks/verify.yml,%,$(wildcard roles/*/tasks/verify.yml)))
types-test: setup ## the conformance suite on each type of roles/, or on TYPES="php java"; minutes each
	@bad=0; for type in $(TYPES); do $(timed) $(BIN)/conpaas types test $$type || bad=1; done; exit $$bad

vpn-test: setup ## what the VPN's usual tests leave out: lifetimes, NAT, one range twice, where keys lie; minutes
	@$(timed) $(PYTEST) tests/vpn

bench: setup ## the figures of benchmarks/, as a table
	@$(BIN)/python -m benchmarks

clean: ## what was built in this folder; machines, images and settings stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
