"""Sifting: which parts of a batch fail by themselves, so that the others need not fail with them.

Halves what failed until a part stands alone. It is at fault only if it then fails again, and what
works on it still works on something else: else the fault is not the part's, and is raised. Knows
neither texts nor vectors.
"""

from collections.abc import Callable, Sequence

from molt.artifact import ArtifactError, panics_contained, reason_of

Attempt = Callable[[Sequence[int]], None]

_NO_PART = (ArtifactError, MemoryError, OSError)
"""Of the disk and the machine: no part is at fault."""


def sift(count: int, work: Attempt, *, prove: Callable[[], None]) -> dict[int, str]:
    """Do `work` on all places below `count`; those where it fails even alone, each with a reason.

    What was done is not done again. `prove` raises where `work` cannot be done on anything; then
    what `work` raised is raised. So are errors of the disk and of the machine, at once.
    """
    failing: dict[int, str] = {}
    pending = [range(count)] if count else []
    while pending:
        places = pending.pop()
        error = _attempt(work, places, prove)
        if error is None:
            continue
        if len(places) > 1:
            middle = len(places) // 2
            pending += [places[middle:], places[:middle]]
        elif (again := _attempt(work, places, prove)) is not None:
            failing[places[0]] = reason_of(again)
    return failing


def _attempt(work: Attempt, places: Sequence[int], prove: Callable[[], None]) -> Exception | None:
    """What `work` raises on these places, where the fault can be theirs."""
    try:
        with panics_contained():
            work(places)
    except _NO_PART:
        raise
    except Exception as error:  # noqa: BLE001  judged, and raised again where no part is at fault
        try:
            with panics_contained():
                prove()
        except Exception:  # noqa: BLE001  whatever it is, nothing can be told of the places
            raise error from None
        return error
    return None
