# syntax=docker/dockerfile:1
# Two images: `serve` (the default, no torch) answers queries; `train` makes checkpoints, and runs
# the worker beside the server.

FROM python:3.11-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir build==1.3.0 && python -m build --wheel --outdir /wheels

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MOLT_HOME=/var/lib/molt
RUN useradd --system --uid 10001 --home-dir /var/lib/molt --create-home molt
COPY --from=build /wheels /wheels

FROM base AS train
# The index of CPU builds keeps gigabytes of CUDA out; pass --build-arg TORCH_INDEX= for a GPU image.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
    "$(echo /wheels/molt-*.whl)[train,openvino]"
USER molt
VOLUME /var/lib/molt
ENTRYPOINT ["molt"]
CMD ["checkpoints", "default"]

FROM base AS serve
RUN pip install --no-cache-dir "$(echo /wheels/molt-*.whl)[openvino]"
USER molt
VOLUME /var/lib/molt
EXPOSE 8080
# Liveness only: a collection that cannot be loaded is no reason to restart the others.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["molt"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080"]
