"""`/docs` and `/openapi.json`: the API for a human and for a machine.

Everything that the page loads comes from here; its policy lets it load nothing else.
"""

from importlib.resources import files
from typing import Annotated, Literal

from fastapi import Path, Request
from starlette.responses import Response

from molt.app.http.answers import Json, page_headers
from molt.app.http.auth import Access, allow, by_session
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import KeyScope, scoped

router = new_router("docs")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
Asset = Literal["swagger-ui-bundle.js", "swagger-ui.css", "start.js"]
_TYPES = {"js": "text/javascript", "css": "text/css", "html": "text/html"}


@router.get("/openapi.json", operation_id="openapi", response_model=dict[str, object])
@allow(Access.READ)
@scoped(KeyScope.FREE)
@by_session
async def get_openapi(request: Request) -> Json:
    """The OpenAPI document."""
    return Json(await admission_of(request).run(request.app.openapi))


@router.get("/docs", operation_id="docs", response_class=Response)
@allow(Access.READ)
@scoped(KeyScope.FREE)
@by_session
async def get_docs() -> Response:
    """This API as a page."""
    return _serve("index.html")


@router.get("/docs/{asset}", operation_id="docs_asset", response_class=Response)
@allow(Access.READ)
@scoped(KeyScope.FREE)
@by_session
async def get_asset(asset: Annotated[Asset, Path()]) -> Response:
    """A part of the page."""
    return _serve(asset)


def _serve(name: str) -> Response:
    content = files(__package__).joinpath("assets", name).read_bytes()
    media_type = _TYPES[name.rpartition(".")[2]]
    return Response(content, headers=page_headers(_POLICY), media_type=media_type)
