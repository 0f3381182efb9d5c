"""A key that is revoked while its stream is open, alone or beside a key for something else."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from molt.app.routes.documents.ndjson import BATCH_LINES
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.catalog import home_url, open_catalog
from tests.app.serving import started

SOON = 60.0


@pytest.mark.parametrize(("beside", "status"), [(None, 401), ("other", 403)])
def test_a_stream_ends_when_its_key_is_revoked(
    tmp_path: Path, beside: str | None, status: int
) -> None:
    with (
        closing(open_catalog(home_url(tmp_path))) as catalog,
        started(tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=SOON) as client,
    ):
        admin, writer = (catalog.keys.create(role, role) for role in (Role.ADMIN, Role.WRITE))
        client.headers["api-key"] = admin
        wait_for(client, writer, 200)
        more = {}
        if beside is not None:
            secret = catalog.keys.create("beside", Role.WRITE, reach=Reach((beside,)))
            more = {"Authorization": f"Bearer {secret}"}
        client.post("/collections", json={"name": "shop"}).raise_for_status()

        def lines(first: int) -> bytes:
            numbers = range(first, first + BATCH_LINES)
            return b"".join(
                json.dumps({"id": f"d{n}", "text": "boots"}).encode() + b"\n" for n in numbers
            )

        def stream() -> Iterator[bytes]:
            yield lines(0)
            while client.get("/collections/shop").json()["documents"] < BATCH_LINES:
                pass
            catalog.keys.revoke(Role.WRITE)
            wait_for(client, writer, 401)
            yield lines(BATCH_LINES)
            yield lines(2 * BATCH_LINES)

        headers = {"Content-Type": "application/x-ndjson", "api-key": writer} | more
        path = "/collections/shop/documents?wait=false"
        answer = client.post(path, content=stream(), headers=headers)
        assert answer.status_code == status
        assert answer.json()["accepted"] == BATCH_LINES
        assert client.get("/collections/shop").json()["documents"] == BATCH_LINES


@pytest.mark.parametrize("beside", [None, "other"])
def test_who_follows_a_job_is_told_no_more_when_its_key_is_revoked(
    tmp_path: Path, beside: str | None
) -> None:
    with (
        closing(open_catalog(home_url(tmp_path))) as catalog,
        started(tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=SOON) as client,
    ):
        client.headers["api-key"] = catalog.keys.create("day", Role.ADMIN)
        night = catalog.keys.create("night", Role.ADMIN)
        wait_for(client, night, 200)
        client.post("/collections", json={"name": "shop"}).raise_for_status()
        job = client.post("/admin/reindex", json={"collection": "shop"}).raise_for_status()
        headers = {"api-key": night}
        if beside is not None:
            secret = catalog.keys.create("beside", Role.ADMIN, reach=Reach((beside,)))
            headers["Authorization"] = f"Bearer {secret}"
        with client.stream("GET", f"{job.headers['location']}/events", headers=headers) as told:
            catalog.keys.revoke("night")
            assert (told.status_code, told.read()) == (200, b"")


def wait_for(client: httpx.Client, key: str, status: int) -> None:
    until = time.monotonic() + SOON
    while client.get("/collections", headers={"api-key": key}).status_code != status:
        assert time.monotonic() < until
