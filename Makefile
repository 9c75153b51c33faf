# make run    sets everything up in .venv and does the main job: train, export with int8, verify, bench, report
# make test   sets everything up in .venv, checks the code and runs the tests, two files at a time
# Another interpreter: make run PYTHON=python3.12. Arguments for digitedge run: make run ARGS="--epochs 20".

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEEDS := pyproject.toml constraints.txt
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: run test check format clean

run: $(VENV)/installed
	$(BIN)/digitedge run $(ARGS)

test: check
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" pre-commit run --all-files

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"{sys.executable} is Python {v[0]}.{v[1]}, and TensorFlow needs 3.11 to 3.13. Type: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(NEEDS) | $(VENV)/bin/python
	@echo "installing digitedge[all] into $(VENV): TensorFlow is about 600 MB, once"
	$(INSTALL) ".[all]"
	@touch $@

$(VENV)/installed-dev: $(NEEDS) | $(VENV)/bin/python
	@echo "installing digitedge[all,dev] into $(VENV): TensorFlow is about 600 MB, once"
	$(INSTALL) ".[all,dev]"
	@touch $@ $(VENV)/installed
