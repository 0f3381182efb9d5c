"""The default checkpoint, made once by Molt's own training program and kept."""

import subprocess
import sys
from pathlib import Path


def default_checkpoint(home: Path) -> Path:
    """Directory of the default checkpoint in `home`, which is made where it has none."""
    store = home / "checkpoints"
    if not any(store.glob("*/checkpoint.json")):
        home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "molt.training", "default", "--home", str(home)]
        subprocess.run(command, check=True)
    return next(store.glob("*/checkpoint.json")).parent


def lend(home: Path, checkpoint: Path) -> None:
    """Link `checkpoint`'s files into another home, so that no home makes its own."""
    target = home / "checkpoints" / checkpoint.name
    for source in checkpoint.rglob("*"):
        if source.is_file() and not (target / source.relative_to(checkpoint)).exists():
            link = target / source.relative_to(checkpoint)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(source)
