"""A documented object as a document: signature, cleaned docstring and fields to filter by.

Pure functions of an object that is already imported.
"""

import enum
import inspect
import re
from pathlib import Path
from typing import Any

from objects import Entry, Kind

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
BLANK_LINES = re.compile(r"\n\s*\n+")
DEPRECATED = re.compile(r"^\s*(this \w+ is )?(now )?deprecated\b|\bdeprecated since\b", re.I | re.M)
NOTHING_SAID = re.compile(r"Alias for field number \d+|Initialize self\.  See help.*")
PLAIN = (bool, int, float, str, bytes, type(None))
LONGEST_DEFAULT = 40


class Literal(str):
    """A default value as it is printed in a signature: its own `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The text itself, without quotes."""
        return str(self)


def document(entry: Entry) -> dict[str, Any] | None:
    """A row of `corpus.jsonl`; `None` where the object has nothing to read."""
    docstring = docstring_of(entry)
    if docstring is None:
        return None
    signature, body = split_signature(entry, docstring)
    text = f"{signature}\n\n{body}".strip()
    return {"_id": entry.name, "title": entry.name, "text": text, "metadata": metadata(entry, body)}


def docstring_of(entry: Entry) -> str | None:
    """The cleaned docstring of the object itself, never one inherited from a base.

    A class that has none is described by its own `__init__`.
    """
    raw = getattr(entry.target, "__doc__", None)
    if raw is None and isinstance(entry.target, type):
        raw = getattr(vars(entry.target).get("__init__"), "__doc__", None)
    if not isinstance(raw, str):
        return None
    text = ADDRESS.sub("", BLANK_LINES.sub("\n\n", inspect.cleandoc(raw))).strip()
    empty = text in {"", short_name(entry)} or NOTHING_SAID.fullmatch(text)
    return None if empty else text


def short_name(entry: Entry) -> str:
    """The last part of the dotted name."""
    return entry.name.rpartition(".")[2]


def split_signature(entry: Entry, docstring: str) -> tuple[str, str]:
    """The signature, from the object or else from the docstring's first line, and the rest."""
    first, _, rest = docstring.partition("\n")
    written = re.match(rf"(?:[\w.]+\.)?{re.escape(short_name(entry))}\(", first)
    if written and rest.strip():
        return first.strip(), rest.strip()
    return signature_of(entry), docstring


def signature_of(entry: Entry) -> str:
    """`name(arguments)` without annotations, or nothing where Python does not know it."""
    if entry.kind in {Kind.MODULE, Kind.PROPERTY}:
        return ""
    target = getattr(entry.target, "__func__", entry.target)
    try:
        signature = inspect.signature(target)  # type: ignore[arg-type]
    except (ValueError, TypeError, NameError, AttributeError):
        return ""
    parameters = [
        plain(parameter) for name, parameter in signature.parameters.items() if name != "self"
    ]
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return f"{short_name(entry)}{bare}"


def plain(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter without annotation, its default printed the same on every machine."""
    bare = parameter.replace(annotation=inspect.Parameter.empty)
    if bare.default is inspect.Parameter.empty:
        return bare
    return bare.replace(default=Literal(printed(bare.default)))


def printed(value: object) -> str:
    """A default value in a signature; `...` for whatever may differ between two runs."""
    if isinstance(value, enum.Enum):
        return str(value)
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, str) and Path(value).is_absolute():
        return "..."
    if isinstance(value, PLAIN) and len(repr(value)) <= LONGEST_DEFAULT:
        return repr(value)
    return repr(value) if value in ((), [], {}) else "..."


def metadata(entry: Entry, body: str) -> dict[str, Any]:
    """Fields to filter by: `deprecated` is there only where it is true."""
    fields: dict[str, Any] = {
        "module": entry.module.name,
        "package": entry.module.package,
        "kind": str(entry.kind),
    }
    condemned = entry.module.deprecated or hasattr(entry.target, "__deprecated__")
    return {**fields, "deprecated": True} if condemned or DEPRECATED.search(body) else fields
