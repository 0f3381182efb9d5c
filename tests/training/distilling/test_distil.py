from dataclasses import replace

import pytest
from sentence_transformers import SentenceTransformer

from molt.encoder import Checkpoint, CheckpointStore, Prompts
from molt.training.data.config import DataConfig
from molt.training.distilling.config import FewerLayers, Static
from molt.training.distilling.distil import distil
from molt.training.distilling.recipe import choose_shape
from molt.training.errors import FitError
from molt.training.fit.progress import Event  # noqa: TC001
from molt.training.material import data_configs
from molt.training.run import Places
from tests.training.distilling.conftest import Cook


def test_fewer_layers_come_near_to_the_teacher_and_are_compared_with_it(
    cook: Cook, base: Checkpoint, store: CheckpointStore, places: Places
) -> None:
    events: list[Event] = []
    outcome = distil(cook(), store=store, places=places, watch=events.append)
    made = store.open(outcome.student.checkpoint.id)
    assert (made.parent, made.base_model) == (base.id, base.base_model)
    assert made.training["distilled"] == {"method": "layers", "kept": [1], "layers": 1}
    assert made.metrics["teacher_cosine"] == outcome.student.closeness.cosine
    cosines = [event.cosine for event in events if event.cosine is not None]
    assert len(cosines) == 2
    assert outcome.student.closeness.cosine == pytest.approx(max(cosines), abs=1e-3)
    loaded = SentenceTransformer(str(made.path), device="cpu", local_files_only=True)
    assert loaded[0].auto_model.config.num_hidden_layers == 1
    report = outcome.report
    assert report is not None
    assert report.baseline is not None
    assert (report.baseline.subject.id, report.candidates[0].subject.id) == (base.id, made.id)
    assert report.plan.split == "test"
    assert outcome.ndcg10 is not None
    assert outcome.size < 1
    assert outcome.speed > 0
    learnt = data_configs("letters", [made], otherwise=DataConfig())
    assert learnt == {DataConfig(near_duplicate=1.0): [made.id]}
    events.clear()
    again = distil(cook(), store=store, places=places, watch=events.append)
    assert again.student == outcome.student
    assert {event.stage for event in events}.isdisjoint({"training", "export"})


def test_a_static_embedding_is_a_checkpoint_like_all_others(
    cook: Cook, base: Checkpoint, store: CheckpointStore, places: Places
) -> None:
    prompted = replace(cook(Static(16)), teacher=replace(base, prompts=Prompts("ask. ", "")))
    outcome = distil(prompted, store=store, places=places)
    made = store.open(outcome.student.checkpoint.id)
    assert (made.parent, made.dimension, made.prompts) == (base.id, 16, Prompts())
    assert made.training["distilled"]["method"] == "model2vec"
    assert outcome.student.closeness.cosine is None
    assert outcome.student.closeness.correlation > 0.5
    assert outcome.report is not None
    assert outcome.report.candidates[0].subject.id == made.id


def test_without_judged_queries_there_is_no_report_but_all_else_and_a_static_teaches_nobody(
    cook: Cook, store: CheckpointStore, places: Places
) -> None:
    recipe = cook(Static(8))
    unjudged = replace(recipe, reading=replace(recipe.reading, judged=None, reason="none"))
    outcome = distil(unjudged, store=store, places=places)
    assert (outcome.report, outcome.ndcg10) == (None, None)
    assert outcome.student.closeness.correlation > 0
    assert unjudged.id != recipe.id
    for layers in (1, None):
        with pytest.raises(FitError, match=f"is a static embedding .*{recipe.teacher.id}"):
            choose_shape(outcome.student.checkpoint, layers=layers, dimensions=None)


def test_what_cannot_be_distilled_is_named(
    cook: Cook, base: Checkpoint, store: CheckpointStore, places: Places
) -> None:
    with pytest.raises(FitError, match="has 2 layers; ask for fewer, not 2"):
        distil(cook(FewerLayers(2)), store=store, places=places)
    with pytest.raises(FitError, match="have 32 numbers; ask for at most as many, not 64"):
        choose_shape(base, layers=None, dimensions=64)


def test_a_static_vector_has_256_numbers_or_as_many_as_the_teacher_s(base: Checkpoint) -> None:
    assert choose_shape(base, layers=None, dimensions=None) == Static(32)
    wide = replace(base, dimension=384)
    assert choose_shape(wide, layers=None, dimensions=None) == Static(256)
    assert choose_shape(wide, layers=1, dimensions=None) == FewerLayers(1)
