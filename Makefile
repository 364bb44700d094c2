# The verbs of this project. CI calls the same ones as a person.
PY := .venv/bin/python
ARGS ?=
TWICE := tests/test_compiled.py tests/b2bua tests/nft tests/gatewayd/pinholes

.PHONY: help setup lab test unit system lint bench fuzz clean compiled
help:            ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 12

setup: .setup/done  ## system packages and the virtual environment (the other verbs call it)
.setup/done: pyproject.toml requirements/dev.txt tools/setup
	tools/setup
	mkdir -p .setup && touch $@

compiled: setup
	@tools/compile

lab: compiled    ## a small installation on this machine and a real call through it (ARGS=--once ends by itself)
	.venv/bin/vdx-lab run $(ARGS)

test: lint unit system  ## every check

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

unit: compiled   ## pure tests: no root, no network; those of compiled modules in both forms
	$(PY) -m pytest -m "not system" $(ARGS)
	$(if $(ARGS),,VDX_COMPILED=1 $(PY) -m pytest -q -m "not system and not pure" -o pythonpath="build/compiled ." $(TWICE))

system: compiled ## real kernel and real peers in network namespaces
	$(PY) -m pytest -m "system and not deploy" $(ARGS)

bench: compiled  ## side-by-side measurements (ARGS="relay --aims")
	tools/setup-bench
	$(PY) -m bench $(ARGS)

fuzz: setup      ## what reads foreign octets, for ten minutes (ARGS="--seconds 60 --only gateway")
	tools/setup-fuzz
	PYTHONPATH=.setup/fuzz $(PY) -m tests.fuzz $(ARGS)

clean:           ## remove what setup made
	rm -rf .venv .setup build *.egg-info
