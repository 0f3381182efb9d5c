"""Panics for tests: one to raise, and a tokenizer that really panics at some texts."""

import json
from pathlib import Path

from tests.checkpoints import build_checkpoint, seal

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


def panicking_checkpoint(root: Path) -> Path:
    """A tiny checkpoint below `root` whose tokenizer panics at texts with `PANICKING`."""
    made = build_checkpoint(root)
    make_panicking(made.path / "tokenizer.json")
    return made.path.rename(made.path.with_name(seal(made).id))
