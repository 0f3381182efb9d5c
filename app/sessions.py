"""Sessions: what a browser sends in place of a key, once its person has given one.

A session is signed and kept nowhere, so it holds in every process of a home. It ends with its key,
at its own end, or when its person ends it, whichever comes first; that alone is kept, in a file.
Beside it a page has a token, which comes back with whatever it changes: a page of another origin
cannot read one.
"""

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from molt.artifact import Home, sync_directory
from molt.index.catalog.access.keys import Key

SESSION_COOKIE = "molt_session"
_VERSION = "1"
_SECRET_BYTES = 32
_NOBODY = "nobody"


class Sessions:
    """Issues sessions that last so many `seconds`, and reads them again.

    The secret lies in the home, made when it is first needed. Whoever has it and the catalog could
    make a session; with one of the two alone nobody can. Those that were ended before their time
    are the names of empty files beside it.
    """

    def __init__(
        self, home: Home, *, seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._place = home.session_secret
        self._ended = home.ended_sessions
        self.seconds = seconds
        self._clock = clock

    def issue(self, key: Key, digest: bytes) -> str:
        """A session of the person who gave a key; `digest` is what is kept of its secret."""
        head = f"{_VERSION}.{key.id}.{int(self._clock() + self.seconds)}.{secrets.token_hex(8)}"
        return f"{head}.{self._signed('session', head, digest)}"

    def key_of(self, session: str, in_use: Mapping[bytes, Key]) -> Key | None:
        """The key that stands behind a session; None where it is over, or was never issued."""
        head, _, signature = session.rpartition(".")
        version, _, rest = head.partition(".")
        key_id, _, rest = rest.partition(".")
        until = rest.partition(".")[0]
        if version != _VERSION or not until.isdecimal() or int(until[:20]) <= self._clock():
            return None
        for digest, key in in_use.items():
            if str(key.id) == key_id:
                signed = self._signed("session", head, digest)
                issued = hmac.compare_digest(signed.encode(), signature.encode())
                return key if issued and not self._mark(head).exists() else None
        return None

    def end(self, session: str) -> None:
        """End one that was issued, in every process of the home and for good."""
        self._ended.mkdir(mode=0o700, exist_ok=True)
        for mark in self._ended.iterdir():
            until = mark.name.partition(".")[0]
            if until.isdecimal() and int(until) <= self._clock():  # it is over by itself
                mark.unlink(missing_ok=True)
        self._mark(session.rpartition(".")[0]).touch(mode=0o600)
        sync_directory(self._ended)

    def _mark(self, head: str) -> Path:
        """The file that says a session was ended, named by when it would have been and its own."""
        return self._ended / ".".join(head.split(".")[2:])

    def form_token(self, session: str) -> str:
        """What comes back with each form of the pages of a session, or of nobody's."""
        return self._signed("form", session or _NOBODY, b"")

    def is_form_token(self, sent: str, session: str) -> bool:
        """Was it given to a page of this session?"""
        return hmac.compare_digest(self.form_token(session).encode(), sent.encode())

    def _signed(self, purpose: str, said: str, digest: bytes) -> str:
        content = b"\0".join((purpose.encode(), said.encode(), digest))
        return hmac.new(self._secret, content, hashlib.sha256).hexdigest()

    @cached_property
    def _secret(self) -> bytes:
        """The home's own; of processes that make one at once, that of the first is everybody's."""
        with suppress(FileNotFoundError):
            return self._place.read_bytes()
        made = self._place.with_name(f"{self._place.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(
                os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(secrets.token_bytes(_SECRET_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(made, self._place)
        finally:
            made.unlink(missing_ok=True)
        return self._place.read_bytes()
