"""Molt: semantic search whose encoder is fine-tuned, proven and swapped while it serves."""

import os
from importlib.metadata import version

# ONNX Runtime's wheels tell Microsoft of every session unless this is set before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = version("molt")
