"""A whole inspection, and its page."""

import base64
import hashlib
import json
import re
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from molt.encoder import Checkpoint, CheckpointStore, open_encoder
from molt.index.catalog.document import Document
from molt.training.evaluation.measurement import Trial
from molt.training.export import openvino
from molt.training.export.checkpoints import make_checkpoint
from molt.training.inspecting.attributions import Method
from molt.training.inspecting.corpus import JudgedPair, sampled_corpus
from molt.training.inspecting.faithfulness import Agreement
from molt.training.inspecting.inspection import Inspection, InspectionPlan, inspect_model
from molt.training.inspecting.page import draw_inspection, write_inspection
from tests.checkpoints import modules, write_json
from tests.training.learning import make_dataset
from tests.training.models import VOCABULARY, write_tokenizer

HOSTILE = '<script>alert(1)</script>"><img src=x>'


@pytest.fixture(scope="module")
def inspection(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    dataset = make_dataset()
    corpus = sampled_corpus(Trial("letters", dataset.corpus, dataset.dev), most=60, seed=0)
    said = Document(HOSTILE, f"a b {HOSTILE}", HOSTILE, {"kind": HOSTILE})
    corpus = replace(
        corpus,
        documents=(*corpus.documents, said),
        texts=(*corpus.texts, said.text),
        pairs=(*corpus.pairs, JudgedPair(f"a b {HOSTILE}", len(corpus.documents))),
    )
    cache = tmp_path_factory.mktemp("cache")
    plan = InspectionPlan(pairs=len(corpus.pairs), field="kind")
    with closing(open_encoder(base, cache=cache)) as encoder:
        return inspect_model(base, encoder, corpus, plan=plan, cache=cache)


def test_every_method_is_told_with_what_removing_its_tokens_takes(inspection: Inspection) -> None:
    assert [one.method for one in inspection.methods] == [one.value for one in Method]
    by_name = {one.method: one for one in inspection.methods}
    for name in ("SHAP", "local linear model", "integrated gradients"):
        method = by_name[name]
        assert method.gain is not None
        assert method.gain > 0
        assert method.gained > 0.8 * method.passages
    assert len(inspection.agreements) == 10
    for view in inspection.pairs:
        assert all(len(one.scores) == len(view.tokens) for one in view.methods)


def test_it_is_written_as_json_and_the_same_twice(inspection: Inspection, tmp_path: Path) -> None:
    first, second = (
        write_inspection(inspection, tmp_path / "made" / at) for at in ("here", "there")
    )
    written = (first.parent / "inspection.json").read_bytes()
    assert written == (second.parent / "inspection.json").read_bytes()
    assert first.read_bytes() == second.read_bytes()
    told = json.loads(written)
    assert told["format"] == 1
    assert told["checkpoint"] == inspection.checkpoint
    assert len(told["layers"]) == 3
    assert told["agreements"][0].keys() == {"first", "second", "correlation", "disagree"}
    assert told["isotropy"]["dimension"] == 32
    assert len(told["map"]["places"]) == told["documents"]


def test_the_page_runs_nothing_and_asks_for_nothing(inspection: Inspection) -> None:
    page = draw_inspection(inspection)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"<[^<>]*\b(?:src|href|style)\s*=", page)
    assert "url(" not in page
    assert unescape(page).count(HOSTILE) >= 2
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert page.count("<circle") == inspection.documents


def test_methods_that_disagree_and_those_that_do_not_hold_are_named(inspection: Inspection) -> None:
    doubted = replace(
        inspection,
        agreements=(Agreement("SHAP", "saliency", -0.2),),
        methods=tuple(replace(one, gain=-0.01) for one in inspection.methods),
    )
    page = draw_inspection(doubted)
    assert "SHAP and saliency disagree: they rank tokens with a correlation of -0.20" in page
    assert page.count("matter no more than random ones") == len(Method)
    half = replace(
        doubted, methods=tuple(replace(one, gain=0.1, beaten=0.4) for one in inspection.methods)
    )
    assert draw_inspection(half).count("matter no more than random ones") == len(Method)
    assert not any(one["holds"] for one in half.to_json()["methods"])
    believed = replace(
        doubted,
        agreements=(Agreement("SHAP", "saliency", 0.9),),
        methods=tuple(replace(one, gain=0.1, beaten=0.9) for one in inspection.methods),
    )
    assert "disagree:" not in draw_inspection(believed)
    assert "no more than random ones" not in draw_inspection(believed)


def test_of_a_table_of_token_vectors_only_what_needs_no_layers_is_told(
    inspection: Inspection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    folder = tmp_path / "static"
    folder.mkdir()
    table = np.random.default_rng(0).standard_normal((len(VOCABULARY), 12)).astype("f4")
    save_file({"embeddings": table}, folder / "model.safetensors")
    write_json(folder / "config.json", {"model_type": "model2vec", "hidden_dim": 12})
    write_json(folder / "modules.json", modules("StaticEmbedding", "Normalize"))
    write_tokenizer(folder / "tokenizer.json")
    made = make_checkpoint(folder, store=CheckpointStore(tmp_path / "checkpoints"))
    dataset = make_dataset()
    corpus = sampled_corpus(Trial("letters", dataset.corpus, dataset.dev), most=40, seed=0)
    with closing(open_encoder(made, cache=tmp_path)) as encoder:
        plan = InspectionPlan(pairs=2)
        found = inspect_model(made, encoder, corpus, plan=plan, cache=tmp_path)
    assert [one.method for one in found.methods] == ["SHAP", "local linear model"]
    assert all(one.holds for one in found.methods)
    assert found.layers == ()
    assert "without layers" in found.notes[0]
    assert found.notes[0] in draw_inspection(found)
    assert not inspection.notes


def test_what_could_not_be_found_out_is_left_out_of_the_page(inspection: Inspection) -> None:
    bare = replace(
        inspection, pairs=(), methods=(), agreements=(), layers=(), imitation=None, map=None,
        isotropy=None, notes=("There are no judged pairs: nothing is said.",),
    )  # fmt: skip
    page = draw_inspection(bare)
    assert "There are no judged pairs" in page
    for title in ("Which tokens matter", "Layer by layer", "The ranking as rules", "<circle"):
        assert title not in page
