from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from molt.encoder import UnsafeCheckpointError
from molt.encoder.content import check_content, is_static, modules, read_object
from tests import checkpoints
from tests.checkpoints import REAL_MODEL, write_json, write_model

pytestmark = pytest.mark.promise("P6", "contents that a checkpoint must not have")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "runtime").mkdir()
    write_model(tmp_path)
    return tmp_path


def refusal(model: Path) -> UnsafeCheckpointError:
    with pytest.raises(UnsafeCheckpointError) as raised:
        check_content(model)
    return raised.value


def test_a_proper_model_passes(model: Path) -> None:
    check_content(model)


def test_the_real_model_passes() -> None:
    check_content(REAL_MODEL)


@pytest.mark.parametrize(
    "kind", ["custom.Module", "sentence_transformers.models.Dense", "os.system", None, 7]
)
def test_a_foreign_module_type_is_refused_without_importing_it(model: Path, kind: object) -> None:
    entry = {"idx": 0, "name": "0", "path": "", "type": kind}
    write_json(model / "modules.json", [entry])
    refused = refusal(model)
    assert refused.path == model / "modules.json"
    assert f"module type {kind!r} is not on the allow-list; it was not imported" in str(refused)


@pytest.mark.parametrize("folder", ["../other", "/etc", "a/b", ".", "1_Pooling\n", None])
def test_a_module_outside_the_directory_is_refused(model: Path, folder: object) -> None:
    entries = checkpoints.modules("Transformer", "Pooling")
    write_json(model / "modules.json", [entries[0], entries[1] | {"path": folder}])
    assert f"module path {folder!r} is not a plain folder name" in str(refusal(model))


@pytest.mark.parametrize(
    "kinds",
    [
        (),
        ("Transformer",),
        ("Pooling", "Transformer"),
        ("Transformer", "Normalize", "Pooling"),
        ("Transformer", "Normalize"),
    ],
)
def test_modules_in_another_order_are_refused(model: Path, kinds: tuple[str, ...]) -> None:
    write_json(model / "modules.json", checkpoints.modules(*kinds))
    assert f"modules {list(kinds)}: Molt takes" in str(refusal(model))


@pytest.mark.parametrize("entries", [{}, "Transformer", [1], [[]]])
def test_modules_that_are_no_list_of_modules_are_refused(model: Path, entries: object) -> None:
    write_json(model / "modules.json", entries)
    assert refusal(model).path == model / "modules.json"


def test_modules_say_where_the_settings_of_each_lie(model: Path) -> None:
    entries = checkpoints.modules("Transformer", "Pooling")
    write_json(model / "modules.json", [entries[0], entries[1] | {"path": "1_Pooling"}])
    assert modules(model) == {"Transformer": model, "Pooling": model / "1_Pooling"}


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("config.json", {"auto_map": {"AutoModel": "evil.Model"}}, "auto_map"),
        ("config.json", {"text_config": [{"auto_map": {"a": "b"}}]}, "auto_map"),
        ("config.json", {"custom_pipelines": {"x": {}}}, "custom_pipelines"),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": "evil"}}, "auto_map"),
        ("sentence_bert_config.json", {"model_args": {"trust_remote_code": True}}, "trust_remote"),
    ],
)
def test_a_request_for_custom_code_is_refused_wherever_it_is(
    model: Path, name: str, content: dict[str, Any], key: str
) -> None:
    write_json(model / name, {"model_type": "bert"} | content)
    refused = refusal(model)
    assert refused.path == model / name
    assert f"asks for custom code ({key}" in str(refused)


def test_a_switch_for_custom_code_that_is_off_is_let_pass(model: Path) -> None:
    write_json(model / "tokenizer_config.json", {"trust_remote_code": False, "auto_map": {}})
    check_content(model)


@pytest.mark.parametrize("architecture", ["gpt2", "bert ", "", None, ["bert"]])
def test_a_foreign_architecture_is_refused_and_the_known_ones_are_named(
    model: Path, architecture: object
) -> None:
    write_json(model / "config.json", {"model_type": architecture})
    assert f"model_type {architecture!r} is not on the allow-list (bert, " in str(refusal(model))


