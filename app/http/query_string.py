"""The query string: UTF-8, no parameter that the route does not have, and none twice.

A misspelt parameter that is passed over would change what a request means: a deletion of all that a
split holds, say, in place of those of one query. What the values are the framework validates.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import get_origin
from urllib.parse import unquote_to_bytes

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import Request

from molt.app.http.failures import InvalidQueryStringError, InvalidRequestError, Violation


def parameters_of(wanted: Dependant) -> Mapping[str, bool]:
    """The parameters that an endpoint takes, and whether each may come several times."""
    found: dict[str, bool] = {}
    for one in wanted.query_params:
        kind = one.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = kind.model_fields.items()
            found |= {field.alias or name: _is_many(field.annotation) for name, field in fields}
        else:
            found[one.alias] = _is_many(kind)
    for inner in wanted.dependencies:
        found |= parameters_of(inner)
    return found


def _is_many(annotation: object) -> bool:
    return get_origin(annotation) is list


def check_encoding(request: Request) -> None:
    """Raise `InvalidQueryStringError` where it is no UTF-8."""
    query: bytes = request.scope["query_string"]
    if query and not (query.isascii() and b"%" not in query):
        try:
            unquote_to_bytes(query).decode()
        except UnicodeDecodeError:
            raise InvalidQueryStringError from None


def check_parameters(request: Request, parameters: Mapping[str, bool]) -> None:
    """Raise `InvalidRequestError` for what `parameters` has not, or not so often."""
    if not request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong = list(_wrong(given, parameters))
    if wrong:
        raise InvalidRequestError(wrong)


def _wrong(given: Mapping[str, int], parameters: Mapping[str, bool]) -> Iterable[Violation]:
    for name, times in given.items():
        if name not in parameters:
            known = ", ".join(sorted(parameters))
            takes = f"it takes {known}" if known else "it takes none"
            detail = f"is not a known name of this path's query string; {takes}"
            yield Violation(detail, "query", (name,))
        elif times > 1 and not parameters[name]:
            yield Violation(f"comes {times} times; send it once", "query", (name,))
