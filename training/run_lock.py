"""Alone: a run, or a search for one, has one process at a time."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from molt.artifact import exclusive
from molt.training.errors import FitError

_PATIENCE = 10.0  # whoever was killed, or whose parent was, may need a moment to end


@contextmanager
def alone(folder: Path, *, patience: float = _PATIENCE) -> Iterator[None]:
    """Be the only process at what is kept in `folder`, which need not be there yet.

    Raises `FitError` where another one is still at it after `patience` seconds.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(folder.with_suffix(".lock"), patience=patience))
        except BlockingIOError:
            raise FitError(
                f"another process is at {folder}, the same run; wait for it or end it, and run "
                "this again: what it made by then is not made twice"
            ) from None
        yield
