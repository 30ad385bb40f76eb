# Two commands: `make prove` (fresh machine to verdict) and `make test` (behaviour, at a modest rate).
PYTHON ?= python3
VENV := .venv
UV := $(VENV)/bin/uv
LOANSTACK := $(VENV)/bin/loanstack

.PHONY: help setup prove test lint unit lock clean

lock:  ## re-resolve requirements.lock and app_stub/requirements.lock (hashes, no registry addresses)
	$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-annotate --no-header --all-extras --python-version 3.11 \
	    --universal pyproject.toml -o requirements.lock