@pytest.mark.parametrize("key", ["hidden_size", "vocab_size", "num_hidden_layers", "n_layers"])
@pytest.mark.parametrize("value", [0, -1, 10**9, "12", 1.5, None])
def test_a_size_that_no_encoder_has_is_refused(model: Path, key: str, value: object) -> None:
    write_json(model / "config.json", {"model_type": "bert", key: value})
    refused = refusal(model)
    assert refused.path == model / "config.json"
    assert f"{key} is {value!r}; Molt takes 1 to" in str(refused)


@pytest.mark.parametrize("name", ["config.json", "modules.json", "tokenizer_config.json"])
def test_a_file_that_is_not_json_is_named(model: Path, name: str) -> None:
    (model / name).write_text("{oops")
    refused = refusal(model)
    assert refused.path == model / name
    assert "is not JSON" in str(refused)


def test_a_directory_without_a_configuration_is_refused(model: Path) -> None:
    (model / "config.json").unlink()
    assert "config.json: the file is missing" in str(refusal(model))


def test_an_object_is_asked_for_where_one_is_needed(model: Path) -> None:
    write_json(model / "config.json", [])
    with pytest.raises(UnsafeCheckpointError, match="is not a JSON object"):
        read_object(model / "config.json")


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A static embedding of 5 tokens, as model2vec and sentence-transformers keep one."""
    write_json(tmp_path / "modules.json", checkpoints.modules("StaticEmbedding", "Normalize"))
    write_json(tmp_path / "config.json", {"model_type": "model2vec", "hidden_dim": 3})
    save_file({"embeddings": np.zeros((5, 3), "f4")}, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize("name", ["embeddings", "embedding.weight"])
def test_a_static_embedding_passes_in_both_spellings(static: Path, name: str) -> None:
    save_file({name: np.zeros((5, 3), "f2")}, static / "model.safetensors")
    check_content(static)
    assert is_static(static)
    long = "sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding"
    write_json(static / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": long}])
    check_content(static)


def test_a_transformer_is_not_static(model: Path) -> None:
    assert not is_static(model)


@pytest.mark.parametrize(
    "tensors",
    [
        {"embeddings": np.zeros((5, 4), "f4")},
        {"embeddings": np.zeros((3,), "f4")},
        {"embeddings": np.zeros((5, 3, 3), "f4")},
        {"embeddings": np.zeros((5, 3), "i8")},
        {"embeddings": np.zeros((0, 3), "f4"), "weights": np.zeros(1, "f4")},
        {"embeddings": np.zeros((5, 3), "f4"), "mapping": np.zeros(9, "i8")},
        {"other": np.zeros((5, 3), "f4")},
    ],
)
def test_anything_but_one_table_of_the_right_width_is_no_static_embedding(
    static: Path, tensors: dict[str, Any]
) -> None:
    save_file(tensors, static / "model.safetensors")
    assert refusal(static).path == static / "model.safetensors"


@pytest.mark.parametrize("width", [None, 4, "3", 0, 10**9])
def test_a_static_embedding_says_how_wide_it_is(static: Path, width: object) -> None:
    write_json(static / "config.json", {"model_type": "model2vec", "hidden_dim": width})
    assert f" is {width!r}" in str(refusal(static))


def test_modules_and_architecture_of_a_static_embedding_belong_together(static: Path) -> None:
    write_json(static / "config.json", {"model_type": "bert", "hidden_dim": 3})
    assert "model_type 'bert' is not on the allow-list (model2vec)" in str(refusal(static))
    write_json(static / "modules.json", checkpoints.modules("Transformer", "Pooling"))
    write_json(static / "config.json", {"model_type": "model2vec", "hidden_dim": 3})
    assert "model_type 'model2vec' is not on the allow-list" in str(refusal(static))


@pytest.mark.parametrize(
    "kinds", [("StaticEmbedding", "Pooling"), ("Transformer", "StaticEmbedding"), ("Normalize",)]
)
def test_a_static_embedding_stands_alone(static: Path, kinds: tuple[str, ...]) -> None:
    write_json(static / "modules.json", checkpoints.modules(*kinds))
    assert f"modules {list(kinds)}: Molt takes" in str(refusal(static))


@pytest.mark.parametrize("folder", ["0_StaticEmbedding", "..", "../other", "/etc"])
def test_a_static_embedding_lies_where_its_files_were_checked(static: Path, folder: str) -> None:
    (entry,) = checkpoints.modules("StaticEmbedding")
    write_json(static / "modules.json", [entry | {"path": folder}])
    assert refusal(static).path == static / "modules.json"
