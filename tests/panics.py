"""Panics for tests: one to raise, and a tokenizer that really panics at some texts."""

import json
from pathlib import Path

PANICKING = "x" * 40
"""Any text that holds it is too much for the tokenizer of `make_panicking`."""

PanicException = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
"""What pyo3 would make."""


def make_panicking(tokenizer: Path) -> None:
    """Let a tokenizer split words by a pattern whose search is given up, in Rust by a panic."""
    body = json.loads(tokenizer.read_text(encoding="utf-8"))
    body["pre_tokenizer"] = {
        "type": "Split",
        "pattern": {"Regex": "(x+x+)+y"},
        "behavior": "Isolated",
        "invert": False,
    }
    tokenizer.write_text(json.dumps(body), encoding="utf-8")
