"""Field kinds: which kinds of values the fields of a collection have, and so what may be asked.

A field that nobody has is an error, and so is a test that no value could pass by its kind. That is
decided over the whole collection, never over a part of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from itertools import islice
from operator import or_

from molt.index.errors import FilterError, UnknownFieldError
from molt.index.segments.attributes import Attributes
from molt.index.segments.filters import clauses
from molt.index.segments.filters.matching import compared_kinds
from molt.index.segments.scalar import ID_FIELD, ScalarKind, shown_field

_MAX_COMPARED = 1_000
_MAX_SETS = 100
_PLURAL = {
    ScalarKind.NUMBER: "numbers",
    ScalarKind.TEXT: "text",
    ScalarKind.BOOLEAN: "booleans",
    ScalarKind.DATE: "dates",
    ScalarKind.NULL: "null",
    ScalarKind.OBJECT: "objects",
}


@dataclass(frozen=True)
class FieldKinds:
    """The kinds of the values of each field that a filter names, and which fields there are.

    Whoever asks documents that are not indexed yet folds the kinds of everything that the
    collection has, segments (`Snapshot.field_kinds`) and batches of documents (`field_kinds` of
    their attributes) alike, with `|`; then checks the filter once, and asks batch by batch
    (`matching_documents`). Whether a document matches depends on no other one.
    """

    kinds: Mapping[str, frozenset[ScalarKind]]
    names: tuple[frozenset[str], ...] = ()
    complete: bool = True

    def __or__(self, other: "FieldKinds") -> "FieldKinds":
        """The kinds of both parts of a collection."""
        names = self.kinds.keys() | other.kinds.keys()
        none = frozenset[ScalarKind]()
        return FieldKinds(
            {name: self.kinds.get(name, none) | other.kinds.get(name, none) for name in names},
            _gathered((*self.names, *other.names)),
            self.complete and other.complete,
        )

    @property
    def known(self) -> frozenset[str]:
        """Every field that some document has."""
        return frozenset[str]().union(*self.names)

    def check(self, where: clauses.Filter, *, root: str = "$") -> None:
        """Raise `UnknownFieldError` for a field that nobody has, `FilterError` for a vain test.

        Asking whether an unknown field exists is allowed: nobody has it.
        """
        for path, condition in clauses.conditions(where, path=root):
            self._check_complete(condition, path=path)
            if isinstance(condition, clauses.Condition) and not (
                condition.tests or condition.excluded
            ):
                continue
            if condition.field == ID_FIELD:
                continue
            held = self.kinds.get(condition.field, frozenset())
            if not held:
                raise unknown_field(condition.field, self.known, path=f"{path}.field")
            _check_kinds(condition, held, path=path)

    def check_operands(self, where: clauses.Filter) -> None:
        """Raise `FilterError` where `eq`, `in` or `ne` names a value of a kind nobody has.

        A search is told so in its warnings; whoever deletes by such a filter may mean the opposite
        of what it keeps. Ids are texts.
        """
        for path, condition in clauses.conditions(where):
            if isinstance(condition, clauses.AnyElement):
                continue
            held = self.kinds.get(condition.field, frozenset())
            if condition.field == ID_FIELD:
                held = frozenset({ScalarKind.TEXT})
            for test in (*condition.tests, condition.excluded):
                if isinstance(test, clauses.OneOf) and (
                    vain := {v.kind for v in test.values} - held
                ):
                    reason = f"{_quoted(condition.field)} holds {plural_kinds(held)}"
                    raise FilterError(
                        path,
                        f"{reason}, not {plural_kinds(vain)}; compare it with values of a kind "
                        "that it holds",
                    )

    def _check_complete(
        self, condition: clauses.Condition | clauses.AnyElement, *, path: str
    ) -> None:
        asked = isinstance(condition, clauses.AnyElement) or condition.is_null is not None
        if not self.complete and (asked or condition.field == ID_FIELD):
            raise FilterError(
                path,
                "this index was made by an earlier version of Molt, which kept no ids, nulls and "
                "elements; renew it by `molt reindex`",
            )


def field_kinds(where: clauses.Filter, attributes: Attributes) -> FieldKinds:
    """The kinds of the fields that `where` names in a part of a collection."""
    kinds: dict[str, frozenset[ScalarKind]] = {}
    for _, condition in clauses.conditions(where):
        held = attributes.kinds(condition.field)
        if isinstance(condition, clauses.Condition) and ScalarKind.TEXT in held:
            tests = (*condition.tests, condition.excluded)
            asked = (
                compared_kinds(condition, t)
                for t in tests
                if isinstance(t, clauses.Bound | clauses.OneOf)
            )
            said = {kind for kinds in asked for kind in kinds - held}
            held |= {kind for kind in said if attributes.has(condition.field, kind)}
        kinds[condition.field] = kinds.get(condition.field, frozenset()) | held
    return FieldKinds(kinds, (attributes.fields,), attributes.complete)


def _gathered(names: tuple[frozenset[str], ...]) -> tuple[frozenset[str], ...]:
    """The same names, in few sets: uniting them is left to whoever wants to know them."""
    return names if len(names) <= _MAX_SETS else (frozenset[str]().union(*names),)


def check_fields(where: clauses.Filter, segments: Sequence[Attributes]) -> None:
    """Raise as `FieldKinds.check` does of everything that `segments` hold."""
    fold_kinds(where, segments).check(where)


def fold_kinds(where: clauses.Filter, segments: Iterable[Attributes]) -> FieldKinds:
    """The kinds of the fields that `where` names in all `segments`."""
    return reduce(or_, (field_kinds(where, one) for one in segments), FieldKinds({}))


def unknown_field(
    field: str, known: frozenset[str], *, path: str, part: str = "filter"
) -> UnknownFieldError:
    """The error that says that `field` is not among those `known`, and which may be meant."""
    nearest = sorted(known, key=lambda name: (abs(len(name) - len(field)), name))
    close = get_close_matches(field, islice(nearest, _MAX_COMPARED), cutoff=0.6)
    hint = f"did you mean {' or '.join(map(_quoted, close))}?" if close else _listing(known)
    said = f"no document has a field {_quoted(field)}; {hint}"
    return UnknownFieldError(path, said, part=part)


def plural_kinds(kinds: Iterable[ScalarKind]) -> str:
    """Kinds in words."""
    return " and ".join(sorted(_PLURAL[kind] for kind in kinds))


def _check_kinds(
    condition: clauses.Condition | clauses.AnyElement, held: frozenset[ScalarKind], *, path: str
) -> None:
    values = held - {ScalarKind.NULL}
    field = _quoted(condition.field)
    if isinstance(condition, clauses.AnyElement):
        if values and ScalarKind.OBJECT not in values:
            reason = f"{field} holds {plural_kinds(values)}, not objects; put the operators beside"
            raise FilterError(f"{path}.any_element", f'{reason} "field", without "any_element"')
        return
    for test in condition.tests:
        if isinstance(test, clauses.OneOf):
            continue
        [kind] = compared_kinds(condition, test)
        if values and kind not in values:
            reason = f"{field} holds {plural_kinds(values)}, not {plural_kinds([kind])}"
            raise FilterError(f"{path}.{_operator(test)}", f"{reason}; {_advice(test, values)}")


def _operator(test: clauses.ValueTest) -> str:
    return str(test.comparison) if isinstance(test, clauses.Bound) else type(test).__name__.lower()


def _advice(test: clauses.ValueTest, held: frozenset[ScalarKind]) -> str:
    comparable = held - {ScalarKind.OBJECT, ScalarKind.BOOLEAN}
    if not comparable:
        return "name a field of the objects" if ScalarKind.OBJECT in held else 'use "eq"'
    if not isinstance(test, clauses.Bound):
        return 'use a range or "eq"'
    return f"bound it by {plural_kinds(comparable)}"


def _listing(known: frozenset[str]) -> str:
    if not known:
        return "no document has any metadata"
    more = ", ..." if len(known) > 10 else ""
    return f"there are {', '.join(map(_quoted, sorted(known)[:10]))}{more}"


def _quoted(field: str) -> str:
    return f"'{shown_field(field)}'"
