"""The probe set: texts on which every exported variant is compared with the model itself.

Made from the standard library's own documentation, so it is there offline, on every machine, and
the same for the same Python: sentences of a docstring are queries, and what follows the first of
them, titled with the name of what it documents, is their answer.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from molt.training.errors import TrainingError

_DOCUMENTS = 180
_SENTENCES = 2
_EVERY = 13
_BESIDE = 3
_MODULES = (
    "argparse", "ast", "asyncio", "calendar", "collections", "concurrent.futures", "configparser",
    "contextlib", "csv", "datetime", "decimal", "difflib", "email.message", "email.utils", "enum",
    "fractions", "ftplib", "functools", "gzip", "hashlib", "heapq", "hmac", "html.parser",
    "http.client", "http.cookies", "imaplib", "inspect", "io", "ipaddress", "itertools", "json",
    "locale", "logging", "logging.handlers", "mailbox", "math", "mimetypes", "multiprocessing.pool",
    "numbers", "optparse", "os", "pathlib", "pickle", "platform", "pprint", "queue", "random", "re",
    "sched", "secrets", "selectors", "shelve", "shlex", "shutil", "smtplib", "socket",
    "socketserver", "sqlite3", "ssl", "statistics", "string", "subprocess", "tarfile", "tempfile",
    "textwrap", "threading", "timeit", "tokenize", "traceback", "types", "unittest.case",
    "unittest.mock", "urllib.parse", "urllib.request", "uuid", "warnings", "weakref",
    "xml.etree.ElementTree", "zipfile",
)  # fmt: skip
_FIRST_SENTENCE = re.compile(r"\s*(.{20,240}?\.)\s+(.{120,})", re.DOTALL)
_SENTENCE = re.compile(r"[^.]{30,300}?\.(?=\s|$)")


@dataclass(frozen=True)
class Probe:
    """Queries, documents, and `answers`: the place of the document that each query asks for."""

    queries: tuple[str, ...]
    documents: tuple[str, ...]
    answers: tuple[int, ...]


@cache
def probe_set() -> Probe:
    """The texts, the same in every process. Raises `TrainingError` where docstrings are gone."""
    entries = _entries()
    if len(entries) < _DOCUMENTS:
        raise TrainingError("the probe set needs docstrings; run Python without -OO")
    chosen = [entries[at * len(entries) // _DOCUMENTS] for at in range(_DOCUMENTS)]
    asked = [
        (query, at)
        for at, (_, first, rest) in enumerate(chosen)
        for query in (first, *_SENTENCE.findall(rest)[:_SENTENCES])
    ]
    return Probe(
        queries=tuple(query.strip() for query, _ in asked),
        documents=tuple(f"{title} {rest}" for title, _, rest in chosen),
        answers=tuple(at for _, at in asked),
    )


@cache
def probe_pairs() -> tuple[tuple[str, tuple[str, ...], int], ...]:
    """Some of the queries, each with texts among which its answer is, and the answer's place.

    The others are documents that stand near it, mostly of the same module: what a re-ranker is
    asked to tell apart.
    """
    probe = probe_set()
    found = []
    for query, answer in list(zip(probe.queries, probe.answers, strict=True))[::_EVERY]:
        first = min(max(0, answer - _BESIDE), len(probe.documents) - 2 * _BESIDE)
        texts = probe.documents[first : first + 2 * _BESIDE]
        found.append((query, texts, answer - first))
    return tuple(found)


def _entries() -> list[tuple[str, str, str]]:
    """Title, first sentence and rest of each docstring long enough; no rest comes twice."""
    found: dict[str, tuple[str, str, str]] = {}
    for name in _MODULES:
        for title, text in _docstrings(importlib.import_module(name)):
            split = _FIRST_SENTENCE.fullmatch(text)
            if split is not None:
                found.setdefault(split[2], (title.replace(".", " "), split[1], split[2]))
    return list(found.values())


def _docstrings(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Name and docstring of what `module` defines and of its public methods, by name."""
    for name, thing in sorted(vars(module).items(), key=lambda pair: pair[0]):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        yield f"{module.__name__}.{name}", _documentation(thing)
        if inspect.isclass(thing):
            for method, member in sorted(vars(thing).items(), key=lambda pair: pair[0]):
                grafted = getattr(member, "__module__", module.__name__) != module.__name__
                if not method.startswith("_") and not grafted:
                    yield f"{module.__name__}.{name}.{method}", _documentation(member)


def _documentation(thing: object) -> str:
    text = getattr(thing, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) else ""
