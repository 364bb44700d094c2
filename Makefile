# The verbs of this project. CI calls the same ones as a person.
PY := .venv/bin/python
ARGS ?=
ONLY ?=
$(if $(filter-out unit system,$(ONLY)),$(error ONLY is unit or system, not $(ONLY)))
TWICE := tests/test_compiled.py tests/b2bua tests/nft tests/gatewayd/pinholes

.PHONY: help setup lab test lint bench fuzz image test-image bundle compiled
help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:[^#]*##/\t/' | expand -t 12

setup: .setup/done  ## system packages and the virtual environment (the other verbs call it)
.setup/done: pyproject.toml requirements/dev.txt tools/setup
	tools/setup
	mkdir -p .setup && touch $@

compiled: setup
	@tools/compile

lab: compiled    ## a small installation on this machine and a real call through it (ARGS=--once ends by itself)
	.venv/bin/vdx-lab run $(ARGS)

# unit: pure tests; those of compiled modules in both forms. system: real kernel and real peers in network namespaces
test: $(if $(ONLY),,lint) compiled  ## every check (ONLY=unit: no root, no network; ONLY=system: the rest; ARGS: of pytest)
ifneq ($(ONLY),system)
	$(PY) -m pytest -m "not system" $(ARGS)
	$(if $(ARGS),,VDX_COMPILED=1 $(PY) -m pytest -q -m "not system and not pure" -o pythonpath="build/compiled ." $(TWICE))
endif
ifneq ($(ONLY),unit)
	$(PY) -m pytest -m "system and not deploy" $(ARGS)
endif

lint: setup      ## style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: compiled  ## side-by-side measurements (ARGS="relay --aims")
	tools/setup-bench
	$(PY) -m bench $(ARGS)

fuzz: setup      ## what reads foreign octets, for ten minutes (ARGS="--seconds 60 --only gateway")
	tools/setup-fuzz
	PYTHONPATH=.setup/fuzz $(PY) -m tests.fuzz $(ARGS)

image: setup     ## the appliance: disk, update, bill of materials, as root (ARGS="--flavour cloud --version 1.4.2")
	tools/setup-image
	images/build $(ARGS)

test-image: setup  ## the whole life of an appliance in an emulated machine, as root, for an hour
	tools/setup-image
	$(PY) -m tests.image $(ARGS)

bundle: setup    ## the signed file that everything is installed from without internet (ARGS="--key NAME")
	tools/setup-deploy
	tools/bundle $(ARGS)
