"""Answers: successful responses, written by orjson in one pass. Knows no errors.

A large one counts until its client has taken it: what all of them together hold is bounded.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from molt.app.http.bodies import SMALL_BYTES, BodyBudget

ANSWERS = "molt.answers"
"""Where a request's scope has the budget of answers."""
PACKED_WHOLE = "molt.packed_whole"
"""What a request's scope says where its answer is packed, which is done to the whole of it."""


class Json(Response):
    """A value as JSON. NumPy arrays of float32 are written in their shortest exact form."""

    media_type = "application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a large one as fast as it is taken. Raises `OverloadedError` before it begins.

        Of an answer whose budget nobody named, which is none of a route's, nothing is counted.
        """
        budget: BodyBudget | None = scope.get(ANSWERS)
        if budget is None or len(self.body) <= SMALL_BYTES:
            await super().__call__(scope, receive, send)
            return
        with budget.share() as share:
            share.resize(len(self.body))
            if scope.get(PACKED_WHOLE):
                await super().__call__(scope, receive, send)
                return
            start = {"type": "http.response.start", "status": self.status_code}
            await send(start | {"headers": self.raw_headers})
            view = memoryview(self.body)
            for at in range(0, len(view), SMALL_BYTES):
                piece, more = bytes(view[at : at + SMALL_BYTES]), at + SMALL_BYTES < len(view)
                await send({"type": "http.response.body", "body": piece, "more_body": more})

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
