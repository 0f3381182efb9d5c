"""Rereading: what has to be known of all rows of a file before the first one can be kept.

How it grades or scores, and the queries that stand beside its judgments. `again` gives the good
rows from the first one on, each time; what is wrong with one is said by whoever keeps it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice

from molt.index.catalog.judgments import Query
from molt.index.errors import CatalogError
from molt.index.files.judged.grades import WHOLE_GRADES, GradeScale, find_grades
from molt.index.files.judged.pairs import read_pair_row
from molt.index.files.judged.scores import Score, ScoreScale, find_scale
from molt.index.files.row import JUDGED_TEXT, Row, grade_of, read_judged_query

_LOOKED_AT = 1000
"""So many rows show whether there are fractions, and whether texts of queries are there."""
_Again = Callable[[], Iterator[Row]]


def grades_of(again: _Again) -> GradeScale:
    """How a file grades; all of it is looked at only where the first rows have a fraction."""
    if all(grade.is_integer() for grade in _grades(islice(again(), _LOOKED_AT))):
        return WHOLE_GRADES
    return find_grades(_grades(again()))


def scores_of(again: _Again) -> ScoreScale:
    """How a file scores."""
    return find_scale(_scores(again()))


def judged_queries(again: _Again) -> Iterator[Query]:
    """The queries whose text stands beside judgments of them; each once."""
    if not any(JUDGED_TEXT in row.values for row in islice(again(), _LOOKED_AT)):
        return
    seen: set[str] = set()
    for row in again():
        with suppress(CatalogError):
            query = read_judged_query(row)
            if query is not None and query.id not in seen:
                seen.add(query.id)
                yield query


def _grades(rows: Iterable[Row]) -> Iterator[float]:
    for row in rows:
        with suppress(CatalogError):
            yield grade_of(row)


def _scores(rows: Iterable[Row]) -> Iterator[Score]:
    for row in rows:
        with suppress(CatalogError):
            if (score := read_pair_row(row.values).score) is not None:
                yield score
