"""OnFile of a backup or a restore, in bytes and rows."""

from collections.abc import Callable

OnFile = Callable[[str, int, int | None], None]
"""Called with a stage, how much of it is done, and how much there is, where that is known."""


def unreported(stage: str, done: int, total: int | None) -> None:
    """OnFile that nobody watches."""


def counting(progress: OnFile, stage: str, total: int | None = None) -> Callable[[int], None]:
    """To be told how much more of a stage is done each time."""
    done = 0

    def more(amount: int) -> None:
        nonlocal done
        done += amount
        progress(stage, done, total)

    return more
