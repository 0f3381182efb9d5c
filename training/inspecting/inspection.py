"""An inspection: everything that is told of a model, and the order in which it is found out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Checkpoint, Encoder, InputType
from molt.encoder.vector_cache import OnProgress, encode_documents, encode_queries, quiet
from molt.training.inspecting.attributions import BY_GRADIENT, Attribution, Case, Method, attribute
from molt.training.inspecting.corpus import InspectedCorpus, JudgedPair
from molt.training.inspecting.faithfulness import (
    Agreement,
    Deletion,
    agreements,
    delete_at_random,
    delete_named,
)
from molt.training.inspecting.imitating import Imitation, imitate
from molt.training.inspecting.layers import LayerSeparation, separation
from molt.training.inspecting.opened import OpenedModel
from molt.training.inspecting.space import (
    CorpusMap,
    Isotropy,
    NearDuplicates,
    draw_map,
    isotropy,
    near_duplicates,
)

INSPECTION_FORMAT = 1
_LEAST_BEATEN = 0.5


@dataclass(frozen=True)
class InspectionPlan:
    """How many judged pairs are looked at token by token, and the field that colours the map."""

    pairs: int = 6
    field: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class MethodView:
    """What one method says of one passage, token by token, and what removing those tokens takes."""

    method: str
    scores: tuple[float, ...]
    error: float | None
    deletion: Deletion | None


@dataclass(frozen=True)
class PairView:
    """A query, and a passage as far as it was read, its tokens scored by every method.

    `cosine` is that of the model in float32.
    """

    query: str
    doc_id: str
    tokens: tuple[str, ...]
    cosine: float
    methods: tuple[MethodView, ...]


@dataclass(frozen=True)
class MethodSummary:
    """A method over all passages: the mean gain of its deletion curves, the share of draws of three
    random tokens that took less than its first three, and in how many passages it gained.
    """

    method: str
    gain: float | None
    beaten: float | None
    gained: int
    passages: int
    error: float | None

    @property
    def holds(self) -> bool | None:
        """Do its tokens matter more than most random ones? None where that is not known."""
        if self.gain is None or self.beaten is None:
            return None
        return self.gain > 0 and self.beaten >= _LEAST_BEATEN


@dataclass(frozen=True)
class Inspection:
    """All of it; what could not be found out is left out, and `notes` say why."""

    checkpoint: str
    base_model: str
    pooling: str
    corpus: str
    documents: int
    judged_pairs: int
    seed: int
    pairs: tuple[PairView, ...]
    methods: tuple[MethodSummary, ...]
    agreements: tuple[Agreement, ...]
    layers: tuple[LayerSeparation, ...]
    isotropy: Isotropy | None
    near_duplicates: NearDuplicates
    imitation: Imitation | None
    map: CorpusMap | None
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """It as JSON."""
        body = asdict(self)
        methods = zip(body["methods"], self.methods, strict=True)
        body["methods"] = [each | {"holds": one.holds} for each, one in methods]
        told = zip(body["agreements"], self.agreements, strict=True)
        body["agreements"] = [each | {"disagree": one.disagree} for each, one in told]
        return {"format": INSPECTION_FORMAT} | body


def inspect_model(  # noqa: PLR0913  each by name
    checkpoint: Checkpoint,
    encoder: Encoder,
    corpus: InspectedCorpus,
    *,
    plan: InspectionPlan,
    cache: Path,
    progress: OnProgress = quiet,
) -> Inspection:
    """Look into a model by what it makes of a corpus; vectors are kept in `cache`.

    Raises what its encoder raises.
    """
    model = OpenedModel(checkpoint, encoder)
    methods = [one for one in Method if not model.is_static or one not in BY_GRADIENT]
    views = _pair_views(model, corpus, methods, plan, progress)
    progress("layers", 0, 1)
    layers = [] if model.is_static else separation(model, corpus, seed=plan.seed)
    progress("layers", 1, 1)
    documents = encode_documents(encoder, corpus.texts, cache=cache, progress=progress)
    queries = encode_queries(encoder, corpus.queries, progress=progress)
    return Inspection(
        checkpoint=checkpoint.id,
        base_model=checkpoint.base_model,
        pooling=checkpoint.pooling.value,
        corpus=corpus.of,
        documents=len(corpus.documents),
        judged_pairs=len(corpus.pairs),
        seed=plan.seed,
        pairs=tuple(views),
        methods=tuple(_summary(one, views) for one in methods if views),
        agreements=tuple(agreements([_scores(one) for one in views])),
        layers=tuple(layers),
        isotropy=isotropy(documents, seed=plan.seed),
        near_duplicates=near_duplicates(documents, corpus.documents),
        imitation=imitate(corpus, queries @ documents.T, seed=plan.seed),
        map=draw_map(documents, corpus.documents, field=plan.field),
        notes=tuple(_notes(model, corpus)),
    )


def _notes(model: OpenedModel, corpus: InspectedCorpus) -> list[str]:
    notes = []
    if not corpus.pairs:
        notes.append(
            "There are no judged pairs: nothing is said of tokens and layers, nor are there rules."
        )
    if model.is_static:
        notes.append(
            "The model is a table of token vectors, without layers, attention and gradients."
        )
    return notes


def _pair_views(
    model: OpenedModel,
    corpus: InspectedCorpus,
    methods: Sequence[Method],
    plan: InspectionPlan,
    progress: OnProgress,
) -> list[PairView]:
    """Of pairs of different queries, chosen by the seed."""
    by_query = {one.query: one for one in corpus.pairs}
    order = np.random.default_rng(plan.seed).permutation(len(by_query)).tolist()
    every = [*by_query.values()]
    chosen = [every[at] for at in order[: plan.pairs]]
    views = []
    for at, one in enumerate(chosen):
        progress("tokens", at, len(chosen))
        view = _pair_view(model, corpus, one, methods, seed=plan.seed)
        views += [] if view is None else [view]
    progress("tokens", len(chosen), len(chosen))
    return views


def _pair_view(
    model: OpenedModel,
    corpus: InspectedCorpus,
    pair: JudgedPair,
    methods: Sequence[Method],
    *,
    seed: int,
) -> PairView | None:
    """None of a passage without a single token."""
    (asked,) = model.read([pair.query], InputType.QUERY)
    (said,) = model.read([corpus.texts[pair.row]], InputType.DOCUMENT)
    if not said.tokens:
        return None
    case = Case(model, said, model.vector(asked), seed)
    m = len(said.tokens)
    random = delete_at_random(case.similarities, m, seed=seed)
    found = [attribute(case, method) for method in methods]
    told = [_method_view(one, delete_named(case.similarities, one.scores, random)) for one in found]
    whole = float(case.similarities(np.ones((1, m), bool))[0])
    document = corpus.documents[pair.row]
    return PairView(pair.query, document.id, said.tokens, whole, tuple(told))


def _method_view(found: Attribution, deletion: Deletion | None) -> MethodView:
    return MethodView(found.method.value, tuple(found.scores.tolist()), found.error, deletion)


def _scores(view: PairView) -> Mapping[str, NDArray[np.float64]]:
    return {one.method: np.array(one.scores) for one in view.methods}


def _summary(method: Method, views: Sequence[PairView]) -> MethodSummary:
    own = [one for view in views for one in view.methods if one.method == method.value]
    curves = [one.deletion for one in own if one.deletion is not None]
    errors = [one.error for one in own if one.error is not None]
    return MethodSummary(
        method.value,
        float(np.mean([one.gain for one in curves])) if curves else None,
        float(np.mean([one.beaten for one in curves])) if curves else None,
        sum(one.gain > 0 for one in curves),
        len(curves),
        float(np.mean(errors)) if errors else None,
    )
