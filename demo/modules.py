"""The public modules of the installed standard library, imported quietly.

Knows nothing of what is inside a module.
"""

import contextlib
import importlib
import io
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

# Left out because importing them does something (opens a browser, prints, loads test suites).
ACTIVE = {"antigravity", "idlelib", "test", "tests", "this", "turtledemo"}
# Left out because a machine may lack them: a corpus should not depend on there being a display.
GRAPHICAL = {"tkinter", "turtle"}
# Left out because their contents have a better public name, or none.
HIDDEN = {
    "distutils",
    "genericpath",
    "lib2to3",
    "nt",
    "ntpath",
    "opcode",
    "posix",
    "posixpath",
    "pydoc_data",
    "sre_compile",
    "sre_constants",
    "sre_parse",
    "xxlimited",
    "xxlimited_35",
    "xxsubtype",
}
LEFT_OUT = ACTIVE | GRAPHICAL | HIDDEN


@dataclass(frozen=True)
class Module:
    """A module under its public name (`os.path`, never `posixpath`)."""

    name: str
    target: ModuleType
    deprecated: bool

    @property
    def package(self) -> str:
        """The first part of the dotted name."""
        return self.name.partition(".")[0]


def public_modules() -> list[Module]:
    """Every public module that can be imported here, by name; those that cannot are skipped."""
    names = sorted(name for name in sys.stdlib_module_names if is_public(name))
    modules = [module for name in names for module in walk(name)]
    return sorted([*modules, *walk("os.path")], key=lambda module: module.name)


def is_public(name: str) -> bool:
    """Whether a module of this undotted name belongs in the corpus."""
    return not name.startswith("_") and name not in LEFT_OUT


def walk(name: str) -> Iterator[Module]:
    """The module `name` and, when it is a package, every public module inside it."""
    module = load(name)
    if module is None:
        return
    yield module
    for child in pkgutil.iter_modules(getattr(module.target, "__path__", [])):
        if is_public(child.name):
            yield from walk(f"{name}.{child.name}")


def load(name: str) -> Module | None:
    """Import a module silently; `None` where this machine or platform lacks it."""
    silence = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stdout(silence),
        contextlib.redirect_stderr(silence),
    ):
        warnings.simplefilter("always")
        try:
            target = importlib.import_module(name)
        except (ImportError, AttributeError, OSError):
            return None
    return Module(name, target, deprecated=any(condemns(warning, name) for warning in caught))


def condemns(warning: warnings.WarningMessage, name: str) -> bool:
    """Whether a warning says that the module `name` itself, not something in it, is deprecated."""
    text = str(warning.message)
    named = text.startswith(
        (f"'{name}' ", f"{name} ", f"the {name} module ", f"The {name} module ")
    )
    return issubclass(warning.category, DeprecationWarning) and named and "deprecated" in text
