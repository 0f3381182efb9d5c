"""The probe set: texts on which every exported variant is compared with the model itself.

Made from the standard library's own documentation, so it is there offline, on every machine, and
the same for the same Python: the first sentence of a docstring is a query, the rest its answer.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from molt.training.errors import TrainingError

_SIZE = 240
_MODULES = (
    "argparse", "ast", "asyncio", "calendar", "collections", "concurrent.futures", "configparser",
    "contextlib", "csv", "datetime", "decimal", "difflib", "email.message", "email.utils", "enum",
    "fractions", "ftplib", "functools", "gzip", "hashlib", "heapq", "hmac", "html.parser",
    "http.client", "http.cookies", "imaplib", "inspect", "io", "ipaddress", "itertools", "json",
    "locale", "logging", "logging.handlers", "mailbox", "math", "mimetypes", "multiprocessing.pool",
    "numbers", "optparse", "os", "pathlib", "pickle", "platform", "pprint", "queue", "random", "re",
    "sched", "secrets", "selectors", "shelve", "shlex", "shutil", "smtplib", "socket",
    "socketserver", "sqlite3", "ssl", "statistics", "string", "subprocess", "tarfile", "tempfile",
    "textwrap", "threading", "timeit", "tokenize", "traceback", "types", "typing", "unittest.case",
    "unittest.mock", "urllib.parse", "urllib.request", "uuid", "warnings", "weakref",
    "xml.etree.ElementTree", "zipfile",
)  # fmt: skip
_FIRST_SENTENCE = re.compile(r"\s*(.{20,240}?\.)\s+(.{120,})", re.DOTALL)


@dataclass(frozen=True)
class Probe:
    """Queries and documents, one for one: the document at a query's place is its answer."""

    queries: tuple[str, ...]
    documents: tuple[str, ...]


@cache
def probe_set() -> Probe:
    """The texts, the same in every process. Raises `TrainingError` where docstrings are gone."""
    pairs: dict[str, str] = {}
    for name in _MODULES:
        for text in _docstrings(importlib.import_module(name)):
            split = _FIRST_SENTENCE.fullmatch(text)
            if split is not None and split[2] not in pairs.values():
                pairs.setdefault(split[1], split[2])
    if len(pairs) < _SIZE:
        raise TrainingError("the probe set needs docstrings; run Python without -OO")
    step = len(pairs) / _SIZE
    chosen = [list(pairs.items())[int(at * step)] for at in range(_SIZE)]
    return Probe(
        queries=tuple(query for query, _ in chosen),
        documents=tuple(document for _, document in chosen),
    )


def _docstrings(module: ModuleType) -> Iterator[str]:
    """Docstrings of what `module` defines and of its public methods, in the order of names."""
    for _, thing in sorted(vars(module).items(), key=lambda pair: pair[0]):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        yield _documentation(thing)
        if inspect.isclass(thing):
            for name, member in sorted(vars(thing).items()):
                if not name.startswith("_"):
                    yield _documentation(member)


def _documentation(thing: object) -> str:
    text = getattr(thing, "__doc__", None)
    return inspect.cleandoc(text) if isinstance(text, str) else ""
