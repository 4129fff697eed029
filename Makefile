# make demo: install and do the main job on the sample batch. make test: install and pass everything.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo picture screenshots test check bench faults clean

demo: $(STAMP)
	@$(BIN)/python -m flows.demo

picture: $(STAMP)
	@$(BIN)/python -m flows.demo --picture docs/demo.svg

screenshots: $(STAMP)
	@$(BIN)/python tests/e2e/screenshots.py

bench: $(STAMP)
	@$(BIN)/python tests/benchmarks/speed.py
	@$(BIN)/python tests/benchmarks/queues.py

# The long proof: processes killed on each store, damaged files for each reader, a crash at every step 20 times.
ROUNDS ?= 1000
INPUTS ?= 20000
MINUTES ?= 60
faults: $(STAMP)
	@for store in sqlite sqlite-wal postgresql; do $(BIN)/python -m tests.faults.rounds --rounds $(ROUNDS) --store $$store || exit 1; done
	@$(BIN)/python -m tests.faults.fuzz --inputs $(INPUTS)
	@if $(BIN)/python -c "import atheris" 2>/dev/null; then $(BIN)/python -m tests.faults.guided --minutes $(MINUTES); \
	else echo "no files led by coverage were tried: $(BIN)/pip install atheris"; fi
	@SITREP_FAULT_ROUNDS=20 $(BIN)/python -m pytest -q tests/faults/test_steps.py

# In as many processes as there are cores, each of which takes work from the others when it has none left.
test: $(STAMP) check
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal --durations 10

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(STAMP): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0 setuptools==84.2.1
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
