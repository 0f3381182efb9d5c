"""Targets: what a request asks for, in the one form that routes know.

A slash too many is forgiven, but never behind the place where a path holds an id, which may be a
URL itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

from molt.app.http.route import Route

_SLASHES = re.compile("/+")
_VERSION = b"api-version"


@dataclass(frozen=True)
class _Opaque:
    """Routes whose last parameter takes any path: what stands there is nobody's to change.

    `ends` where nothing follows it.
    """

    before: re.Pattern[str]
    ends: bool

    def tidied(self, path: str) -> str | None:
        """None where the path is none of these routes'."""
        found = self.before.match(path)
        if found is None:
            return None
        rest = path[found.end() :]
        if not self.ends:
            rest = rest.rstrip("/")
        before = _collapsed(found[0])
        return f"{before}/{rest}" if rest else before


class Targets:
    """The paths that there are, and what is meant by one that is nearly one of them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._opaque: defaultdict[str, dict[str, _Opaque]] = defaultdict(dict)
        for route in routes:
            for method in route.methods or ():
                self._learn(method, route.path)

    def settle(self, scope: Scope) -> None:
        """Put a request's path and query string in order, where they are not."""
        path: str = scope["path"]
        if "//" in path or path.endswith("/"):
            scope["path"] = self.tidied(scope["method"], path)
        query: bytes = scope["query_string"]
        if _VERSION in query:  # Azure's clients send one, and everything here has one version
            parts = query.split(b"&")
            kept = [part for part in parts if part.partition(b"=")[0] != _VERSION]
            scope["query_string"] = b"&".join(kept)

    def tidied(self, method: str, path: str) -> str:
        """The path without slashes that say nothing."""
        for opaque in self._opaque["GET" if method == "HEAD" else method].values():
            tidy = opaque.tidied(path)
            if tidy is not None:
                return tidy
        return _collapsed(path) or "/"

    def _learn(self, method: str, path: str) -> None:
        parts = path.split("/")[1:]
        at = next((at for at, part in enumerate(parts) if part.endswith(":path}")), None)
        if at is None:
            return
        names = ["[^/]+" if part.startswith("{") else re.escape(part) for part in parts[:at]]
        before = "/+" + "/+".join(names) + "/"
        known = self._opaque[method].get(before)
        ends = at == len(parts) - 1 or (known is not None and known.ends)
        self._opaque[method][before] = _Opaque(re.compile(before), ends=ends)


def _collapsed(path: str) -> str:
    return _SLASHES.sub("/", path).rstrip("/")
