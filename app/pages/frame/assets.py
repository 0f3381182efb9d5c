"""Assets: what pages load, each under a name that changes with its content, so it is kept for long.

Whoever has no key yet may load them: the page that asks for one is made of them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated

from fastapi import Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from molt.app.http.auth import Access, allow
from molt.app.http.scope import KeyScope, scoped
from molt.app.pages.frame.page_route import new_page_router

router = new_page_router()

_TYPES = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_KEPT = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class PageAsset:
    """A file that pages load: where it is served, and what it holds."""

    path: str
    content: bytes
    media_type: str


@router.get("/assets/{asset}")
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def get_page_asset(asset: Annotated[str, Path(max_length=100)]) -> Response:
    """A part of a page, for ever the same under its name."""
    found = next((one for one in assets().values() if one.path == f"/assets/{asset}"), None)
    if found is None:
        raise HTTPException(404)
    return Response(found.content, headers=_KEPT, media_type=found.media_type)


@cache
def assets() -> Mapping[str, PageAsset]:
    """Every asset by the name of its file."""
    found = {}
    for file in files(__package__).joinpath("assets").iterdir():
        stem, _, end = file.name.rpartition(".")
        if end in _TYPES:
            content = file.read_bytes()
            version = hashlib.sha256(content).hexdigest()[:12]
            path = f"/assets/{stem}.{version}.{end}"
            found[file.name] = PageAsset(path, content, _TYPES[end])
    return found
