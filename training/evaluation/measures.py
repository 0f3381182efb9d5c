"""Measures: how good each query's ranking is, by ir-measures (trec_eval's definitions).

A document is relevant from grade 1 on; nDCG takes the grade as gain and discounts by log2.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from ir_measures import AP, RR, P, R, iter_calc, nDCG

from molt.training.data.dataset import Qrels
from molt.training.evaluation.runs import Run

QueryValues = npt.NDArray[np.float64]

PRIMARY = "nDCG@10"
CUTOFF = 10
_MEASURES = {
    PRIMARY: nDCG @ CUTOFF,
    "RR@10": RR @ CUTOFF,
    "AP": AP,
    "P@10": P @ CUTOFF,
    "R@10": R @ CUTOFF,
    "R@100": R @ 100,
}
MEASURES = tuple(_MEASURES)


def measure_run(run: Run, *, doc_ids: Sequence[str], qrels: Qrels) -> Mapping[str, QueryValues]:
    """Each measure of each query `(n,)`, in the run's order; 0 where nothing relevant was found.

    Judgments of documents outside `doc_ids` do not count: no ranking could hold them.
    """
    places = {doc_id: row for row, doc_id in enumerate(doc_ids)}
    names = {measure_run: name for name, measure_run in _MEASURES.items()}
    values = {name: np.zeros(len(run.query_ids)) for name in MEASURES}
    judged = {
        str(at): {
            str(places[doc_id]): grade
            for doc_id, grade in qrels.get(query_id, {}).items()
            if doc_id in places
        }
        for at, query_id in enumerate(run.query_ids)
    }
    for entry in iter_calc(list(names), judged, _scored(run)):
        values[names[entry.measure]][int(entry.query_id)] = entry.value
    return values


def _scored(run: Run) -> dict[str, dict[str, float]]:
    """Scores that fall with the rank: ties are broken already, and not as trec_eval would.

    Ids are numbers, because the C code behind the measures takes no other text safely.
    """
    depth = run.rows.shape[1]
    falling = [float(depth - rank) for rank in range(depth)]
    return {
        str(at): dict(zip(map(str, rows.tolist()), falling, strict=True))
        for at, rows in enumerate(run.rows)
    }
