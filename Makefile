# make demo    install, and diagnose a small training that goes NaN
# make test    install, and run all tests
# make check   the one gate: format, lint, types, tests, docs
# make clinic  all tests, the long ones too: some forty minutes on two cores
# make bench   what watching costs, on this machine; takes minutes, and wants it quiet

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
JOBS ?= 2

.PHONY: demo test clinic bench check format lint types docs fix clean
.DEFAULT_GOAL := check

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "nandoctor needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/nandoctor demo

test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

bench: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/overhead.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/fault.py

clinic: $(READY)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup -m "clinic or not clinic"

check: format lint types test docs

format: $(READY)
	$(BIN)/ruff format --check

lint: $(READY)
	$(BIN)/ruff check

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/mkdocs build --strict --site-dir $(VENV)/site

fix: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
