"""Molt: semantic search whose encoder is fine-tuned, proven and swapped while it serves."""

import os
import sys

# ONNX Runtime's wheels tell Microsoft of every session unless this is set before they are imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# OpenVINO's tell Google of each import, as NNCF's do, unless this package cannot be imported.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

__version__ = "0.1.0"
