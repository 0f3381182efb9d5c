# Every target makes the environment that it needs. Nothing is assumed but Python 3.11, make and git.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Where only the plain package index is at hand, torch may come with CUDA; name an index of CPU
# builds here: make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# EDITABLE= installs the built wheel instead of pointing at the source tree.
EDITABLE ?= -e
DEMO_HOME ?= demo-data
PORT ?= 8080

.PHONY: demo serve test check format browser clean

demo: $(VENV)/.demo
	$(BIN)/python demo/corpus.py $(DEMO_HOME)/corpus
	$(BIN)/molt --home $(DEMO_HOME) import default $(DEMO_HOME)/corpus
	@echo
	@echo "Serving. In another shell, try:"
	@echo "  curl 'localhost:$(PORT)/search?q=copy+a+whole+directory+tree&k=3'"
	@echo "or open http://localhost:$(PORT)/docs"
	@echo
	$(BIN)/molt --home $(DEMO_HOME) serve --port $(PORT)

serve: $(VENV)/.demo
	$(BIN)/molt serve --port $(PORT)

test: $(VENV)/.dev browser
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The browser that page tests drive. Without root it is left to the user; those tests then skip.
browser:
	@if command -v chromium >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "chromium is not installed and this user cannot install it: page tests will skip"; fi

$(BIN)/python:
	$(PYTHON) -m venv --upgrade-deps $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(PIP) $(EDITABLE) '.[train,openvino]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) $(EDITABLE) '.[dev]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) build dist demo-data
