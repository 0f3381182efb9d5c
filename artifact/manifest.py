"""A manifest: JSON that carries its own SHA-256, so that a flipped bit in it is found too."""

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson

from molt.artifact.directory import write_atomically
from molt.artifact.errors import CorruptFileError, UnsupportedFormatError
from molt.artifact.files import reading


def canonical_json(value: object) -> bytes:
    """The one spelling of a JSON value that is hashed: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def write_manifest(path: Path, body: dict[str, Any]) -> None:
    """Write `body` (which holds an integer `format`) with its `sha256`, durably and atomically."""
    signed = body | {"sha256": hashlib.sha256(canonical_json(body)).hexdigest()}
    write_atomically(path, (json.dumps(signed, indent=1, ensure_ascii=False) + "\n").encode())


def _digest(path: Path, body: dict[str, Any]) -> str:
    try:
        return hashlib.sha256(canonical_json(body)).hexdigest()
    except orjson.JSONEncodeError as error:  # it may nest deeper than can be written
        raise CorruptFileError(path, f"the manifest is none of Molt's ({error})") from None


def read_manifest(path: Path, *, supported: int) -> dict[str, Any]:
    """Read a manifest and check its own SHA-256.

    Raises `CorruptFileError` where it is missing, not JSON or altered, and
    `UnsupportedFormatError` where its `format` is newer than `supported`.
    """
    try:
        with reading(path):
            body = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise CorruptFileError(path, "the manifest is missing") from None
    except orjson.JSONDecodeError as error:
        raise CorruptFileError(path, f"the manifest is not JSON ({error})") from None
    if not isinstance(body, dict) or not isinstance(body.get("format"), int):
        raise CorruptFileError(path, "the manifest names no format")
    recorded = body.pop("sha256", None)
    if recorded != _digest(path, body):
        raise CorruptFileError(path, "the manifest's own SHA-256 does not match its content")
    if body["format"] > supported:
        raise UnsupportedFormatError(path, found=body["format"], supported=supported)
    return body
