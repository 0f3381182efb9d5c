"""Elements: the nested objects of a segment's documents, and which of them stands in which."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.scalar import ScalarKind

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Elements:
    """Objects numbered from 0.

    `of_lines` `(n,)` holds for each line of the attributes the object that it stands in, or that it
    is; `parents` `(m,)` for each object the one around it; -1 where there is none.
    """

    of_lines: Numbers
    parents: Numbers

    def counted(self, lines: slice) -> Numbers:
        """For each object, which of the objects at `lines` it stands in or is, by its place there.

        `(m + 1,) int64`: -1 where it is none of them, and at the end, for what stands in no object.
        """
        chosen = np.full(len(self.parents) + 1, -1, np.int64)
        chosen[self.of_lines[lines]] = np.arange(lines.stop - lines.start)
        open_ = np.flatnonzero((chosen[:-1] < 0) & (self.parents >= 0))
        while len(open_):
            found = chosen[self.parents[open_]]
            if not (found >= 0).any():
                break
            chosen[open_] = found
            open_ = open_[found < 0]
        return chosen

    def renumbered(self, lines: pl.DataFrame, *, start: int) -> pl.DataFrame:
        """Some of the lines, the objects among them numbered from `start` without gaps."""
        if not len(self.parents):
            return lines
        element = _filled(lines["element"])
        is_object = (lines["kind"] == ScalarKind.OBJECT).to_numpy()
        number = np.full(len(self.parents) + 1, -1, np.int64)
        number[element[is_object]] = start + np.arange(np.count_nonzero(is_object))
        moved = pl.Series("element", number[element])
        parents = number[self.parents[element[is_object]]]
        numbers = lines["number"].to_numpy().copy()
        numbers[is_object] = np.where(parents < 0, np.nan, parents)
        return lines.with_columns(
            pl.when(moved >= 0).then(moved).alias("element"),
            pl.Series("number", numbers).fill_nan(None),
        )


def read_elements(
    element: pl.Series, numbers: npt.NDArray[np.float64], objects: Numbers
) -> Elements:
    """The objects of attributes, whose lines are `objects`; `numbers` there are their parents."""
    of_lines = _filled(element)
    parents = np.full(int(of_lines.max(initial=-1)) + 1, -1, np.int64)
    around = numbers[objects]
    parents[of_lines[objects]] = np.where(np.isnan(around), -1, np.nan_to_num(around, nan=-1))
    return Elements(of_lines, parents)


def _filled(element: pl.Series) -> Numbers:
    return element.cast(pl.Int64).fill_null(-1).to_numpy()
