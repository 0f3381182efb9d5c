"""When a request is sent again: where the server refused it for the moment, or was away.

A server that is overloaded (429) has kept nothing, so every request may be sent again. One that
stops (503) may still do what it gave up waiting for, and an answer may be lost on its way: then
only where a second one changes nothing. Documents, judgments and deletions are the same the second
time; events, new collections and rollbacks are not.
"""

import random
from dataclasses import dataclass

import httpx

from molt_client.errors import UnreachableError, error_of

OVERLOADED, UNAVAILABLE = 429, 503


@dataclass(frozen=True)
class Retries:
    """At most `attempts` requests in place of one; `longest_seconds` bounds each pause."""

    attempts: int = 6
    first_seconds: float = 0.2
    longest_seconds: float = 30.0

    def pause(self, attempt: int, response: httpx.Response | None = None) -> float | None:
        """Seconds until another attempt, after `attempt` (from 1); None where it was the last.

        What the server asks for in `Retry-After` counts; else it doubles, with a random half of it
        so that clients which were refused together do not come back together.
        """
        if attempt >= self.attempts:
            return None
        asked = response.headers.get("retry-after", "") if response is not None else ""
        if asked.isdecimal():
            seconds = float(asked) + random.uniform(0, 0.25)  # noqa: S311  no secret
        else:
            doubled = self.first_seconds * 2 ** (attempt - 1)
            seconds = doubled * random.uniform(0.5, 1)  # noqa: S311
        return min(seconds, self.longest_seconds)


class Attempts:
    """Those of one request."""

    def __init__(self, retries: Retries, *, repeatable: bool) -> None:
        self._retries = retries
        self._repeatable = repeatable
        self._made = 0

    def after(self, outcome: httpx.Response | httpx.TransportError) -> float:
        """Seconds to wait before the next one; raises `MoltError` or `UnreachableError`."""
        self._made += 1
        if isinstance(outcome, httpx.Response):
            pause = self._retries.pause(self._made, outcome)
            if outcome.status_code not in self._retried or pause is None:
                raise error_of(outcome)
            return pause
        refused = isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)  # nothing was sent
        pause = self._retries.pause(self._made) if self._repeatable or refused else None
        if pause is None:
            raise UnreachableError(_told(outcome)) from outcome
        return pause

    @property
    def _retried(self) -> tuple[int, ...]:
        return (OVERLOADED, UNAVAILABLE) if self._repeatable else (OVERLOADED,)

    def forget(self) -> None:
        """Something came: whatever happens next is the first of its kind."""
        self._made = 0


def cut(response: httpx.Response) -> httpx.TransportError:
    """What became of a stream that ended without saying so."""
    return httpx.ReadError("the stream was cut", request=response.request)


def _told(error: httpx.TransportError) -> str:
    return f"{error.request.url}: {error or type(error).__name__}"
