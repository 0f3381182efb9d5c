"""Answers: successful responses, written by orjson in one pass. Knows no errors."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


class Json(Response):
    """A value as JSON. NumPy arrays of float32 are written in their shortest exact form."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of the body; bytes pass as they are, so that a thread may have made them."""
        return content if isinstance(content, bytes) else encode(content)


def page_headers(policy: str) -> dict[str, str]:
    """The headers of a page that may do what `policy` allows and nothing else."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def encode(value: Mapping[str, Any] | list[Any]) -> bytes:
    """JSON in UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
