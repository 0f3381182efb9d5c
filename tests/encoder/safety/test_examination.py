"""What an examination asks of an encoder, whichever kind of defect its runtime or tokenizer has."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from molt.encoder import Checkpoint, Encoder, NoVariantError
from molt.encoder.errors import DefectiveCheckpointError
from molt.encoder.runtimes.runtime import load_runtime
from molt.encoder.safety.examination import examine


@pytest.fixture
def encoder(tiny: Checkpoint, tmp_path: Path) -> Iterator[Encoder]:
    variant = tiny.variants[0]
    runtime = load_runtime(tiny, variant, threads=1, cache=tmp_path)
    with closing(Encoder(tiny, variant, runtime=runtime, threads=1)) as encoder:
        yield encoder


def test_a_sound_encoder_passes(encoder: Encoder) -> None:
    examine(encoder, searched=())


def test_a_runtime_that_makes_other_vectors_of_the_same_tokens_is_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, calls = encoder._model.runtime.run, iter(range(1000))

    def run(ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.roll(genuine(ids, mask), next(calls) % 2, axis=1)

    monkeypatch.setattr(encoder._model.runtime, "run", run)
    with pytest.raises(NoVariantError, match="makes other vectors of the same tokens each time"):
        examine(encoder, searched=())


@pytest.mark.parametrize("wrong", ["é", "😀", "quagmire"])
def test_a_tokenizer_that_fails_at_an_odd_text_or_at_one_that_it_looks_for_is_refused(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    genuine = encoder.read_tokens

    def read(texts: Sequence[str]) -> None:
        if any(wrong in text for text in texts):
            raise DefectiveCheckpointError("fails at a text")
        genuine(texts)

    monkeypatch.setattr(encoder, "read_tokens", read)
    with pytest.raises(NoVariantError, match="fails at a text"):
        examine(encoder, searched=("quagmire",))
