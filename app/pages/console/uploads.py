"""`/console/upload`: a file is brought, looked at, and kept when its person says so."""

import asyncio
import re
import time
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import save_body, too_large
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import CollectionName
from molt.app.pages.console.survey import keep_upload, survey_upload
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.pages.search.endpoints import chosen_collection, known_collections
from molt.app.service import Service, service_of
from molt.index.catalog.access.reach import EVERYTHING
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.collection import Collection
from molt.index.errors import CollectionNotFoundError
from molt.index.files import SourceError

router = new_page_router()

_KEPT_SECONDS = 3600.0
_ID = re.compile(r"[0-9a-f]{32}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_CHARS = 100


class KeepForm(BaseModel):
    """Which upload to keep, and where."""

    upload: str = Field(max_length=32)
    collection: CollectionName


@router.get("/console/upload")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def get_console_upload(request: Request) -> Response:
    """Where files are dropped."""
    service = service_of(request)
    context = {"here": "/console", "tab": "upload", "most": service.settings.limits.max_body_bytes}
    return await admission_of(request).run(
        lambda: write_page(viewer_of(request), "console_upload.html", context)
    )


@router.post("/console/upload")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
@within(Bulkhead.IMPORTS)
async def post_console_upload(
    request: Request, name: Annotated[str, Query(max_length=1000)]
) -> Response:
    """Look at a file; nothing of it is kept yet but the file itself, for an hour."""
    service, admission = service_of(request), admission_of(request)
    path = await admission.run(_placed, service.settings.layout.uploads, name)
    limit = service.settings.limits.max_body_bytes
    try:
        await save_body(request, path, limit=limit, refusal=too_large(limit))
        return await admission.run(_look_at, request, name, path)
    except BaseException:
        await asyncio.to_thread(rmtree, path.parent, ignore_errors=True)
        raise


@router.post("/console/upload/keep")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
@within(Bulkhead.IMPORTS)
async def post_console_upload_kept(request: Request) -> Response:
    """Keep what a file holds, in a collection that is made where it is missing."""
    require_form(request)
    return await admission_of(request).run(_keep, request, form_of(request, KeepForm))


def _placed(root: Path, name: str) -> Path:
    """Where a new upload is to lie, alone in a folder of its own."""
    _sweep(root)
    folder = root / token_hex(16)
    folder.mkdir(mode=0o700, parents=True)
    return folder / _safe(name)


def _look_at(request: Request, name: str, path: Path) -> Response:
    try:
        survey = survey_upload(path)
    except SourceError as error:
        raise _unread(name, error) from None
    names = known_collections(service_of(request).engine, EVERYTHING)
    context = {
        "name": name,
        "upload": path.parent.name,
        "survey": survey,
        "collections": names,
        "collection": chosen_collection(names, None) or DEFAULT,
    }
    return write_page(viewer_of(request), "console_survey.html", context)


def _keep(request: Request, form: KeepForm) -> Response:
    service = service_of(request)
    path = _path_of(service.settings.layout.uploads, form.upload)
    collection = _found_or_made(service, form.collection)
    try:
        counts = keep_upload(path, service.engine.catalog, collection)
    except SourceError as error:
        raise _unread(path.name, error) from None
    service.engine.changed(collection.name)
    rmtree(path.parent, ignore_errors=True)
    context = {"collection": collection.name, "counts": counts}
    return write_page(viewer_of(request), "console_kept.html", context)


def _found_or_made(service: Service, name: str) -> Collection:
    try:
        return service.engine.catalog.collections.get(service.engine.models.collection_of(name))
    except CollectionNotFoundError:
        return service.engine.create(name).collection


def _path_of(root: Path, upload: str) -> Path:
    """The file of an upload. Raises `InvalidRequestError` where it is gone."""
    folder = root / upload
    found = [*folder.iterdir()] if _ID.fullmatch(upload) and folder.is_dir() else []
    if not found:
        raise InvalidRequestError([Violation("is gone; bring the file again", "form", ("upload",))])
    return found[0]


def _unread(name: str, error: SourceError) -> InvalidRequestError:
    return InvalidRequestError([Violation(error.reason, "form", (name[:_NAME_CHARS],))])


def _safe(name: str) -> str:
    """What a file may be called here: its end says what it holds, the rest nothing."""
    return _UNSAFE.sub("_", name)[-_NAME_CHARS:].lstrip(".-") or "file"


def _sweep(root: Path) -> None:
    """Remove what nobody came back for."""
    for folder in root.iterdir() if root.is_dir() else ():
        try:
            old = time.time() - folder.stat().st_mtime > _KEPT_SECONDS
        except FileNotFoundError:
            continue
        if old:
            rmtree(folder, ignore_errors=True)
