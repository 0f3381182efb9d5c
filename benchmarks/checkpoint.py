"""The default checkpoint, made once by Molt's own training program and kept."""

import subprocess
import sys
from pathlib import Path

from molt.encoder.checkpoint import read_checkpoint
from molt.encoder.selection import AUTO, choose


def default_checkpoint(home: Path) -> Path:
    """Directory of the default checkpoint in `home`, which is made where it has none."""
    store = home / "checkpoints"
    if not any(store.glob("*/checkpoint.json")):
        home.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "molt.worker.tasks", "default", "--home", str(home)]
        subprocess.run(command, check=True)
    return next(store.glob("*/checkpoint.json")).parent


def lend(home: Path, checkpoint: Path) -> None:
    """Copy `checkpoint` into another home, so that no home makes its own."""
    program = str(Path(sys.executable).with_name("molt"))
    command = [program, "checkpoints", "add", str(checkpoint), "--home", str(home)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def served_variant(home: Path, *, runtime: str = AUTO) -> str:
    """Name of the variant that a server of `home` chooses on this host."""
    checkpoint = read_checkpoint(default_checkpoint(home))
    return choose(checkpoint, cache=home / "cache", wanted=runtime).name
