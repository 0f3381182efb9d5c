"""The public classes, functions, methods and properties of modules, each once, by canonical name.

Decides what counts and what it is called. Reads no docstring's meaning and writes nothing.
"""

import functools
import inspect
import types
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from modules import Module

FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
METHODS = (
    types.FunctionType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    classmethod,
    staticmethod,
)
PROPERTIES = (property, functools.cached_property, types.GetSetDescriptorType)
# Second names of a class whose first is the one that people use.
ALIASES = {"socket.SocketType"}


class Kind(StrEnum):
    """What a documented object is."""

    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"
    METHOD = "method"
    PROPERTY = "property"


@dataclass(frozen=True)
class Entry:
    """A public object under one name."""

    name: str
    kind: Kind
    target: object
    module: Module


def public_objects(modules: list[Module]) -> list[Entry]:
    """Modules, then classes and functions, then members: one entry an object, by name."""
    outer = canonical(entry for module in modules for entry in contents(module))
    classes = sorted((entry for entry in outer if entry.kind is Kind.CLASS), key=lineage)
    named = {identity(entry.target) for entry in outer}
    inner = canonical(
        entry for owner in classes for entry in members(owner, named) if is_new(entry, named)
    )
    whole = [Entry(module.name, Kind.MODULE, module.target, module) for module in modules]
    return sorted(unique([*whole, *outer, *inner]), key=lambda entry: entry.name)


def unique(entries: Iterable[Entry]) -> Iterable[Entry]:
    """One entry a name; the first wins."""
    return {entry.name: entry for entry in reversed(list(entries))}.values()


def canonical(entries: Iterable[Entry]) -> list[Entry]:
    """For each object the entry whose name serves best; of equals the first."""
    best: dict[int, Entry] = {}
    for entry in sorted(entries, key=awkwardness):
        best.setdefault(identity(entry.target), entry)
    return list(best.values())


def awkwardness(entry: Entry) -> tuple[int, bool, bool]:
    """Sorts names: short before long, then those that say what and where the object says it is."""
    path, _, short = entry.name.rpartition(".")
    renamed = short != getattr(entry.target, "__name__", short)
    return entry.name.count("."), renamed, path != home(entry.target)


def lineage(owner: Entry) -> int:
    """How many bases a class has; a member of a nameless base goes to the least derived class."""
    return len(getattr(owner.target, "__mro__", ()))


def identity(target: object) -> int:
    """One number for an object and every wrapping of it (bound, static or class method)."""
    return id(getattr(target, "__func__", target))


def is_new(entry: Entry, named: set[int]) -> bool:
    """Whether a member is not already known under a name of its own, as `random.randint` is."""
    return identity(entry.target) not in named


def contents(module: Module) -> Iterator[Entry]:
    """The classes and functions that a module offers as its own."""
    prefix = "" if module.name == "builtins" else f"{module.name}."
    declared = vars(module.target) if not prefix else getattr(module.target, "__all__", None)
    for name in sorted(set(vars(module.target) if declared is None else declared)):
        target = attribute(module.target, name)
        kind = kind_of(target)
        if name.startswith("_") or kind is None or f"{prefix}{name}" in ALIASES:
            continue
        if declared is not None or is_made_in(target, module):
            yield Entry(f"{prefix}{name}", kind, target, module)


def attribute(owner: object, name: str) -> object:
    """An attribute, or `None` where reading it fails; deprecation warnings are swallowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(owner, name, None)


def kind_of(target: object) -> Kind | None:
    """What an attribute of a module is; `None` for constants and other things not searched for."""
    if inspect.isclass(target):
        return Kind.CLASS
    if isinstance(target, FUNCTIONS):
        return Kind.FUNCTION
    if type(target).__module__ in {"typing", "functools"} and has_own_docstring(target):
        return Kind.FUNCTION if callable(target) and hasattr(target, "__wrapped__") else Kind.CLASS
    return None


def has_own_docstring(target: object) -> bool:
    """Whether an instance is documented itself, as `typing.Optional` is, not by its class alone."""
    return target.__doc__ is not None and target.__doc__ != type(target).__doc__


def is_made_in(target: object, module: Module) -> bool:
    """Whether an object comes from the module's package or from its C half (`_ssl` for `ssl`)."""
    return home(target).partition(".")[0].lstrip("_") == module.package


def home(target: object) -> str:
    """The name of the module that an object says it was made in."""
    return str(getattr(target, "__module__", None) or "")


def members(owner: Entry, named: set[int]) -> Iterator[Entry]:
    """Public methods and properties of a class, with those of bases that have no public name."""
    for base in getattr(owner.target, "__mro__", ()):
        if base is not owner.target and identity(base) in named:
            continue
        for name, target in vars(base).items():
            kind = member_kind(target)
            if kind and not name.startswith("_") and not is_repeated(name, target, base):
                yield Entry(f"{owner.name}.{name}", kind, target, owner.module)


def is_repeated(name: str, target: object, owner: type) -> bool:
    """Whether a member only repeats the docstring of the one that it overrides."""
    overridden = (vars(base).get(name) for base in owner.__mro__[1:])
    return any(base is not None and base.__doc__ == target.__doc__ for base in overridden)


def member_kind(target: object) -> Kind | None:
    """What an attribute of a class is; `None` for data and nested classes."""
    if isinstance(target, METHODS):
        return Kind.METHOD
    return Kind.PROPERTY if isinstance(target, PROPERTIES) else None
