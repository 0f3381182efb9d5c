"""Pace: whether bytes go at the least rate, in either direction. Knows no connection."""

PATIENCE_SECONDS = 30.0
"""Over so long a body must arrive, and an answer be taken, at the least rate."""


class Pace:
    """Bytes that went since a moment, of what comes in or of what is sent."""

    def __init__(self, rate: int) -> None:
        self._least = rate * PATIENCE_SECONDS
        self._since = 0.0
        self._bytes = 0
        self._left: int | None = None

    def begin(self, now: float) -> None:
        """Count from now on."""
        self._since, self._bytes, self._left = now, 0, None

    def count(self, size: int) -> None:
        """So many bytes went."""
        self._bytes += size

    def is_too_slow(self, now: float, *, left: int | None = None) -> bool:
        """Were there too few in the time that has passed? `left` is what is still to be sent."""
        if left is not None:
            self._bytes += max(0, (left if self._left is None else self._left) - left)
            self._left = left
        if now - self._since < PATIENCE_SECONDS:
            return False
        too_slow = self._bytes < self._least
        self._since, self._bytes = now, 0
        return too_slow
