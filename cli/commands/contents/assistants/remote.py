"""A running server, asked over HTTP: where a command concerns one, and not a home on disk."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

_SECONDS = 60.0


class RemoteError(Exception):
    """The server refused, or no answer came; the message is for whoever asked."""


class RemoteServer:
    """The server at `url`, asked with `key` where it wants one."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = url.rstrip("/")
        self._key = key

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a route answers: to a GET, or to a POST where there is a body.

        Raises `RemoteError` with what the server says is wrong.
        """
        headers = {"accept": "application/json", "content-type": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, content, headers)  # noqa: S310  checked
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise RemoteError(_refusal(error)) from error
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise RemoteError(f"no answer from {self._url}: {reason}") from error
        return found


def _refusal(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            told = json.load(error)
        except (OSError, ValueError):
            told = None
    detail = told.get("detail") if isinstance(told, dict) else None
    return f"{detail or error.reason} ({error.code})"
