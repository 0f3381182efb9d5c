"""Every parser that reads a stranger's bytes, with seeds, and what it may raise about them."""

import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import orjson
import polars as pl

from molt.app.http.bodies import parse_json
from molt.app.http.failures import RequestError
from molt.app.http.stepwise import parse, parse_stepwise
from molt.app.http.validation import validate
from molt.app.routes.documents.intake import to_document
from molt.app.routes.documents.schemas import DocumentBody
from molt.artifact import ArtifactError, read_manifest, write_manifest
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST, read_checkpoint
from molt.encoder.errors import CheckpointError, EncoderError
from molt.encoder.safety.archive import unpack
from molt.encoder.tokenizer import Tokenizer
from molt.encoder.weights import check_table, check_weights
from molt.engine.errors import CursorError
from molt.engine.search.cursor import Cursor, read_cursor, write_cursor
from molt.engine.sections import LimitSettings
from molt.index.catalog.documents import encode_document
from molt.index.errors import FilterError, IndexingError, InvalidDocumentError, MatchError
from molt.index.files.errors import SourceError
from molt.index.files.progress import ReadProgress
from molt.index.files.table import read_table
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.order import Position
from molt.index.segments.matches.parsing import parse_facets, parse_group_by, parse_sort

LIMITS = LimitSettings()
Errors = tuple[type[Exception], ...]


@dataclass(frozen=True)
class Parser:
    """Reads `content` with a folder for what it writes; may raise `errors` and nothing else."""

    read: Callable[[bytes, Path], object]
    seeds: Callable[[], list[bytes]]
    errors: Errors


def _json(content: bytes, _folder: Path) -> None:
    """Both ways of reading agree, on what is refused as on what it says."""
    answers = []
    for read in (parse, parse_stepwise):
        try:
            answers.append(orjson.dumps(read(content)))
        except (RequestError, ValueError):
            answers.append(b"refused")
    assert answers[0] == answers[1]


def _document(content: bytes, _folder: Path) -> None:
    encode_document(to_document(validate(DocumentBody, parse_json(content)), LIMITS))


def _filter(content: bytes, _folder: Path) -> None:
    parse_filter(parse_json(content), max_nodes=LIMITS.max_filter_nodes)


