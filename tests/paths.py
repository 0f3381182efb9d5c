"""Where the project's own files lie, and the real corpora and cases beside it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GOLDEN = ROOT / "tests" / "golden"
DEMO = ROOT / "demo"
SHARED = ROOT.parent / "shared" / "data"
CASES = ROOT.parent / "shared" / "cases"

PACKAGES = ("app", "artifact", "cli", "encoder", "engine", "index", "training", "worker")
