"""A stream of lines is read as far as it may be."""

from pathlib import Path
from typing import Any

from tests.app.serving import serving


def test_of_a_body_whose_line_is_too_long_no_more_is_read(tmp_path: Path) -> None:
    read = 0
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        assert read < 100
        return {"type": "http.request", "body": b"x" * 1024, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with serving(tmp_path, limits={"max_ndjson_line_bytes": 10_000}) as client:
        client.post("/collections", json={"name": "default"})
        headers = [(b"host", b"localhost"), (b"content-type", b"application/x-ndjson")]
        path = "/collections/default/documents"
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        scope |= {"http_version": "1.1", "query_string": b"", "scheme": "http", "root_path": ""}
        assert client.portal is not None
        app: Any = client.app
        client.portal.call(app, scope, receive, send)
    assert read == 10
    assert sent[0]["status"] == 422
    assert b"max_ndjson_line_bytes" in sent[1]["body"]