def _table(name: str) -> Callable[[bytes, Path], None]:
    def read(content: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(content)
        for _ in read_table(path, ReadProgress()):
            continue

    return read


def _archive(content: bytes, folder: Path) -> None:
    path = folder / "archive"
    path.write_bytes(content)
    rmtree(folder / "unpacked", ignore_errors=True)
    unpack(path, folder / "unpacked", limit=2**20)
    assert all(each.resolve().is_relative_to(folder) for each in folder.rglob("*"))


def _manifest(content: bytes, folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_bytes(content)
    read_manifest(path, supported=2)


def _checkpoint(content: bytes, folder: Path) -> None:
    """With a checksum that is right, as whoever makes a manifest would give it."""
    body = orjson.loads(content) if content.startswith(b"{") else {}
    if isinstance(body, dict):
        (folder / CHECKPOINT_MANIFEST).unlink(missing_ok=True)
        write_manifest(folder / CHECKPOINT_MANIFEST, {"format": 2} | body)
        read_checkpoint(folder)


def _weights(content: bytes, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(content)
    check_weights(path)
    check_table(path, width=2)


def _tokenizer(content: bytes, folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_bytes(content)
    Tokenizer(path, max_length=16).encode(["a text", ""])


def _cursor(content: bytes, _folder: Path) -> None:
    read_cursor(content.decode("latin-1"))


def _cursor_seeds() -> list[bytes]:
    after = Position(((0, 2.5), None, (2, "a")), 0.5, "d1")
    cursors = (
        Cursor("0" * 16, "c" * 16, 10, after),
        Cursor("0" * 16, "c" * 16, 3, None, frozenset({1, 5})),
    )
    return [b"b2Zmc2V0OjEw", *(write_cursor(one).encode() for one in cursors)]


def _matches(content: bytes, _folder: Path) -> None:
    asked = parse_json(content)
    for parse_part in (parse_facets, parse_sort, parse_group_by):
        with suppress(MatchError):
            parse_part(asked)


def _match_seeds() -> list[bytes]:
    return [
        b'["brand", {"field": "price", "ranges": [{"gte": 1, "lt": "2024-03-01"}, {"gt": 2.5}]}]',
        b'["price:desc", {"field": "a.b", "order": "asc", "limit": 3, "buckets": 7}]',
    ]


def _json_seeds() -> list[bytes]:
    return [
        b'{"query": "boots", "k": 10, "filter": {"field": "a", "in": ["b", 1, 2.5, true, null]}}',
        b'[1, -0, 1e5, "\\u00e9\\n", {"a": {"b": [[], {}]}}]',
        b'  "a text" ',
        json.dumps({"documents": [{"id": f"{n}", "text": "x" * 50} for n in range(40)]}).encode(),
    ]


def _filter_seeds() -> list[bytes]:
    return [
        b'{"all": [{"field": "brand", "eq": "acme"}, {"field": "price", "gte": 10, "lt": 50}]}',
        b'{"any": [{"field": "tags", "in": ["a", "b"]}, {"not": {"field": "a", "exists": true}}]}',
        b'{"field": "a", "any_element": {"field": "b", "prefix": "2024-03-01", "is_null": false}}',
        b'{"price": {"$gte": 10}, "key": "a", "match": {"value": 1}, "operator": "=="}',
    ]


def _document_seeds() -> list[bytes]:
    return [
        b'{"id": "a", "title": "T", "text": "a text", "metadata": {"price": 1.5, "tags": ["x"]}}',
        b'{"id": "b", "text": "\\ud83d\\ude00", "metadata": {"a": {"b": {"c": [1, null]}}}}',
    ]


def _csv_seeds() -> list[bytes]:
    return [
        b'_id,title,text,price\nd1,Boots,"warm, ""dry"" boots",80\nd2,,"two\nlines",n/a\n',
        b"id,text\r\na,b\r\nc,d\r\n",
    ]


def _jsonl_seeds() -> list[bytes]:
    return [b'{"_id": "a", "text": "b"}\n{"_id": 1, "text": "c", "metadata": {"x": [1]}}\n\n']


def _array_seeds() -> list[bytes]:
    rows = [{"_id": "a", "text": "b"}, {"_id": 1, "text": "c", "metadata": {"x": [1, "}"]}}]
    return [json.dumps(rows, indent=2).encode(), json.dumps({"data": rows}, indent=1).encode()]


def _encoded_seeds() -> list[bytes]:
    text = "id;text\n1;Zelt für zwei\n2;größe\n"
    return [text.encode(name) for name in ("utf-8-sig", "utf-16", "cp1252", "utf-16-le")]


def _arrow_seeds() -> list[bytes]:
    file = io.BytesIO()
    pl.DataFrame({"_id": ["a", "b"], "text": ["x", "y"]}).write_ipc_stream(file)
    return [file.getvalue()]


def _gzip_seeds() -> list[bytes]:
    return [gzip.compress(seed, mtime=0) for seed in _jsonl_seeds()]


def _parquet_seeds() -> list[bytes]:
    file = io.BytesIO()
    pl.DataFrame({"_id": ["a", "b"], "text": ["x", "y"], "price": [1.5, None]}).write_parquet(file)
    return [file.getvalue()]


def _archive_seeds() -> list[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("config.json", "1_Pooling/config.json"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
    return [file.getvalue(), gzip.compress(file.getvalue(), mtime=0)]


def _manifest_seeds() -> list[bytes]:
    files = [{"name": "x", "size": 1, "sha256": "00"}]
    return [orjson.dumps({"format": 1, "id": "a", "files": files, "checksum": "0000"})]


def _checkpoint_seeds() -> list[bytes]:
    return [
        orjson.dumps(
            {
                "id": "0" * 16,
                "kind": "bi-encoder",
                "capabilities": ["embed", "tokens"],
                "base_model": "m",
                "dimension": 8,
                "max_length": 64,
                "pooling": "mean",
                "prompts": {"query": "", "document": ""},
                "created_at": "2026-01-01T00:00:00+00:00",
                "files": [{"name": "tokenizer.json", "size": 2, "sha256": "0" * 64}],
                "variants": [],
            }
        )
    ]


def _weights_seeds() -> list[bytes]:
    header = b'{"embeddings": {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}}'
    return [struct.pack("<Q", len(header)) + header + bytes(24)]


def _tokenizer_seeds() -> list[bytes]:
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "text": 2}, "unk_token": "[UNK]"}
    described = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": model,
    }
    return [orjson.dumps(described)]


PARSERS = {
    "json": Parser(_json, _json_seeds, ()),
    "document": Parser(_document, _document_seeds, (RequestError, InvalidDocumentError)),
    "filter": Parser(_filter, _filter_seeds, (RequestError, FilterError)),
    "csv": Parser(_table("a.csv"), _csv_seeds, (SourceError,)),
    "jsonl": Parser(_table("a.jsonl"), _jsonl_seeds, (SourceError,)),
    "jsonl.gz": Parser(_table("a.jsonl.gz"), _gzip_seeds, (SourceError,)),
    "parquet": Parser(_table("a.parquet"), _parquet_seeds, (SourceError,)),
    "json array": Parser(_table("a.json"), _array_seeds, (SourceError,)),
    "encoded csv": Parser(_table("a.csv"), _encoded_seeds, (SourceError,)),
    "arrow": Parser(_table("a.arrow"), _arrow_seeds, (SourceError,)),
    "archive": Parser(_archive, _archive_seeds, (CheckpointError,)),
    "manifest": Parser(_manifest, _manifest_seeds, (ArtifactError,)),
    "checkpoint": Parser(
        _checkpoint, _checkpoint_seeds, (ArtifactError, CheckpointError, orjson.JSONDecodeError)
    ),
    "weights": Parser(_weights, _weights_seeds, (CheckpointError,)),
    "tokenizer": Parser(_tokenizer, _tokenizer_seeds, (EncoderError, IndexingError)),
    "cursor": Parser(_cursor, _cursor_seeds, (CursorError,)),
    "matches": Parser(_matches, _match_seeds, (RequestError,)),
}
