"""A stream of server-sent events (as the HTML standard has them) as events."""

import json
import re
from collections.abc import Iterator

from molt_client.shapes import JobEvent

END = "end"
_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")
"""No other one: U+2028 and its like may stand in data. A last `\r` may be half of a `\r\n`."""


class EventReader:
    """Pieces of a stream to events, and the id of the last one: where to go on."""

    def __init__(self) -> None:
        self.last_id = ""
        self.ended = False
        self._kind = "message"
        self._data: list[str] = []
        self._rest = ""

    def headers(self) -> dict[str, str]:
        """What asks for the events that did not come yet."""
        going_on = {"last-event-id": self.last_id} if self.last_id else {}
        return {"accept": "text/event-stream", **going_on}

    def lines(self, piece: str) -> list[str]:
        """The lines that end in a piece; what is behind the last of them is kept."""
        *whole, self._rest = _LINE_END.split(self._rest + piece)
        return whole

    def read(self, line: str) -> Iterator[JobEvent]:
        """The event that a line completes, if it does."""
        if line:
            self._note(line)
            return
        if self._data:
            event: JobEvent = {
                "id": self.last_id,
                "kind": self._kind,
                "data": json.loads("\n".join(self._data)),
            }
            self.ended = self._kind == END
            yield event
        self._kind, self._data = "message", []

    def forget(self) -> None:
        """Drop what a connection began to tell."""
        self._kind, self._data, self._rest = "message", [], ""

    def _note(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self.last_id = value
        elif name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
