import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from molt.encoder import Pooling, Prompts, UnsafeCheckpointError
from molt.training.errors import ModelSourceError
from molt.training.export.source import read_source
from tests.checkpoints import REAL_MODEL, write_json
from tests.training.models import write_pooling


def set_config(model: Path, **changes: Any) -> None:
    config = json.loads((model / "config.json").read_text())
    write_json(model / "config.json", config | changes)


def test_a_source_says_what_it_is(model: Path) -> None:
    source = read_source(model)
    assert (source.architecture, source.dimension, source.max_length) == ("bert", 32, 64)
    assert (source.pooling, source.prompts) == (Pooling.MEAN, Prompts())


def test_the_real_model_is_cut_to_256_tokens_as_it_says() -> None:
    source = read_source(REAL_MODEL)
    assert (source.dimension, source.max_length, source.pooling) == (384, 256, Pooling.MEAN)


def test_a_plain_encoder_without_modules_is_pooled_by_the_mean(model: Path) -> None:
    (model / "modules.json").unlink()
    assert read_source(model).pooling is Pooling.MEAN


@pytest.mark.parametrize("settings", [{"pooling_mode_cls_token": True}, {"pooling_mode": "cls"}])
def test_pooling_is_read_in_both_spellings(model: Path, settings: dict[str, Any]) -> None:
    write_json(model / "1_Pooling" / "config.json", settings)
    assert read_source(model).pooling is Pooling.CLS


@pytest.mark.parametrize(
    ("modes", "named"),
    [
        (["max_tokens"], "'max'"),
        (["lasttoken"], "'lasttoken'"),
        (["mean_tokens", "cls_token"], "'mean\\+cls'"),
        ([], "''"),
    ],
)
def test_a_pooling_that_molt_does_not_serve_is_named(
    model: Path, modes: list[str], named: str
) -> None:
    write_pooling(model, *modes)
    with pytest.raises(ModelSourceError, match=f"pooling {named}; Molt serves mean and cls"):
        read_source(model)


@pytest.mark.parametrize("name", ["document", "passage", "corpus"])
def test_prompts_are_read_by_their_usual_names(model: Path, name: str) -> None:
    prompts = {"query": "q: ", name: "d: ", "clustering": "c: "}
    write_json(model / "config_sentence_transformers.json", {"prompts": prompts})
    assert read_source(model).prompts == Prompts(query="q: ", document="d: ")


def test_what_is_given_overrides_what_the_model_says(model: Path) -> None:
    given = Prompts(query="ask: ")
    source = read_source(model, pooling=Pooling.CLS, prompts=given, max_length=32)
    assert (source.pooling, source.prompts, source.max_length) == (Pooling.CLS, given, 32)


@pytest.mark.parametrize("length", [65, 7, -1])
def test_a_length_without_positions_for_it_is_refused(model: Path, length: int) -> None:
    with pytest.raises(ModelSourceError, match=f"maximum length {length}; .* 8 to 64 tokens"):
        read_source(model, max_length=length)


def test_an_architecture_that_counts_positions_from_the_padding_has_two_fewer(
    model: Path,
) -> None:
    set_config(model, model_type="xlm-roberta")
    assert read_source(model).max_length == 62


def test_a_model_that_lower_cases_outside_its_tokenizer_is_refused(model: Path) -> None:
    write_json(model / "sentence_bert_config.json", {"do_lower_case": True})
    with pytest.raises(ModelSourceError, match="put that into the tokenizer"):
        read_source(model)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafeCheckpointError, match="not a directory"):
        read_source(tmp_path / "nowhere")


def test_weights_in_several_files_are_refused_with_what_to_do(model: Path) -> None:
    (model / "model.safetensors").rename(model / "model-00001-of-00002.safetensors")
    with pytest.raises(UnsafeCheckpointError, match="save the model as one file of safetensors"):
        read_source(model)


def test_a_poisoned_source_is_refused_by_a_process_that_has_no_torch(model: Path) -> None:
    set_config(model, auto_map={"AutoModel": "evil.Model"})
    program = (
        "import sys; from pathlib import Path\n"
        "from molt.training.export.source import read_source\n"
        "try: read_source(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__, 'torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(model)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert answer.split() == ["UnsafeCheckpointError", "False"]
