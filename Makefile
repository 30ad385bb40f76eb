# Two commands: `make prove` (fresh machine to verdict) and `make test` (behaviour, at a modest rate).
# GNU make turns every failure into exit code 2; the exact code (README, "Exit codes") comes from
# `.venv/bin/loanstack prove lab` itself and stands in runs/latest/results.json.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
ENVIRONMENT ?= lab
# The Python of the bundles for hosts, which may be newer than this machine's.
BUNDLE_PYTHON := $(shell sed -n 's/^BUNDLE_PYTHON = "\(.*\)"/\1/p' inventory/artifacts.py)
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help setup prove test lint types unit portal lab-test lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

prove: setup  ## fresh machine to verdict: lab up, deploy, verify, load, drill, report
	@exec $(BIN)/loanstack prove $(ENVIRONMENT)

test: lint types unit lab-test  ## lint, types, unit and plan tests, then end to end on the lab

setup: $(VENV)/.ready  ## Debian packages and the virtual environment (what the two above need)

$(VENV)/.ready: requirements.lock pyproject.toml lab/debian-packages.txt
	@$(PYTHON) -m lab.setup --venv $(VENV) --uv-version $(UV_VERSION)
	@touch $@

lint: setup  ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup  ## mypy --strict
	@$(BIN)/mypy

unit: setup  ## pure parts and deploys, offline
	@# Four processes for two cores: the slow tests wait for most of their time, and none minds to be late.
	@$(BIN)/pytest tests/unit tests/plan -n 4 -q

portal: setup  ## the channel portal's WAR, as build/portal.war
	@$(BIN)/python -m lab.tongweb.portal build/portal.war

lab-test: setup  ## everything promised, on the booted lab, at a modest rate
	@$(BIN)/pytest tests/lab -q --durations=15

lock: setup  ## resolve all lock files anew (hashes, no registry addresses)
	@$(LOCK) --all-extras --python-version 3.11 --universal pyproject.toml -o requirements.lock
	@for package in app_stub failover hosttools loadtests; do \
	    $(LOCK) --python-version $(BUNDLE_PYTHON) --python-platform x86_64-manylinux_2_28 $$package/requirements.in \
	        -o $$package/requirements.lock; \
	done

clean:  ## end the lab and remove what the two commands made in this checkout (caches stay)
	@if [ -x $(BIN)/loanstack ]; then $(BIN)/loanstack lab down; fi
	@rm -rf $(VENV) runs build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
