"""Checkpoints that earlier versions wrote: each must open and serve for ever."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from molt.artifact.manifest import read_manifest
from molt.encoder import (
    Capability,
    Checkpoint,
    CheckpointStore,
    InputType,
    Lane,
    MissingCapabilityError,
    ModelKind,
    open_encoder,
)
from molt.encoder.checkpoint import CHECKPOINT_FORMAT, CHECKPOINT_MANIFEST
from tests.paths import GOLDEN

pytestmark = pytest.mark.promise("P7", "checkpoints of earlier formats")

BI_ENCODER, STATIC = "08f2418c8671015f", "1661a0bf6200db3f"
# What the version that wrote the first of them made of these two queries.
TEXTS = ["a fox", "zebra 9"]
FIRST = {
    BI_ENCODER: [
        [0.465817, 0.175415, 0.209275, -0.127579, -0.477149, 0.092359, 0.517776, 0.433449],
        [0.773286, -0.046534, -0.006197, -0.112752, -0.428666, -0.318179, -0.279264, 0.155345],
    ],
    STATIC: [
        [0.029547, 0.32732, 0.316636, 0.043969, -0.497545, 0.319646, -0.152085, 0.645711],
        [0.366445, 0.044414, 0.046874, 0.030488, -0.365387, -0.149155, -0.80181, 0.248928],
    ],
}


@pytest.fixture(params=sorted(GOLDEN.glob("checkpoint-*")), ids=lambda path: path.name)
def store(request: pytest.FixtureRequest) -> CheckpointStore:
    return CheckpointStore(request.param)


@pytest.fixture
def first() -> CheckpointStore:
    """What the version wrote that knew neither kinds nor token vectors."""
    return CheckpointStore(GOLDEN / "checkpoint-1")


def test_every_format_that_was_ever_written_is_kept() -> None:
    formats = {int(path.name.removeprefix("checkpoint-")) for path in GOLDEN.glob("checkpoint-*")}
    assert formats == set(range(1, CHECKPOINT_FORMAT + 1))
    for number in formats:
        for manifest in (GOLDEN / f"checkpoint-{number}").glob(f"*/{CHECKPOINT_MANIFEST}"):
            assert read_manifest(manifest, supported=CHECKPOINT_FORMAT)["format"] == number


def test_an_old_checkpoint_opens_under_its_id_and_is_known_for_what_it_is(
    store: CheckpointStore,
) -> None:
    assert store.survey().problems == {}
    assert store.open(BI_ENCODER).kind is store.read(BI_ENCODER).kind is ModelKind.BI_ENCODER
    assert store.open(STATIC).kind is store.read(STATIC).kind is ModelKind.STATIC


@pytest.mark.parametrize("name", [BI_ENCODER, STATIC])
def test_an_old_checkpoint_gives_the_vectors_that_it_always_gave(
    store: CheckpointStore, tmp_path: Path, name: str
) -> None:
    with closing(open_encoder(store.open(name), cache=tmp_path, threads=1)) as encoder:
        for lane in Lane:
            found = encoder.encode(TEXTS, input_type=InputType.QUERY, lane=lane).vectors
            assert np.allclose(found, FIRST[name], atol=1e-5)


@pytest.mark.parametrize("name", [BI_ENCODER, STATIC])
def test_one_without_token_vectors_says_how_to_get_them(
    first: CheckpointStore, tmp_path: Path, name: str
) -> None:
    checkpoint: Checkpoint = first.open(name)
    assert checkpoint.capabilities == (Capability.EMBED,)
    with (
        closing(open_encoder(checkpoint, cache=tmp_path, threads=1)) as encoder,
        pytest.raises(MissingCapabilityError, match=f"molt checkpoints upgrade {name}"),
    ):
        encoder.encode_tokens(TEXTS, input_type=InputType.QUERY, lane=Lane.QUERY)
