"""Patches of documents as a command line gives them: one, or a file of JSON Lines."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from molt.cli.edge import CommandError

if TYPE_CHECKING:
    from molt.index.catalog.rows.patching import DocumentPatch

_PATCHES = 500
"""So many are applied in one transaction."""


class _LineError(Exception):
    """What is wrong with a line."""


def one_patch(doc_id: str, metadata: str) -> "DocumentPatch":
    """A patch of metadata given as JSON. Raises `typer.BadParameter` for what is no object."""
    from molt.index.catalog.rows.patching import DocumentPatch

    try:
        value = json.loads(metadata)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint="JSON") from None
    if not isinstance(value, dict):
        raise typer.BadParameter('is no JSON object, as {"price": 12}', param_hint="JSON")
    return DocumentPatch(doc_id, value)


def read_patches(file: Path) -> Iterator[Sequence["DocumentPatch"]]:
    """The patches of a file, some hundred at a time.

    Raises `CommandError`, which names the line, once those before it have been taken.
    """
    lines = nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")
    with lines as stream:
        batch: list[DocumentPatch] = []
        for number, line in enumerate(stream, 1):
            try:
                batch += [_patch(line)] if line.strip() else []
            except _LineError as error:
                yield batch
                raise CommandError(f"line {number}: {error}; those before it were taken") from None
            if len(batch) >= _PATCHES:
                yield batch
                batch = []
        yield batch


def _patch(line: bytes) -> "DocumentPatch":
    """Raises `_LineError`, which says what is wrong."""
    from molt.index.catalog.rows.encoding import check_patch
    from molt.index.catalog.rows.patching import DocumentPatch
    from molt.index.errors import InvalidDocumentError

    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise _LineError("is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise _LineError('is no JSON object, as {"id": "d7", "metadata": {"price": 12}}')
    unknown = value.keys() - {"id", "metadata", "title", "text"}
    if unknown:
        raise _LineError(f"{min(unknown)[:80]} is not a known name")
    given = {name: each for name, each in value.items() if each is not None}
    patch = DocumentPatch(
        given.get("id", ""), given.get("metadata", {}), given.get("title"), given.get("text")
    )
    try:
        return check_patch(patch)
    except InvalidDocumentError as error:
        raise _LineError(str(error)) from None
