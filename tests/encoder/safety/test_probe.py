"""What must not serve is found in a child process; whoever asked for it comes to no harm."""

import json
import re
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, helper
from tokenizers import Tokenizer, models

from molt.encoder import Checkpoint, NoVariantError, open_checkpoint, open_encoder, opening
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.safety import probe as module
from molt.encoder.safety.confinement import ResourceLimits
from molt.encoder.safety.probe import probed, require_sound
from molt.encoder.safety.reference import Reference, make_reference
from tests.checkpoints import DIMENSION, VOCABULARY, Build, seal, variant, write_json
from tests.encoder.safety.graphs import (
    Change,
    after,
    greedy,
    other_row,
    scaled,
    slow,
    wandering,
    with_graph,
)

MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_known", {})


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = ResourceLimits(memory=768 * MEBIBYTE, cpu_seconds=5, wall_seconds=120.0)
    monkeypatch.setattr(module, "_limits", lambda *_: limits)


def refusal(checkpoint: Checkpoint, cache: Path) -> str:
    with pytest.raises(NoVariantError) as raised:
        require_sound(checkpoint, checkpoint.variants[0], cache=cache)
    message = str(raised.value)
    assert message.startswith(f"variant onnx-fp32 of checkpoint {checkpoint.id}")
    assert message.endswith("; do not use it")
    return message


def test_a_sound_checkpoint_passes_and_what_it_makes_of_a_few_texts_is_known(
    tiny: Checkpoint, cache: Path
) -> None:
    references = require_sound(tiny, tiny.variants[0], cache=cache)
    with closing(open_encoder(tiny, cache=cache, threads=1)) as encoder:
        for reference in references:
            (vector,) = encoder.embed_documents([reference.text])
            assert np.allclose(vector, reference.values(), atol=1e-5)
    assert len(references) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (greedy(400_000_000), "takes more than 7.. MiB of memory"),
        (wandering(), "fails at a text of"),
        (scaled(1e30), "makes vectors"),
        (scaled(2.0), "not normalised: one has the length 2"),
        (other_row(len(VOCABULARY) - 1, np.nan), "has no vector for token"),
        (other_row(4 + 23, np.nan), "values that are not finite"),  # x, which no text here has
        (scaled(0.0), "not normalised: one has the length 0"),
    ],
)
def test_a_graph_that_computes_nonsense_is_refused(
    tiny: Checkpoint, cache: Path, change: Change, why: str
) -> None:
    checkpoint = with_graph(tiny, change)
    assert open_checkpoint(tiny.path) == checkpoint, "every checksum holds"
    assert re.search(why, refusal(checkpoint, cache))


@pytest.mark.usefixtures("little_time")
def test_a_graph_that_computes_for_too_long_is_refused(tiny: Checkpoint, cache: Path) -> None:
    checkpoint = with_graph(tiny, slow(5000))
    began = time.monotonic()
    assert "was not done after 5 s of the processor" in refusal(checkpoint, cache)
    assert time.monotonic() - began < 100


@pytest.mark.parametrize(("max_length", "positions"), [(16, 12), (300, 200)])
def test_a_graph_that_knows_fewer_positions_than_its_manifest_promises_is_refused(
    build: Build, cache: Path, max_length: int, positions: int
) -> None:
    checkpoint = with_graph(build(max_length=max_length), up_to(positions))
    assert f"fails at a text of {max_length} tokens" in refusal(checkpoint, cache)


def up_to(positions: int) -> Change:
    """Adds a vector of zeros for each position, of which there are only so many."""

    def change(model: ModelProto) -> None:
        nodes = [
            helper.make_node("Shape", ["input_ids"], ["length"], start=1, end=2),
            helper.make_node("Squeeze", ["length"], ["end"]),
            helper.make_node("Sub", ["end", "one"], ["last_place"]),
            helper.make_node("Gather", ["positions", "last_place"], ["nothing"]),
            helper.make_node("Add", ["before", "nothing"], ["vectors"]),
        ]
        zeros = np.zeros(positions, dtype=np.float32)
        after(nodes, one=np.array(1), positions=zeros)(model)

    return change


def tokenizer_of(checkpoint: Checkpoint, **changes: Any) -> Checkpoint:
    path = checkpoint.path / "tokenizer.json"
    write_json(path, json.loads(path.read_text()) | changes)
    return seal(checkpoint)


def test_a_tokenizer_that_fails_at_texts_is_refused(build: Build, cache: Path) -> None:
    """It knows a few words, and has no token for others."""
    words = json.loads(Tokenizer(models.WordLevel({"warm": 0, "up": 1}, "[UNK]")).to_str())
    made = tokenizer_of(build(), **words)
    checkpoint = replace(made, path=made.path.rename(made.path.with_name(made.id)))
    assert "fails at a text" in refusal(checkpoint, cache)


