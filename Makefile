# make run    sets everything up in .venv and does the main job: train, export with int8, verify, bench, report
# make test   sets everything up in .venv, checks the code and runs the tests, two files at a time
# make bench-openvino   measures the .onnx files of the newest run with OpenVINO, in .venv-openvino, and adds the rows to
#             the run's bench.json; make bench-gpu the same with CUDA, in .venv-cuda. Another run: ARGS="runs/mine"
# Another interpreter: make run PYTHON=python3.12. Arguments for digitedge run: make run ARGS="--epochs 20".

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEEDS := pyproject.toml constraints.txt
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
INSTALL := $(BIN)/python $(PIP)

.PHONY: run test check format clean bench-openvino bench-gpu

run: $(VENV)/installed
	$(BIN)/digitedge run $(ARGS)

test: check
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

# Two builds of ONNX Runtime own one folder: each is measured in an environment of its own.
bench-openvino: .venv-openvino/installed
	$(call add_rows,openvino)

bench-gpu: .venv-cuda/installed
	$(call add_rows,cuda)

# What failed is told by the document. The environment of `make run`, where there is one, can also write the report anew.
define add_rows
.venv-$(1)/bin/digitedge bench --provider $(1) --json $(ARGS) > .venv-$(1)/bench.json || { cat .venv-$(1)/bench.json; exit 1; }
$(firstword $(wildcard $(BIN)/digitedge) .venv-$(1)/bin/digitedge) bench --merge .venv-$(1)/bench.json
endef

check: $(VENV)/installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" pre-commit run --all-files

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

clean:
	rm -rf $(VENV) .venv-openvino .venv-cuda

$(VENV)/bin/python .venv-openvino/bin/python .venv-cuda/bin/python: %/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"{sys.executable} is Python {v[0]}.{v[1]}, and TensorFlow needs 3.11 to 3.13. Type: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $*

$(VENV)/installed: $(NEEDS) | $(VENV)/bin/python
	@echo "installing digitedge[all] into $(VENV): TensorFlow is about 600 MB, once"
	$(INSTALL) ".[all]"
	@touch $@

$(VENV)/installed-dev: $(NEEDS) | $(VENV)/bin/python
	@echo "installing digitedge[all,dev] into $(VENV): TensorFlow is about 600 MB, once"
	$(INSTALL) ".[all,dev]"
	@touch $@ $(VENV)/installed

.venv-openvino/installed .venv-cuda/installed: .venv-%/installed: $(NEEDS) | .venv-%/bin/python
	.venv-$*/bin/python $(PIP) ".[$*]"
	@touch $@
