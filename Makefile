# make demo      install, and diagnose a small training that goes NaN
# make test      install, and run all tests
# make check     the one gate: format, lint, types, tests, docs
# make clinic    every case of the clinic through nandoctor and its peers, and a table of what was right: half an hour
# make clinic-proof  every treatment that is called proven, applied and run without nandoctor: an hour
# make corpus    all tests, the long ones too: some forty minutes on two cores
# make numerics  the tests of the numerics alone, on TensorFlow, JAX and torch
# make bench     what watching, the numerics and an audit cost, on this machine; takes minutes, and wants it quiet

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
BACKENDS = $(VENV)/.backends
JOBS ?= 2

.PHONY: demo test backends numerics corpus clinic clinic-proof bench check format lint types docs fix clean
.DEFAULT_GOAL := check

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "nandoctor needs Python 3.11 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

# JAX and torch are large, and only the tests of the numerics want them.
$(BACKENDS): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,backends]'
	touch $(BACKENDS)

demo: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/nandoctor demo

test: $(READY) backends
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup

# Each backend in a process of its own: Keras chooses one as it is imported.
NUMERICS = tests/numerics src/nandoctor/numerics
MARKED = not clinic

backends: $(BACKENDS)
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest --numprocesses $(JOBS) -m "$(MARKED)" $(NUMERICS) src/nandoctor/clinic
	KERAS_BACKEND=jax $(BIN)/python -m pytest --numprocesses $(JOBS) -m "$(MARKED)" $(NUMERICS)
	KERAS_BACKEND=torch $(BIN)/python -m pytest --numprocesses $(JOBS) -m "$(MARKED)" $(NUMERICS)

numerics: MARKED = clinic or not clinic
numerics: backends

corpus: $(READY)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup -m "clinic or not clinic"

clinic: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m nandoctor.clinic --jobs $(JOBS)

clinic-proof: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m nandoctor.clinic.benchmark.proof

bench: $(READY)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/overhead.py
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python benchmarks/fault.py
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/audit.py --memory 8

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