def test_what_was_found_is_remembered_and_not_tried_again(
    tiny: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = probed(tiny, tiny.variants[0], cache=cache)
    monkeypatch.setattr(module, "run_confined", lambda *_, **__: pytest.fail("tried again"))
    assert probed(tiny, tiny.variants[0], cache=cache) == found
    monkeypatch.setattr(module, "_known", {})
    assert probed(tiny, tiny.variants[0], cache=cache) == found


@pytest.mark.parametrize("later", [3601.0, -3600.0], ids=["an-hour-later", "clock-put-back"])
def test_a_refusal_is_remembered_for_an_hour_and_not_until_a_wrong_clock_is_right(
    tiny: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    checkpoint = with_graph(tiny, scaled(2.0))
    refusal(checkpoint, cache)
    asked: list[str] = []

    def answer(*_: object, **__: object) -> dict[str, Any]:
        asked.append("again")
        return {"references": []}

    monkeypatch.setattr(module, "run_confined", answer)
    refusal(checkpoint, cache)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + later)
    require_sound(checkpoint, checkpoint.variants[0], cache=cache)
    assert asked == ["again"]


def test_a_flipped_bit_in_what_is_remembered_is_found_and_it_is_tried_again(
    tiny: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal(with_graph(tiny, scaled(2.0)), cache)
    (path,) = cache.glob("probes/*.json")
    path.write_bytes(path.read_bytes().replace(b'"refused": "variant', b'"refused": "Variant'))
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setattr(module, "run_confined", lambda *_, **__: {"references": []})
    assert probed(open_checkpoint(tiny.path), tiny.variants[0], cache=cache).refused is None


def test_other_files_of_the_same_id_are_tried_anew(tiny: Checkpoint, cache: Path) -> None:
    require_sound(tiny, tiny.variants[0], cache=cache)
    forged = with_graph(tiny, scaled(2.0))
    assert forged.id == tiny.id
    refusal(forged, cache)


def test_what_a_process_knows_is_kept_in_every_cache_that_it_uses(
    tiny: Checkpoint, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = probed(tiny, tiny.variants[0], cache=cache)
    assert probed(tiny, tiny.variants[0], cache=tmp_path / "other") == found
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setattr(module, "run_confined", lambda *_, **__: pytest.fail("tried again"))
    assert probed(tiny, tiny.variants[0], cache=tmp_path / "other") == found


def test_where_nothing_can_be_remembered_a_process_tries_once(
    tiny: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    found = probed(tiny, tiny.variants[0], cache=blocked)
    assert found.refused is None
    monkeypatch.setattr(module, "run_confined", lambda *_, **__: pytest.fail("tried again"))
    assert probed(tiny, tiny.variants[0], cache=blocked) == found


def test_a_variant_that_is_refused_gives_way_to_one_that_is_sound(
    build: Build, cache: Path
) -> None:
    checkpoint = build(
        variants=[variant("good"), variant("bad", graph="runtime/bad.onnx", texts_per_second=1e9)]
    )
    good, bad = (checkpoint.path / "runtime" / name for name in ("fp32.onnx", "bad.onnx"))
    kept = good.read_bytes()
    with_graph(checkpoint, scaled(2.0))
    good.rename(bad)
    good.write_bytes(kept)
    sealed = seal(checkpoint)
    with closing(open_encoder(sealed, cache=cache, threads=1)) as encoder:
        assert encoder.variant.name == "good"
    with pytest.raises(NoVariantError, match=r"variant bad of checkpoint .* not normalised"):
        open_encoder(sealed, cache=cache, runtime="bad", threads=1)


def test_another_vector_than_the_recorded_one_never_serves(tiny: Checkpoint, cache: Path) -> None:
    (reference, _) = require_sound(tiny, tiny.variants[0], cache=cache)
    kept = reference.values()
    near = make_reference(reference.text, kept + np.float32(1e-4))
    far = make_reference(reference.text, np.roll(kept, 1))
    with closing(open_encoder(seal(replace(tiny, references=(near,))), cache=cache, threads=1)):
        pass
    with pytest.raises(NoVariantError, match=r"makes another vector of 'A reference says"):
        open_encoder(seal(replace(tiny, references=(far,))), cache=cache, threads=1)


def test_a_runtime_that_makes_other_vectors_here_than_where_it_was_tried_never_serves(
    tiny: Checkpoint, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_sound(tiny, tiny.variants[0], cache=cache)

    class Other:
        def __init__(self) -> None:
            self.genuine = load_runtime(tiny, tiny.variants[0], threads=1, cache=cache)

        def run(self, ids: Any, mask: Any) -> Any:
            return np.roll(self.genuine.run(ids, mask), 1, axis=1)

        def run_tokens(self, ids: Any, mask: Any) -> Any:
            return self.genuine.run_tokens(ids, mask)

    monkeypatch.setattr(opening, "load_runtime", lambda *_, **__: Other())
    with pytest.raises(NoVariantError, match=r"makes another vector of 'A reference says"):
        open_encoder(tiny, cache=cache, threads=1)


@pytest.mark.parametrize("vector", ["", "AAAA", "no base64!", "A" * 4 * DIMENSION])
def test_a_reference_that_is_no_vector_is_refused(
    tiny: Checkpoint, cache: Path, vector: str
) -> None:
    wrong = seal(replace(tiny, references=(Reference("a text", vector),)))
    with pytest.raises(NoVariantError, match="has a reference that is no vector"):
        open_encoder(wrong, cache=cache, threads=1)
